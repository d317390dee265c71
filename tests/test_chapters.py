"""The chapters of a thorough study: run on every family, shown, written, and contained where they cannot be."""

from __future__ import annotations

import io
import sys
import types

import numpy as np
import polars
import pytest
from rich.console import Console

from alphaomega import report
from alphaomega.datasets.table import Table
from alphaomega.study import Options, chapters, strengths, study
from alphaomega.study.chapters.terminal import show_chapters


def table(family):
    """Sixty rows whose target depends on the first two of five columns."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 5))
    eta = 1.5 * X[:, 0] - X[:, 1] + 0.7 * rng.standard_normal(60)
    targets = {
        "gaussian": eta,
        "binomial": np.where(eta > 0, "yes", "no"),
        "multinomial": np.array(["a", "b", "c"])[np.digitize(eta, [-0.7, 0.7])],
        "poisson": rng.poisson(np.exp(0.5 * eta)),
    }
    columns = {f"x<{j}>": X[:, j] for j in range(5)}
    return Table("table.csv", polars.DataFrame({**columns, "y": targets[family]}), target="y")


@pytest.fixture(scope="module", params=["gaussian", "binomial", "multinomial", "poisson"])
def found(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strengths, "LARGE_WORK", 0)  # the grid is not the matter here
        options = Options(family=request.param, folds=4, networks=False, thorough=True)
        return study(table(request.param), options)


def shown(study):
    console = Console(width=120, record=True, file=io.StringIO())
    show_chapters(study, console)
    return console.export_text()


def test_every_chapter_says_something_and_is_shown(found):
    assert [chapter.title for chapter in found.chapters]
    told, page = shown(found), report.render(found)
    for chapter in found.chapters:
        assert chapter.sentences or chapter.tables or chapter.pictures or chapter.notes
        assert chapter.title in told
        assert f'<section id="{chapter.id}">' in page
        for grid in chapter.tables:
            assert {len(row) for row in grid.rows} == {len(grid.head)}, grid.title
        for picture in chapter.pictures:
            assert len(picture.caption) > 20
            assert len(picture.alt) > 20


def test_stability_stands_beside_the_other_rules(found):
    """Min, 1-SE, criteria and stability in one table; its features are those that the chapter on stability selects."""
    by_id = {chapter.id: chapter for chapter in found.chapters}
    rows = {row[0]: row for row in by_id["strengths"].tables[0].rows}
    assert {"L1, min", "L1, 1-SE", "L1, BIC", "stability, refitted"} <= set(rows)
    selected = sum(row[3] == "yes" for row in by_id["stability"].tables[0].rows)
    assert rows["stability, refitted"][2] == selected
    assert rows["stability, refitted"][5] < found.baseline.test.deviance if selected else True


def test_the_ensemble_draws_the_intervals_of_its_table(found):
    chapter = next(chapter for chapter in found.chapters if chapter.id == "ensemble")
    bars, marks = chapter.pictures[0].figure.data
    for row, drawn, mean, single in zip(chapter.tables[1].rows, bars.customdata, bars.x, marks.x, strict=True):
        np.testing.assert_allclose(row[1:5], [single, mean, *drawn])


def test_ids_are_unique(found):
    ids = [chapter.id for chapter in found.chapters]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "error, contained", [(ValueError("y is flat; bring a y that differs."), True), (TypeError("ours"), False)]
)
def test_a_fault_of_the_data_is_one_sentence_and_ours_is_raised(found, monkeypatch, error, contained):
    def fail(material):
        raise error

    module = types.SimpleNamespace(chapter=fail, MENU="Trial", TITLE="A trial")
    monkeypatch.setitem(sys.modules, "alphaomega.study.chapters.trial", module)
    run = chapters.run_chapters(chapters.material_of(found), [chapters.Entry("trial", "trial", 1.0)])
    if contained:
        (chapter,) = run
        assert chapter.notes == ("Not done for this data: y is flat; bring a y that differs.",)
        assert chapter.title == "A trial"
    else:
        with pytest.raises(TypeError, match="ours"):
            list(run)


def test_ctrl_c_keeps_the_chapters_that_are_done(monkeypatch):
    def stop(material):
        raise KeyboardInterrupt

    module = types.SimpleNamespace(chapter=stop, MENU="Trial", TITLE="A trial")
    monkeypatch.setitem(sys.modules, "alphaomega.study.chapters.trial", module)
    monkeypatch.setattr(chapters, "REGISTRY", (chapters.REGISTRY[0], chapters.Entry("trial", "trial", 1.0)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strengths, "LARGE_WORK", 0)
        result = study(table("gaussian"), Options(folds=4, networks=False, thorough=True))
    assert len(result.chapters) == 1
    assert result.interrupted


def test_the_labels_of_the_target_are_those_of_the_data(found):
    material = chapters.material_of(found)
    if found.labels:
        assert set(material.y.tolist()) <= set(found.labels)
        assert (found.loss.target(material.y).values == found.train.y).all()
    else:
        assert (material.y == found.train.y).all()


def test_significance_counts_what_the_tables_hold():
    """Two of five features matter: least squares and the debiased lasso find them, and so do their counts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strengths, "LARGE_WORK", 0)
        result = study(table("gaussian"), Options(folds=4, networks=False, thorough=True))
    chapter = next(chapter for chapter in result.chapters if chapter.id == "significance")
    values, steps = chapter.tables
    assert {row[0] for row in values.rows[:2]} == {"x<0>", "x<1>"} == {row[0] for row in steps.rows[:2]}
    for position, name in enumerate(values.head[1:], start=1):
        small = sum(row[position] < 0.05 for row in values.rows)
        assert any(text.startswith(f"{name}: {small} of 5 have p < 0.05") for text in chapter.sentences)
    posterior = next(chapter for chapter in result.chapters if chapter.id == "posterior")
    for row in posterior.tables[0].rows:
        fit, mean, low, high = row[1:5]
        assert low < mean < high and low < fit < high
