"""The report: one inert, self-contained file that says what the study found."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars
import pytest

from alphaomega import report
from alphaomega.datasets.table import Table
from alphaomega.report.words import significant
from alphaomega.study import strengths
from alphaomega.study.run import study
from alphaomega.study.understanding import Options

OWNED = "document.documentElement.dataset.owned=1"
HOSTILE = [
    "<script>alert(1)</script>",
    f"</script><img src=x onerror={OWNED}>",
    f"<svg/onload={OWNED}>",
    "<b>bold</b> & <a href='http://evil.example/'>link</a>",
    "{{ 7*7 }} %{y} \u2028 line",
    "x" * 150,
]
TARGET = f"</title><script>{OWNED}</script>"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def table(family, names, target, name="table.csv"):
    """Eighty rows whose target depends on the first three columns."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((80, len(names)))
    eta = 2 * X[:, 0] - X[:, 1] + 0.6 * X[:, 2] + 0.7 * rng.standard_normal(80)
    kinds = {
        "gaussian": eta,
        "multinomial": np.array([f"<i>{word}</i>" for word in ("low", "mid", "high")])[
            np.digitize(eta, np.quantile(eta, [1 / 3, 2 / 3]))
        ],
    }
    columns = {column: X[:, j] for j, column in enumerate(names)}
    return Table(name=name, frame=polars.DataFrame({**columns, target: kinds[family]}), target=target)


@pytest.fixture(scope="module", params=["gaussian", "multinomial"])
def found(request):
    """A study in which every name is an attack."""
    source = f"<img src=x onerror={OWNED}>.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strengths, "LARGE_WORK", 0)  # the grid is not the matter here
        return study(table(request.param, HOSTILE, TARGET, source), Options(folds=3, networks=False))


@pytest.fixture(scope="module")
def page(found):
    """Its report."""
    return report.render(found)


class Elements(HTMLParser):
    """Start tags with attributes, and the text of every table cell, row by row."""

    def __init__(self, page):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.cell = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.cell = tag in ("td", "th") or (self.cell and tag not in ("tr", "table"))

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = False

    def handle_data(self, data):
        if self.cell and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def scripts(page):
    """The contents of all script elements."""
    return re.findall(r"<script[^>]*>(.*?)</script>", page, flags=re.DOTALL)


def figures(page):
    """The figures as the page hands them to plotly.js."""
    return json.loads(re.search(r'id="figure-data">(.*?)</script>', page, flags=re.DOTALL)[1])["figures"]


def numbers(value):
    """An array of plotly's JSON, plain or packed."""
    if isinstance(value, dict):
        return np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
    return np.array(value, dtype=float)


