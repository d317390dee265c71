"""What is written beside the code stays true: quoted classes, commands and examples."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
QUOTE = re.compile(r"<!-- source: (\S+) -->\n```python\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = sorted(path for path in (ROOT / "docs").glob("*.rst") if ">>>" in path.read_text(encoding="utf-8"))


def quotes() -> list[tuple[str, str]]:
    """(file, code) of every class quoted in CONTRIBUTING.md."""
    return QUOTE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def test_one_plug_in_of_each_kind_is_quoted():
    assert [Path(file).parent.name for file, _ in quotes()] == ["penalties", "losses", "designs"]


@pytest.mark.parametrize(("file", "code"), quotes(), ids=[file for file, _ in quotes()])
def test_quoted_classes_are_the_real_ones(file, code):
    """Nothing is left out: the class as it stands in its file."""
    assert code.strip() in (ROOT / file).read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs(capsys):
    names: dict[str, object] = {}
    for block in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        exec(compile(block, "README.md", "exec"), names)
    assert names["path"].gap.max() <= 1e-6 and names["cv"].alpha_min <= names["cv"].alpha_1se
    assert "Lasso" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_of_the_pages_run(page, monkeypatch):
    """As run from the root of a checkout; the pages of claims are collected as doctests by themselves."""
    monkeypatch.chdir(ROOT)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(page), module_relative=False, optionflags=options, encoding="utf-8")
    assert found.attempted and not found.failed
