"""A study of a file that is too large for the memory that it may use."""

from __future__ import annotations

import json

import numpy as np
import polars
import pytest
from typer.testing import CliRunner

import alphaomega as ao
from alphaomega.cli import app
from alphaomega.datasets import DataError
from alphaomega.study.large import budget, study_large, too_large
from alphaomega.study.splitting import split
from alphaomega.study.understanding import Options


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


def test_errors_are_those_of_the_fits_in_memory(file, frame):
    found = study_large(str(file), Options(folds=5), allowed=1e3)
    y = frame["price"].to_numpy()
    train, test = split(y, False, 0.2, 0)
    weights = np.zeros(600)
    weights[train] = 1
    cv = ao.cross_validate(frame, "price", weights=weights, standardize=True, folds=5, impute="mean")
    fit = next(fit for fit in found.fits if (fit.name, fit.rule) == ("L1", "1-SE"))
    assert fit.alpha == pytest.approx(cv.alpha_1se)
    predicted = cv.path.predict(frame.drop("price"), cv.alpha_1se)
    assert fit.test_error == pytest.approx(((y - predicted)[test] ** 2).mean())
    assert fit.train_error == pytest.approx(((y - predicted)[train] ** 2).mean())
    assert found.null_test_error == pytest.approx(((y[test] - y[train].mean()) ** 2).mean())
    assert found.chosen.test_error < found.null_test_error


def test_the_command_says_that_it_reads_in_batches(file, tmp_path):
    run = CliRunner().invoke(app, ["study", str(file), "--memory=10KB", "--folds=3", f"--out={tmp_path / 'o'}"])
    assert run.exit_code == 0, run.output
    assert "it is read in batches" in " ".join(run.output.split())
    assert "Recommended: " in run.output
    summary = json.loads((tmp_path / "o" / "summary.json").read_text())
    assert summary["target"] == "price" and len(summary["fits"]) == 6
    assert polars.read_csv(tmp_path / "o" / "coefficients.csv")["feature"].to_list()[-2:] == ["kind=b", "kind=c"]


def test_classes_are_studied_too(frame, tmp_path):
    dear = polars.when(polars.col("price") > 0).then(polars.lit("yes")).otherwise(polars.lit("no"))
    frame.with_columns(price=dear).write_parquet(tmp_path / "f.parquet")
    found = study_large(str(tmp_path / "f.parquet"), Options(folds=3), allowed=1e6)
    assert found.family == "binomial"
    assert 0 < found.chosen.test_error < found.null_test_error


def test_small_files_stay_in_memory(file):
    assert too_large(str(file), budget("")) == ""
    assert too_large("diabetes", 1.0) == ""


def test_sizes_are_read_or_refused():
    assert budget("1.5 GiB") == 1.5 * 2**29
    for text in ("two", "0GB", "-1MB"):
        with pytest.raises(DataError, match=r"--memory .* is no size"):
            budget(text)


def test_what_needs_memory_is_refused_by_name(file):
    with pytest.raises(DataError, match=r"--text needs the file in memory"):
        study_large(str(file), Options(text="kind"), allowed=1e4)