def test_nothing_is_loaded_from_outside(page):
    tags = Elements(page).tags
    assert not {"link", "iframe", "object", "embed", "img", "base"} & {tag for tag, _ in tags}
    for tag, attributes in tags:
        assert "src" not in attributes, (tag, attributes)
        assert attributes.get("href", "#").startswith("#"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style


def test_the_policy_allows_just_our_scripts_and_no_network(page):
    policy = next(a["content"] for tag, a in Elements(page).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    ran = [text for text in scripts(page) if not text.startswith("{")]
    assert len(ran) == 2
    for text in ran:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert "http" not in policy


def test_names_are_text_everywhere(page, found):
    without_code = page
    for text in scripts(page):
        if not text.startswith("{"):
            without_code = without_code.replace(text, "")
    for name in [*HOSTILE[:4], TARGET, found.understanding.source]:
        assert name not in without_code
    assert html.escape(TARGET, quote=False) in page
    for text in scripts(page):
        if text.startswith("{"):
            assert not set("<>&\u2028") & set(text)


def test_no_label_of_a_figure_is_markup(page):
    allowed = re.compile(r"</?(b|sup|extra)>|<br>")

    def texts(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key != "bdata":
                    yield from texts(value)
        elif isinstance(node, list):
            for value in node:
                yield from texts(value)
        elif isinstance(node, str):
            yield node

    for text in texts(figures(page)):
        assert "<" not in allowed.sub("", text), text


def test_the_comparison_says_what_the_study_found(page, found):
    rows = {row[0].strip().split("  ")[0]: row for row in Elements(page).rows if len(row) > 10}
    for fit in found.fits:
        label = "unpenalised" if fit.label == "none" else fit.label
        row = next(row for key, row in rows.items() if key.replace(" recommended", "").strip() == label)
        assert row[1].strip() == significant(fit.alpha, 3)
        assert row[2].strip() == f"{fit.n_nonzero:,}"
        assert row[3].strip() == significant(fit.train.deviance)
        assert row[4].strip().startswith(f"{significant(fit.test.deviance)} ±")
        assert ("recommended" in row[0]) == (fit is found.chosen)


def test_figures_and_table_hold_the_coefficients(page, found):
    path = found.curve("L1").path
    values = path.coef_standardized if path.coef.ndim == 2 else np.linalg.norm(path.coef_standardized, axis=1)
    drawn = [trace for trace in figures(page)["path-l1"]["data"] if trace.get("mode") == "lines"]
    ends = sorted(numbers(trace["y"])[-1] for trace in drawn if len(numbers(trace["y"])) == len(path.alphas))
    named = [j for j in range(values.shape[1]) if values[:, j].any()]
    assert set(np.round(values[-1, named], 9)) <= set(np.round(ends, 9))
    table_data = json.loads(re.search(r'id="coefficient-data">(.*?)</script>', page, flags=re.DOTALL)[1])
    order = [found.feature_names.index(name) for name in table_data["names"]]
    for held, fit in zip(table_data["fits"], found.fits):
        assert (held["name"], held["rule"]) == (fit.name, fit.rule)
        expected = np.atleast_2d(fit.coef_standardized)[:, order]
        np.testing.assert_allclose(held["coef"], expected, rtol=1e-5)


def test_the_same_study_gives_the_same_bytes_and_a_small_file(page, found, tmp_path):
    written = report.write(found, tmp_path / "report.html")
    assert written.read_bytes() == page.encode()
    assert len(page) < 6_200_000


def test_an_interrupted_study_is_reported_as_such(found):
    half = replace(found, curves=found.curves[:1], fits=found.fits[:3], interrupted=True)
    assert "stopped before its end" in report.render(half)
    nothing = replace(found, curves=(), fits=(), chosen=None, recommendation=(), interrupted=True)
    assert "Nothing was finished" in report.render(nothing)


def test_every_picture_has_words(page):
    tags = Elements(page).tags
    plots = [attributes for _, attributes in tags if attributes.get("class") == "plot"]
    assert len(plots) == len(figures(page)) == 10
    for attributes in plots:
        assert attributes["role"] == "img" and len(attributes["aria-label"]) > 40
    assert [tag for tag, _ in tags].count("figcaption") == len(plots)
    assert [tag for tag, _ in tags].count("h1") == 1


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """`shown(page)`: the page in a headless browser: its DOM, its console, the network addresses it asked for."""
    browser = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if browser is None:
        pytest.skip("no Chromium on this machine; install Debian's package `chromium`")

    def open_in_browser(page):
        folder = tmp_path_factory.mktemp("browser")
        file, log = folder / "report.html", folder / "net.json"
        file.write_text(page, encoding="utf-8")
        quiet = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-sync"
        own = (
            f"--disable-component-update --disable-extensions --user-data-dir={folder / 'profile'} --log-net-log={log}"
        )
        look = "--window-size=1280,14000 --virtual-time-budget=8000 --enable-logging=stderr --v=0 --dump-dom"
        command = [browser, *quiet.split(), *own.split(), *look.split(), file.as_uri()]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
        log_lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        by_pages = [line for line in log_lines if '"initiator":' in line and '"initiator":"not an origin"' not in line]
        asked = re.findall(r'"url":"((?:https?|wss?)://[^"]*)"', "\n".join(by_pages))  # the browser's own are not ours
        return run.stdout, console, asked

    return open_in_browser


def test_a_browser_shows_it_without_error_network_or_attack(page, shown):
    dom, console, asked = shown(page)
    assert console == []
    assert asked == []
    assert "data-owned" not in dom.split("<head", 1)[0]
    assert len(re.findall(r'<div class="plot js-plotly-plot"', dom)) == len(figures(page)), "not every figure was drawn"
    assert HOSTILE[0] in html.unescape(dom)


def test_the_browser_check_would_notice(shown):
    attack = f"<html><head></head><body><img src='http://evil.example/x.png' onerror={OWNED}><script>nothing()</script>"
    dom, console, asked = shown(attack)
    assert "data-owned" in dom.split("<head", 1)[0]
    assert any("nothing is not defined" in line for line in console)
    assert "http://evil.example/x.png" in asked
