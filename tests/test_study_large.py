"""A study of a file that is too large for the memory that it may use."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import polars
import pytest
from typer.testing import CliRunner

from alphaomega import report
from alphaomega.cli import app
from alphaomega.datasets import DataError, Table, read
from alphaomega.study import study
from alphaomega.study.large import budget, study_large, too_large, understand_large
from alphaomega.study.model_file import model_of, read_model
from alphaomega.study.results import Study
from alphaomega.study.understanding import Options

MORE = 1e7  # bytes: room for working columns, which curved losses would else read for every product


@pytest.fixture(scope="module")
def frame() -> polars.DataFrame:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 4))
    kind = rng.choice(["a", "b", "c"], 600)
    price = X[:, 0] - X[:, 1] + 2 * (kind == "b") + rng.standard_normal(600)
    X[rng.random((600, 4)) < 0.05] = np.nan
    table = polars.DataFrame(X, schema=["w", "x", "y1", "z"]).fill_nan(None)
    return table.with_columns(kind=polars.Series(kind), price=polars.Series(price))


@pytest.fixture(scope="module", params=["parquet", "csv", "arrow"])
def file(request, frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / f"houses.{request.param}"
    getattr(frame, {"arrow": "write_ipc"}.get(request.param, f"write_{request.param}"))(path)
    return path


def large(path, allowed: float = 1e4, **options) -> Study:
    given = Options(networks=False, **options)
    return study_large(understand_large(str(path), given, allowed), given)


def same_fits(found: Study, expected: Study, names: tuple[str, ...]) -> None:
    """The rows of these penalties agree, their errors with standard errors too."""
    one, other = ([found.baseline, *found.fits], [expected.baseline, *expected.fits])
    pairs = [(a, b) for a in one for b in other if a.label == b.label and a.name in ("mean only", *names)]
    assert len(pairs) >= 2
    for a, b in pairs:
        assert a.alpha == pytest.approx(b.alpha, rel=1e-6)
        np.testing.assert_allclose(a.coef_standardized, b.coef_standardized, atol=1e-5)
        for name in ("train", "test"):
            np.testing.assert_allclose(
                list(vars(getattr(a, name)).values()), list(vars(getattr(b, name)).values()), rtol=1e-4
            )
        assert a.unique == b.unique
        np.testing.assert_allclose([a.cv_error, a.cv_standard_error], [b.cv_error, b.cv_standard_error], rtol=1e-4)


def test_the_study_is_that_of_the_file_in_memory(file, frame):
    found, expected = large(file, folds=5), study(Table("houses", frame), Options(networks=False, folds=5))
    same_fits(found, expected, ("none", "L2", "L1"))
    for curve in found.curves[:2]:
        np.testing.assert_allclose(curve.test_error, expected.curve(curve.name).test_error, rtol=1e-4)
    one, other = found.understanding, expected.understanding
    for name in ("n_rows", "n_columns", "n_features", "target", "family", "n_numeric", "categorical", "missing"):
        assert getattr(one, name) == getattr(other, name), name
    assert found.feature_names == expected.feature_names
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-9)
    assert found.chosen is not None and found.chosen.test.deviance < found.baseline.test.deviance


def test_the_command_writes_the_report_and_a_model_that_predicts(file, tmp_path):
    run = CliRunner().invoke(app, ["study", str(file), "--memory=10KB", "--folds=3", f"--out={tmp_path / 'o'}"])
    assert run.exit_code == 0, run.output
    assert "it is read in batches" in " ".join(run.output.split())
    assert "Recommendation" in run.output
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert names == {"report.html", "summary.json", "coefficients.csv", "model.json"}
    model = read_model(tmp_path / "o" / "model.json")
    table = read(str(file))
    assert 0.5 < np.corrcoef(model.predict(table)["prediction"], table.frame["price"])[0, 1] < 1
    assert "Recommended" in (tmp_path / "o" / "report.html").read_text()


@pytest.mark.parametrize("gaps", [False, True])
def test_model_files_of_both_ways_predict_alike(gaps, frame, tmp_path):
    old = polars.Series([None if gaps and k % 50 == 7 else k % 3 == 0 for k in range(600)])
    flags = frame.select("w", "x", "kind", polars.lit("so").alias("same"), old.alias("old"), "price")
    flags.write_parquet(tmp_path / "f.parquet")
    found, expected = large(tmp_path / "f.parquet", folds=4), study(Table("f", flags), Options(networks=False, folds=4))
    assert sorted(found.feature_names) == sorted(expected.feature_names)
    assert [column.name for column in found.understanding.left_out] == ["same"]
    models = [model_of(replace(each, chosen=each.fit("none"))) for each in (found, expected)]
    one, other = (model.predict(Table("f", flags))["prediction"] for model in models)
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    "kind", ["words", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("counts", "three"))]
)
def test_other_families_are_studied_too(kind, frame, tmp_path):
    price = polars.col("price")
    target = {
        "words": polars.when(price > 0).then(polars.lit("yes")).otherwise(polars.lit("no")),
        "counts": price.clip(0, 4).round().cast(polars.Int64),
        "three": polars.when(price > 1)
        .then(polars.lit("a"))
        .when(price > -1)
        .then(polars.lit("b"))
        .otherwise(polars.lit("c")),
    }[kind]
    changed = frame.with_columns(price=target)
    changed.write_parquet(tmp_path / "f.parquet")
    options = {"folds": 3, "family": "poisson" if kind == "counts" else "auto"}
    found = large(tmp_path / "f.parquet", MORE, **options)
    expected = study(Table("f", changed), Options(networks=False, **options))
    same_fits(found, expected, ("none", "L1"))
    assert found.labels == expected.labels
    assert found.understanding.class_counts == expected.understanding.class_counts
    assert report.write(found, tmp_path / "r.html").stat().st_size > 1e6


def test_exposures_are_columns_of_the_file(frame, tmp_path):
    rng = np.random.default_rng(1)
    years = rng.uniform(0.5, 2, 600)
    claims = frame.with_columns(years=polars.Series(years), price=polars.Series(rng.poisson(years)))
    claims.write_parquet(tmp_path / "f.parquet")
    options = {"exposure": "years", "family": "poisson", "folds": 3}
    expected = study(Table("f", claims), Options(networks=False, **options))
    same_fits(large(tmp_path / "f.parquet", MORE, **options), expected, ("none", "L1"))


def test_columns_that_are_no_features_are_left_out_and_said(frame, tmp_path):
    day = datetime.date(2024, 2, 29)
    odd = frame.with_columns(
        number=polars.int_range(600),
        name=polars.Series([f"house {k}" for k in range(600)]),
        day=polars.lit(day),
        same=polars.lit(3.0),
        none=polars.lit(None, polars.Float64),
    ).select("number", "name", "day", "same", "none", *frame.columns)
    odd.write_parquet(tmp_path / "f.parquet")
    understood = understand_large(str(tmp_path / "f.parquet"), Options(exclude=("w",)), 1e4).understanding
    assert {column.name: column.remark for column in understood.left_out} == {
        "number": "identifier-like: it numbers the rows",
        "name": "too many categories: more than 100",
        "day": "of type date32[day]; turn it into numbers or words to use it",
        "same": "constant",
        "none": "empty",
        "w": "named by --exclude",
    }
    with pytest.raises(DataError, match=r"no feature is left .*'number'.*'same': constant"):
        understand_large(str(tmp_path / "f.parquet"), Options(exclude=("w", "x", "y1", "z", "kind")), 1e4)


def test_an_infinite_cell_is_named(frame, tmp_path):
    frame.with_columns(x=polars.when(polars.int_range(600) == 77).then(np.inf).otherwise("x")).write_parquet(
        tmp_path / "f.parquet", row_group_size=50
    )
    with pytest.raises(DataError, match=r"'x' holds an infinity at row 77 \(.*row group 1, its row 27\)"):
        large(tmp_path / "f.parquet")


@pytest.mark.parametrize(("share", "rows"), [(0.2, 2), (0.9, 7)])
def test_interrupted_the_finished_part_is_kept(share, rows, file):
    options = Options(folds=3)

    def stop(stage: str, done: float) -> None:
        if done > share and stage != "done":
            raise KeyboardInterrupt

    found = study_large(understand_large(str(file), options, 1e4), options, stop)
    assert found.interrupted
    assert len(found.fits) < 7
    assert found.baseline.test.deviance > 0


def test_classes_that_a_plane_tells_apart_have_no_fit_without_a_penalty(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    table = polars.DataFrame(X, schema=["a", "b", "c"]).with_columns(t=polars.Series(np.where(X[:, 0] > 0, "u", "v")))
    table.write_parquet(tmp_path / "f.parquet")
    found = large(tmp_path / "f.parquet", MORE, folds=3)
    assert "separable" in found.fit("none").note and not found.fit("none").unique


def test_small_files_stay_in_memory(file):
    assert too_large(str(file), budget("")) == ""
    assert too_large("diabetes", 1.0) == ""


def test_sizes_are_read_or_refused():
    assert budget("1.5 GiB") == 1.5 * 2**29
    for text in ("two", "0GB", "-1MB"):
        with pytest.raises(DataError, match=r"--memory .* is no size"):
            budget(text)


@pytest.mark.parametrize(("name", "value"), [("text", "kind"), ("thorough", True)])
def test_what_needs_memory_is_refused_by_name(name, value, file):
    with pytest.raises(DataError, match=rf"--{name} needs the file in memory"):
        understand_large(str(file), Options(**{name: value}), 1e4)
