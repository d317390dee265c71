"""The page: template, style, script and plotly.js joined into one file."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path as File
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .. import __version__
from ..plotting import template
from .chapters import chapter_sections
from .coefficients import coefficient_data
from .figures import Section, sections
from .tables import certificates, comparison, facts, tiles, uniqueness
from .words import GLOSSARY, gap, percent, significant

if TYPE_CHECKING:
    from ..study.results import Study

HERE = File(__file__).parent


def write(study: Study, path: str | File) -> File:
    """Write the report of a study to one HTML file and return its path.

    The file holds everything it shows, plotly.js included, and forbids itself any network access by its content
    security policy. Every name and text that comes from the data is escaped. The same study gives the same bytes.

    Parameters
    ----------
    study : Study
        Finished, or interrupted: what was not finished is left out and said so.
    path : str or path
        The file to write; its folder must exist.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = File(path)
    target.write_text(render(study), encoding="utf-8", newline="\n")
    return target


def render(study: Study) -> str:
    """The report as a string of HTML."""
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {"significant": significant, "percent": percent, "gap": gap}
    plotly_js, script = _script(get_plotlyjs()), _script((HERE / "script.js").read_text(encoding="utf-8"))
    parts = [*sections(study), *chapter_sections(study)]
    return environment.get_template("page.html.j2").render(
        study=study,
        understanding=study.understanding,
        facts=facts(study),
        tiles=tiles(study),
        comparison=comparison(study),
        uniqueness=uniqueness(study),
        certificates=certificates(study),
        sections=parts,
        glossary=GLOSSARY,
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        plotly_js=plotly_js,
        script=script,
        policy=_policy(plotly_js, script),
        figure_data=_inert(_figure_data(parts)),
        coefficient_data=coefficient_data(study),
        version=__version__,
    )


def _script(source: str) -> Markup:
    """Code of ours or plotly's, as the browser will read and hash it."""
    return Markup(source.replace("\r\n", "\n").replace("\r", "\n"))


def _policy(*scripts: str) -> str:
    """A content security policy: these scripts run, nothing else does, nothing is fetched."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"


def _figure_data(parts: list[Section]) -> str:
    figures = [f'"{drawing.id}":{drawing.json()}' for part in parts for drawing in part.drawings]
    looks = json.dumps({theme: template(theme).to_plotly_json() for theme in ("light", "dark")})
    return f'{{"figures":{{{",".join(figures)}}},"templates":{looks}}}'


def _inert(json_text: str) -> Markup:
    """JSON that can stand inside a script element: no character of markup is left."""
    for character in "<>&\u2028\u2029":
        json_text = json_text.replace(character, f"\\u{ord(character):04x}")
    return Markup(json_text)
