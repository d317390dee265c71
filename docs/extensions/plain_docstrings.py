"""Docstrings are plain text that people read in a terminal; here they become reStructuredText.

|w| is an absolute value and no substitution, coef_ is a name and no link, an indented formula is set as it stands.
"""

from __future__ import annotations

import re
from typing import Any

TRAILING = re.compile(r"(?<![\\`\w.])((?:\w+\.)*\w*[A-Za-z0-9])_(?![\w`])")
CODE = re.compile(r"(``.+?``|`[^`]+`)")


def escaped(text: str) -> str:
    """The line with what reStructuredText would misread escaped, code left alone."""
    parts = CODE.split(text)
    for k in range(0, len(parts), 2):
        part = parts[k].replace("|", r"\|")
        parts[k] = TRAILING.sub(r"\1\\_", part)
    return "".join(parts)


def with_formulas(lines: list[str]) -> list[str]:
    """Paragraphs with indented lines, at the head of a docstring (before its sections), as literal blocks."""
    section = next((k for k, line in enumerate(lines) if re.fullmatch(r"-{3,}\s*", line)), len(lines) + 1)
    head, rest = lines[: section - 1], lines[section - 1 :]
    result: list[str] = []
    for paragraph in "\n".join(head).split("\n\n"):
        text = paragraph.splitlines()
        indented = any(line.startswith("    ") for line in text)
        if indented and result and not any(line.lstrip().startswith((">>>", "..", "-")) for line in text):
            text = ["::", "", *("    " + line for line in text)]
        result += [*text, ""]
    return result + rest


def before_numpydoc(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Mark the formulas while the sections can still be told apart."""
    if not any(line.rstrip().endswith("::") for line in lines):
        lines[:] = with_formulas(lines)


def after_numpydoc(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape all text that is neither code, an example, nor a literal block."""
    literal = example = False
    for position, line in enumerate(lines):
        text = line.strip()
        if text.startswith(">>>"):
            example = True
        elif not text:
            example = False
        if literal and text and not line.startswith("    "):
            literal = False
        if text == "::" or text.startswith((".. code-block", ".. math")):
            literal = True
        elif not (literal or example or text.startswith((".. ", ":"))):
            lines[position] = escaped(line)


def skip_foreign(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what a class inherits from other packages."""
    home = getattr(getattr(obj, "fget", None) or obj, "__module__", None)
    return True if home and not str(home).startswith("alphaomega") else None


def setup(app: Any) -> dict[str, Any]:
    """Connect before and after numpydoc, which runs at the default priority."""
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("autodoc-process-docstring", before_numpydoc, priority=100)
    app.connect("autodoc-process-docstring", after_numpydoc, priority=900)
    return {"parallel_read_safe": True}
