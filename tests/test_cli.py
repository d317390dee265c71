"""The command: from a file to an answer, and one message with exit code 2 where there is none."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import polars
import pytest

import alphaomega
from alphaomega import cli
from alphaomega.study import comparison, read_model

FILES = ["coefficients.csv", "model.json", "report.html", "summary.json"]


def run(*arguments) -> int:
    """The exit code of the command, run in this process."""
    with pytest.raises(SystemExit) as caught:
        cli.main([str(argument) for argument in arguments])
    return int(caught.value.code or 0)


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """A small table with numbers, a category, gaps, an identifier, and columns that say nothing."""
    rng = np.random.default_rng(7)
    n = 90
    size, age = rng.uniform(50, 200, n), rng.uniform(0, 80, n)
    colour = rng.choice(["red", "green", "blue"], n)
    price = 3 * size - age + 20 * (colour == "red") + 5 * rng.standard_normal(n)
    gaps = np.where(rng.random(n) < 0.1, np.nan, age)
    frame = polars.DataFrame(
        {
            "id": [f"house {k}" for k in range(n)],
            "size": size,
            "<b>age</b> [red]": polars.Series(gaps).fill_nan(None),
            "colour": colour,
            "country": "NL",
            "area": size,
            "noise": rng.standard_normal(n),
            "price": price,
        }
    )
    file = tmp_path_factory.mktemp("houses") / "houses.csv"
    frame.write_csv(file)
    return file


@pytest.fixture(scope="module")
def studied(houses, tmp_path_factory):
    """The folder of a finished study of the houses."""
    folder = tmp_path_factory.mktemp("study")
    assert run("study", houses, "--out", folder, "--folds", 5, "--no-networks") == 0
    return folder


def test_a_study_writes_its_files(studied):
    assert sorted(path.name for path in studied.iterdir()) == FILES


def test_a_study_tells_what_it_understood_compares_and_recommends(houses, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert run("study", houses, "--out", tmp_path, "--folds", 5, "--no-networks") == 0
    told = capsys.readouterr().out
    for words in (
        "90 rows, 8 columns",
        "price (the last column",
        "gaussian",
        "colour (3)",
        "<b>age</b> [red]",
        "identifier-like",
        "constant",
        "a duplicate of size",
        "elastic net (1-SE)",
        "± its standard error",
        "Recommendation",
        "report.html",
    ):
        assert words in " ".join(told.split()), words


def test_the_same_seed_gives_the_same_bytes(houses, studied, tmp_path):
    assert run("study", houses, "--out", tmp_path / "again", "--folds", 5, "--no-networks") == 0
    for name in ("summary.json", "coefficients.csv", "model.json"):
        assert (tmp_path / "again" / name).read_bytes() == (studied / name).read_bytes()
    assert run("study", houses, "--out", tmp_path / "other", "--folds", 5, "--seed", 1, "--no-networks") == 0
    assert (tmp_path / "other" / "summary.json").read_bytes() != (studied / "summary.json").read_bytes()


def test_the_summary_holds_no_times_and_no_folders(studied, houses):
    text = (studied / "summary.json").read_text()
    assert "seconds" not in text
    assert str(houses.parent) not in text
    summary = json.loads(text)
    assert summary["understanding"]["source"] == "houses.csv"
    names = [(fit["name"], fit["rule"]) for fit in summary["fits"]]
    assert names[:2] == [("mean only", ""), ("none", "")]
    assert len(names) == 8
    assert all(fit["gap"] <= 1e-6 for fit in summary["fits"])


def test_the_coefficients_are_on_both_scales(studied):
    table = polars.read_csv(studied / "coefficients.csv")
    features = table.filter(polars.col("feature") != "(intercept)")
    raw, standardized = (features[name].cast(float).to_numpy() for name in ("L1 (min)", "L1 (min) standardized"))
    assert np.allclose(raw * features["standard_deviation"].to_numpy(), standardized)
    assert features["feature"].to_list() == ["size", "<b>age</b> [red]", "colour=green", "colour=red", "noise"]


def test_predict_applies_the_model_by_column_name(studied, houses, tmp_path, capsys):
    shuffled = polars.read_csv(houses).select("noise", "colour", "<b>age</b> [red]", "size")
    shuffled.write_parquet(tmp_path / "new.parquet")
    assert run("predict", studied / "model.json", tmp_path / "new.parquet", "--out", tmp_path / "out.csv") == 0
    assert "90 predictions of price" in capsys.readouterr().out
    predicted = polars.read_csv(tmp_path / "out.csv")["prediction"].to_numpy()
    price = polars.read_csv(houses)["price"].to_numpy()
    summary = json.loads((studied / "summary.json").read_text())
    chosen = next(fit for fit in summary["fits"] if fit["name"] in summary["recommended"] and fit["rule"])
    assert np.mean((predicted - price) ** 2) < 4 * chosen["train"]["deviance"]


def test_predict_prints_to_standard_output(studied, houses, capsys):
    assert run("predict", studied / "model.json", houses) == 0
    assert polars.read_csv(capsys.readouterr().out.encode()).shape == (90, 1)


@pytest.mark.parametrize(
    ("data", "options", "family"),
    [
        ("iris", ["--penalty", "L2", "--alpha", "0.1"], "multinomial"),
        ("breast_cancer", ["--penalty", "elastic-net", "--l1-ratio", "0.9", "--alpha", "0.05"], "binomial"),
        ("diabetes", ["--penalty", "L1", "--alpha", "1se", "--folds", "5"], "gaussian"),
        ("diabetes", ["--alpha", "0"], "gaussian"),
    ],
)
def test_fit_writes_a_model(tmp_path, data, options, family, capsys):
    assert run("fit", data, "--out", tmp_path / "model.json", *options) == 0
    model = read_model(tmp_path / "model.json")
    assert model.family == family
    assert family in capsys.readouterr().out


def test_datasets_are_listed(capsys):
    assert run("datasets") == 0
    told = capsys.readouterr().out
    assert all(name in told for name in ("diabetes (default)", "breast_cancer", "wine", "digits"))


def test_the_version_is_told(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.strip() == f"alphaomega {alphaomega.__version__}"


def test_dates_and_decimal_commas_predict_as_they_were_fitted(tmp_path):
    rng = np.random.default_rng(2)
    days, size = rng.integers(18_000, 19_000, 60), rng.integers(40, 200, 60) / 4
    price = 1000 * size + 30 * (days - 18_000)
    dates = polars.Series(days).cast(polars.Int32).cast(polars.Date)

    def comma(value):
        return f"{value:.2f}".replace(".", ",")

    old = ["size;sold;price", *(f"{comma(a)};{d:%d.%m.%Y};{comma(p)}" for a, d, p in zip(size, dates, price))]
    new = ["sold,size", f"{dates[0]:%Y-%m-%d},{size[0]}"]
    (tmp_path / "old.csv").write_text("\n".join(old))
    (tmp_path / "new.csv").write_text("\n".join(new))
    assert run("fit", tmp_path / "old.csv", "--alpha", "0", "--out", tmp_path / "m.json") == 0
    assert run("predict", tmp_path / "m.json", tmp_path / "new.csv", "--out", tmp_path / "out.csv") == 0
    assert polars.read_csv(tmp_path / "out.csv").item() == pytest.approx(price[0], rel=1e-6)


GOOD = "a,b,y\n" + "".join(f"{k * k % 17},{k % 5},{k * 1.5}\n" for k in range(30))
BAD = {
    "no such file": (None, [], "there is no file"),
    "empty": ("", [], "is empty"),
    "ragged": (GOOD + "1,2\n", [], "line 32 has 2 cells"),
    "text among numbers": (GOOD + "oops,2,3\n", [], "column 'a', line 32: 'oops' is not a number"),
    "infinity": (GOOD + "inf,2,3\n", [], "column 'a' holds an infinity in line 32"),
    "infinite target": (GOOD + "1,2,-inf\n", [], "column 'y' holds an infinity in line 32"),
    "target missing in a row": (GOOD + "1,2,\n", [], "target 'y' is missing in 1 of 31 rows (first: line 32)"),
    "constant target": ("a,y\n" + "".join(f"{k},3\n" for k in range(30)), [], "target 'y' is constant"),
    "unknown target": (GOOD, ["--target", "Y2"], "--target 'Y2' is not a column; did you mean 'y'?"),
    "unknown exposure": (GOOD, ["--exposure", "zzz"], "the columns are a, b, y"),
    "unknown text": (GOOD, ["--text", "zzz"], "--text 'zzz' is not a column"),
    "unknown family": (GOOD, ["--family", "cauchy"], "choose one of auto, gaussian"),
    "no feature": ("y\n1\n2\n3.5\n4\n", [], "no column but the target 'y'"),
    "no usable feature": ("a,y\n" + "".join(f"1,{k + 0.5}\n" for k in range(30)), [], "'a': constant"),
    "fewer rows than folds": (GOOD, ["--folds", "28"], "24 training rows are too few for 28 folds"),
    "one fold": (GOOD, ["--folds", "1"], "--folds must be at least 2"),
    "all rows held out": (GOOD, ["--test-size", "1"], "--test-size must lie between 0 and 1"),
    "negative counts": (GOOD.replace("43.5", "-3"), ["--family", "poisson"], "is negative in line"),
    "words as counts": ("a,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(30)), ["--family", "poisson"], "words"),
    "a class of one": ("a,y\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(30)) + "3,c\n", [], "class 'c'"),
    "zero exposure": ("a,e,y\n" + "".join(f"{k},{k},{k % 3}\n" for k in range(30)), ["--exposure", "e"], "'e' is 0"),
    "exposure without counts": (GOOD, ["--exposure", "b", "--family", "gaussian"], "--exposure is for counts"),
    "one value to train on": (
        "a,y\n" + "".join(f"{k * k % 17},{int(k == 4)}\n" for k in range(30)),
        ["--family", "poisson"],
        "target 'y' has one value (0) in all 24 training rows",
    ),
    "values without squares": (GOOD + "1e300,2,3\n", [], "column 'a' reaches 1e+300"),
    "an offset that is no logarithm": (
        "a,e,y\n" + "".join(f"{k * k % 17},{k + 1000},{k % 4}\n" for k in range(30)),
        ["--offset", "e", "--family", "poisson"],
        "--offset wants logarithms",
    ),
    "a negative seed": (GOOD, ["--seed", "-1"], "--seed must be at least 0"),
    "zero bytes": (GOOD + "1,\0,3\n", [], "is no text"),
    "excluded target": (GOOD, ["--exclude", "y", "--target", "y"], "cannot be both the target and --exclude"),
    "text as target": (
        "a,note\n" + "".join(f"{k * k % 17},the note of day {k}\n" for k in range(30)),
        [],
        "read this one as text with --text 'note'",
    ),
    "two columns of one name": ("a,a,y\n1,2,3\n", [], "two columns called 'a'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message_and_exit_code_two(case, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    content, options, message = BAD[case]
    file = tmp_path / "data.csv"
    if content is not None:
        file.write_text(content)
    assert run("study", file, "--out", tmp_path / "out", *options) == 2
    told = capsys.readouterr().err
    assert told.startswith("Error: ")
    assert message in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) == 1


def test_long_names_are_cut_in_messages(tmp_path, capsys):
    file = tmp_path / "data.csv"
    file.write_text(GOOD)
    assert run("study", file, "--target", "x" * 90_000) == 2
    told = capsys.readouterr().err
    assert "is not a column" in told and len(told) < 3000


@pytest.mark.parametrize("alpha", ["-1", "nan", "inf", "much"])
def test_alpha_must_be_a_strength(alpha, tmp_path, capsys):
    assert run("fit", "iris", f"--alpha={alpha}", "--out", tmp_path / "model.json") == 2
    assert "--alpha must be cv, 1se or a number >= 0" in capsys.readouterr().err


def test_bad_models_and_rows_are_one_message_and_exit_code_two(studied, houses, tmp_path, capsys):
    (tmp_path / "foreign.json").write_text("{}")
    (tmp_path / "cut.json").write_bytes((studied / "model.json").read_bytes()[:100])
    polars.read_csv(houses).drop("size", "noise").write_csv(tmp_path / "short.csv")
    for model, data, message in (
        (tmp_path / "foreign.json", houses, "foreign.json is JSON but no alphaomega-model file"),
        (tmp_path / "cut.json", houses, "cut.json is damaged"),
        (studied / "model.json", tmp_path / "short.csv", "short.csv lacks the columns size, noise"),
        (studied / "model.json", tmp_path / "none.csv", "there is no file"),
    ):
        assert run("predict", model, data) == 2
        assert message in " ".join(capsys.readouterr().err.split())


def test_a_file_in_the_way_of_the_folder_is_named(houses, capsys):
    assert run("study", houses, "--out", houses) == 2
    assert "is a file; name a folder" in " ".join(capsys.readouterr().err.split())


def test_a_folder_in_the_way_of_a_file_is_named_before_any_work(tmp_path, capsys):
    for command in (("fit", "no such data"), ("predict", "no such model", "no such data")):
        assert run(*command, "--out", tmp_path) == 2
        assert "is a folder; name a file in it" in " ".join(capsys.readouterr().err.split())


def test_unknown_options_are_exit_code_two(capsys):
    assert run("study", "--lambda", "3") == 2
    assert "No such option" in capsys.readouterr().err


def test_an_interrupt_keeps_what_is_finished(houses, tmp_path, monkeypatch, capsys):
    whole = comparison.cross_validate
    calls = []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments, **options)

    monkeypatch.setattr(comparison, "cross_validate", interrupted)
    assert run("study", houses, "--out", tmp_path, "--folds", 5, "--no-networks") == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["interrupted"]
    assert [(fit["name"], fit["rule"]) for fit in summary["fits"]][1:] == [("none", ""), ("L2", "min"), ("L2", "1se")]
    assert "Stopped before the end" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child on Windows")
def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "alphaomega", "study", "digits", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            if line.strip().startswith("features"):
                break
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        told = process.stdout.read() + process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in told


def test_ctrl_c_outside_of_any_command_ends_with_130(monkeypatch):
    from alphaomega import __main__, cli

    def stopped():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", stopped)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130
