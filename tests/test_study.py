"""A study: what it understands, what it fits, what it concludes, each against an independent computation."""

from __future__ import annotations

import json
import re

import numpy as np
import polars
import pytest
import scipy.sparse

import alphaomega as ao
from alphaomega.datasets import DataError, Table
from alphaomega.diagnostics.uniqueness import full_rank, l1_uniqueness
from alphaomega.results import Solution
from alphaomega.study import Errors, Fit, Options, Part, Study, strengths, study, understand
from alphaomega.study.columns import sort_out
from alphaomega.study.comparison import errors
from alphaomega.study.files import write_summary
from alphaomega.study.model_file import model_of, read_model, write_model
from alphaomega.study.numbers import number
from alphaomega.study.recommendation import choose, recommend
from alphaomega.study.splitting import split

FAST = Options(folds=4, networks=False)


def table(**columns) -> Table:
    return Table("data.csv", polars.DataFrame(columns))


@pytest.fixture(scope="module")
def diabetes() -> Study:
    return study(ao.datasets.load("diabetes"), Options(networks=False))


@pytest.fixture
def coarse(monkeypatch):
    """A coarse grid for every curved loss, where the grid is not the matter."""
    monkeypatch.setattr(strengths, "LARGE_WORK", 0)


# ---- what it understands


@pytest.mark.parametrize(
    ("columns", "target", "reason"),
    [
        (["a", "b", "c"], "c", "last column"),
        (["a", "class", "c"], "class", "called 'class'"),
        (["target", "b", "c"], "target", "called 'target'"),
        (["y", "class", "c"], "c", "last column"),
        (["a", "b", "y"], "y", "last column"),
    ],
)
def test_the_target_is_found_and_the_reason_said(rng, columns, target, reason):
    found = understand(table(**{name: rng.standard_normal(20) for name in columns}), Options()).understanding
    assert found.target == target
    assert reason in found.target_reason


@pytest.mark.parametrize(
    ("y", "family"),
    [
        (np.linspace(0, 1, 60), "gaussian"),
        (np.arange(60) + 30, "gaussian"),
        (np.arange(60) % 2, "binomial"),
        (np.arange(60) % 2 + 0.5, "binomial"),
        (["no", "yes"] * 30, "binomial"),
        ([True, False] * 30, "binomial"),
        (["a", "b", "c"] * 20, "multinomial"),
        (np.arange(60) % 3, "multinomial"),
        (np.minimum(np.arange(60) % 7, 2) * (np.arange(60) % 5 == 0), "poisson"),
        ([3] * 2 + [4] * 20 + [5] * 25 + [6] * 11 + [7] * 2, "gaussian"),
    ],
)
def test_the_family_fits_the_target(rng, y, family):
    found = understand(table(x=rng.standard_normal(60), y=y), Options()).understanding
    assert found.family == family
    assert "--family" in found.family_reason
    assert sum(found.class_counts) == (60 if found.classes else 0)


def test_an_exposure_makes_whole_numbers_counts(rng):
    reading = understand(
        table(x=rng.standard_normal(60), e=np.full(60, 2.0), y=np.arange(60) % 3), Options(exposure="e")
    )
    assert reading.understanding.family == "poisson"
    assert np.allclose(reading.offset, np.log(2))
    assert reading.X.columns == ["x"]


@pytest.mark.parametrize(
    ("column", "remark"),
    [
        (np.zeros(30), "constant"),
        ([None] * 30, "empty"),
        ([None] + [1.0] * 29, "constant where it is not missing"),
        (np.arange(30), "numbers the rows"),
        (np.arange(1, 31), "numbers the rows"),
        ([f"U{k}" for k in range(30)], "identifier-like"),
        ([f"{k % 28 + 1}/{k % 12 + 1}/2024" for k in range(30)], "write them as YYYY-MM-DD"),
        ([f"the text of letter {k}" for k in range(30)], "free text"),
    ],
)
def test_columns_that_cannot_be_features_are_left_out(rng, column, remark):
    kept, left_out = sort_out(polars.DataFrame({"x": rng.standard_normal(30), "odd": column}))
    assert kept == ["x"]
    assert remark in left_out[0].remark


@pytest.mark.parametrize("column", [np.arange(30) + 1947, np.arange(30) / 7, ["a", "b"] * 15, [0, 1, 2] * 10])
def test_columns_that_can_be_features_are_kept(rng, column):
    assert sort_out(polars.DataFrame({"x": rng.standard_normal(30), "plain": column}))[0] == ["x", "plain"]


def test_duplicates_are_found_whatever_they_hold(rng):
    x, words = rng.standard_normal(30), ["a", "b", "c"] * 10
    gaps = [None, *x[1:]]
    frame = polars.DataFrame({"x": x, "v": words, "x2": x, "v2": words, "gaps": gaps, "gaps2": gaps})
    kept, left_out = sort_out(frame)
    assert kept == ["x", "v", "gaps"]
    assert [(column.name, column.remark) for column in left_out] == [
        ("x2", "a duplicate of x"),
        ("v2", "a duplicate of v"),
        ("gaps2", "a duplicate of gaps"),
    ]


def test_numbers_of_rows_and_names_of_identifiers_are_left_out(rng):
    x = rng.standard_normal(300)
    frame = polars.DataFrame({"x": x, "from": np.arange(300) + 10_000, "Kunden-Nr": rng.permutation(9999)[:300]})
    assert [column.name for column in sort_out(frame)[1]] == ["from", "Kunden-Nr"]


def test_columns_can_be_excluded(rng):
    x = rng.standard_normal(30)
    reading = understand(table(x=x, leak=x + 1, z=-x, y=rng.standard_normal(30)), Options(exclude=("leak", "y")))
    assert reading.understanding.target == "z"
    assert reading.X.columns == ["x"]
    assert [column.remark for column in reading.understanding.left_out] == 2 * ["named by --exclude"]
    for options, message in (
        (Options(exclude=("leek",)), "--exclude 'leek' is not a column; did you mean 'leak'?"),
        (Options(target="y", exclude=("y",)), "'y' cannot be both the target and --exclude"),
        (Options(text="x", exclude=("x",)), "'x' cannot be both --text and --exclude"),
    ):
        with pytest.raises(DataError, match=re.escape(message)):
            understand(table(x=x, leak=x + 1, y=x), options)


def test_dates_are_days_and_levels_that_differ_by_case_are_named():
    days = polars.Series("d", np.arange(30) * 7 + 19_000).cast(polars.Date)
    frame = polars.DataFrame({"d": days, "v": ["yes", "Yes", "no"] * 10, "y": np.arange(30) % 7 + 0.5})
    reading = understand(Table("data.csv", frame), Options())
    assert reading.X["d"].to_list() == days.to_physical().cast(float).to_list()
    assert reading.understanding.n_numeric == 1
    assert reading.understanding.notes == (
        "dates read as days since 1970-01-01: d",
        "v: 'Yes' and 'yes' differ only in case; make them one if they mean the same",
    )


def test_missing_cells_are_counted(rng):
    x = [None, None, *rng.standard_normal(28)]
    words = ["a", None, "b"] * 10
    reading = understand(table(x=x, v=words, y=rng.standard_normal(30)), Options())
    assert [(column.name, column.count) for column in reading.understanding.missing] == [("x", 2), ("v", 10)]
    assert reading.X["v"].null_count() == 0


def test_repeated_rows_are_said(rng):
    x = rng.standard_normal(20)
    found = understand(table(x=[*x, x[0]], y=[*range(20), 0]), Options(family="gaussian")).understanding
    assert "1 row repeats" in found.notes[0]


# ---- how it deals and fits


def test_parts_are_disjoint_whole_and_stratified(rng):
    y = np.repeat(["a", "b", "c"], [100, 50, 10])
    train, test = split(y, True, 0.2, 3)
    assert sorted([*train, *test]) == list(range(160))
    assert np.unique(y[test], return_counts=True)[1].tolist() == [20, 10, 2]
    assert (split(y, True, 0.2, 3)[1] == test).all()
    assert not np.array_equal(split(y, True, 0.2, 4)[1], test)


def test_a_study_has_every_row_certified(diabetes):
    assert [fit.label for fit in diabetes.fits] == [
        "none",
        "L2 (min)",
        "L2 (1-SE)",
        "L1 (min)",
        "L1 (1-SE)",
        "elastic net (min)",
        "elastic net (1-SE)",
    ]
    for fit in diabetes.fits:
        assert fit.gap <= 1e-6
        assert fit.unique
        assert fit.test.deviance_standard_error > 0
        assert fit.test.deviance < diabetes.baseline.test.deviance
    assert diabetes.fit("L1", "1se").alpha >= diabetes.fit("L1").alpha


def test_progress_is_told_also_within_a_penalty():
    told = []
    study(ao.datasets.load("diabetes"), FAST, lambda stage, done: told.append((stage, done)))
    shares = [done for _, done in told]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["L2", "L1", "elastic net 0.1", "elastic net 0.5", "elastic net 0.9", "done"]
    assert all(sum(stage == name for stage, _ in told) > 3 for name in stages[:-1])


def test_regularization_costs_training_error(diabetes):
    """M16, and M1: the norms shrink as alpha grows."""
    free = diabetes.fit("none")
    for fit in diabetes.fits[1:]:
        assert fit.train.deviance >= free.train.deviance
        assert fit.l2_norm <= free.l2_norm
    for curve in diabetes.curves:
        assert (np.diff(curve.train_error) <= 1e-9).all()


def test_no_penalty_is_least_squares(diabetes):
    design = np.column_stack([np.ones(len(diabetes.train.y)), diabetes.train.X])
    coef = np.linalg.lstsq(design, diabetes.train.y, rcond=None)[0]
    free = diabetes.fit("none")
    assert np.allclose(free.solution.coef, coef[1:], rtol=1e-8)
    residual = diabetes.test.y - diabetes.test.X @ coef[1:] - coef[0]
    assert free.test.deviance == pytest.approx((residual**2).mean())
    assert free.test.deviance_standard_error == pytest.approx((residual**2).std(ddof=1) / np.sqrt(len(residual)))


def test_curves_agree_with_the_rows(diabetes):
    for curve in diabetes.curves:
        cv = curve.cross_validation
        fit = diabetes.fit(curve.name)
        assert fit.alpha == cv.alpha_min
        assert fit.train.deviance == pytest.approx(curve.train_error[cv.index_min])
        assert fit.test.deviance == pytest.approx(curve.test_error[cv.index_min])


def test_the_model_predicts_what_the_study_measured(diabetes, tmp_path):
    write_model(model_of(diabetes), tmp_path / "model.json")
    model = read_model(tmp_path / "model.json")
    names = diabetes.feature_names
    rows = Table("test", polars.DataFrame({name: diabetes.test.X[:, j] for j, name in enumerate(names)}))
    predicted = model.predict(rows)["prediction"].to_numpy()
    assert ((predicted - diabetes.test.y) ** 2).mean() == pytest.approx(diabetes.chosen.test.deviance, rel=1e-12)


def test_nothing_of_the_test_rows_reaches_the_fit(rng):
    """Changing what stands in the test rows changes no coefficient and no filled cell."""
    n = 60
    X, y = rng.standard_normal((n, 3)), rng.standard_normal(n)
    X[::7, 0] = np.nan
    test = split(y, False, 0.2, 0)[1]

    def coefficients(values):
        frame = table(a=polars.Series(values[:, 0]).fill_nan(None), b=values[:, 1], c=values[:, 2], y=y)
        return [fit.solution.coef for fit in study(frame, FAST).fits]

    changed = X.copy()
    changed[test] += 100
    assert all((one == other).all() for one, other in zip(coefficients(X), coefficients(changed)))


def test_more_features_than_rows_shows_the_smallest_exact_fit(rng):
    X, y = rng.standard_normal((30, 60)), rng.standard_normal(30)
    frame = table(**{f"x{j}": X[:, j] for j in range(60)}, y=y)
    found = study(frame, FAST)
    free = found.fit("none")
    standard = (found.train.X - found.center) / found.scale
    expected = np.linalg.pinv(standard) @ (found.train.y - found.train.y.mean())
    assert np.allclose(free.coef_standardized, expected)
    assert not free.unique
    assert "60 features but 24 rows" in free.unique_reason
    assert free.train.deviance == pytest.approx(0, abs=1e-12)


def test_separable_classes_are_said(rng, coarse):
    x = rng.standard_normal(60)
    found = study(table(x=x, noise=rng.standard_normal(60), y=np.where(x > 0, "up", "down")), FAST)
    free = found.fit("none")
    assert not free.unique
    assert "separable" in free.note
    assert "alpha" in free.note
    assert np.isfinite(free.solution.coef).all()
    assert "no stable fit" in found.recommendation[0]


def test_counts_with_exposure(rng, coarse):
    x, exposure = rng.standard_normal(200), rng.uniform(0.5, 2, 200)
    counts = rng.poisson(exposure * np.exp(0.3 + 0.8 * x))
    found = study(
        table(x=x, noise=rng.standard_normal(200), exposure=exposure, claims=counts),
        Options(exposure="exposure", networks=False),
    )
    assert found.understanding.offset == "log(exposure)"
    assert found.feature_names == ("x", "noise")
    assert found.fit("L2").solution.coef[0] == pytest.approx(0.8, abs=0.15)
    rate = found.train.y.sum() / np.exp(found.train.offset).sum()
    assert found.baseline.solution.intercept == pytest.approx(np.log(rate))


def test_words_become_a_sparse_bag(rng, coarse):
    spam, ham = ["win a free prize now", "free money win"], ["lunch at noon", "see you at lunch"]
    texts = [f"{rng.choice(spam if k % 3 == 0 else ham)} {rng.choice(['ok', 'bye', 'dear'])}" for k in range(60)]
    labels = ["spam" if k % 3 == 0 else "ham" for k in range(60)]
    found = study(table(label=labels, message=texts), Options(text="message", target="label", folds=3, networks=False))
    assert scipy.sparse.issparse(found.train.X)
    assert "free" in found.feature_names
    assert set(found.feature_groups) == {"message"}
    assert found.chosen.test.misclassified == 0


def test_categories_missing_only_in_the_test_part_are_read(rng):
    n = 40
    colour = np.where(np.arange(n) % 2, "red", "blue").astype(object)
    colour[split(np.zeros(n), False, 0.2, 0)[1][0]] = None
    found = study(table(x=rng.standard_normal(n), colour=list(colour), y=rng.standard_normal(n)), FAST)
    assert found.feature_names == ("x", "colour=missing", "colour=red")
    assert found.test.X[:, 1].sum() == 1
    assert found.train.X[:, 1].sum() == 0


def test_sparse_files_are_studied_without_being_made_dense(rng):
    X = scipy.sparse.random_array((80, 10), density=0.3, rng=rng, format="csr")
    y = X @ np.arange(10.0) + 0.1 * rng.standard_normal(80)
    found = study(Table("data.libsvm", matrix=X, y=y, target="y"), FAST)
    assert scipy.sparse.issparse(found.train.X)
    assert found.feature_names[0] == "x1"
    model = model_of(found)
    predicted = model.predict(Table("new.libsvm", matrix=X, y=y))["prediction"].to_numpy()
    assert np.corrcoef(predicted, y)[0, 1] > 0.9
    with pytest.raises(DataError, match="no names"):
        study(Table("data.libsvm", matrix=X, y=y, target="y"), Options(offset="a"))


# ---- what is unique


def test_uniqueness_of_l1_is_the_rank_of_the_columns_at_their_threshold(rng):
    """M24: two equal columns share one coefficient in infinitely many ways; L2 in one."""
    x = rng.standard_normal(40)
    X = np.column_stack([x, x, rng.standard_normal(40)])
    y = 2 * x + 0.1 * rng.standard_normal(40)
    part, scale, center = Part(X, y), X.std(0), X.mean(0)
    twin = ao.path(X, y, alphas=[0.2], standardize=True)
    assert not l1_uniqueness(ao.Squared(), part, twin.at(0.2), scale, center)[0]
    apart = ao.path(X[:, 1:], y, alphas=[0.2], standardize=True)
    assert l1_uniqueness(ao.Squared(), Part(X[:, 1:], y), apart.at(0.2), scale[1:], center[1:])[0]
    assert full_rank(part, scale, center) == (False, "rank 2 of 3 features")
    assert full_rank(Part(X[:, 1:], y), scale[1:], center[1:])[0]


def test_uniqueness_of_l1_with_classes(rng):
    X = rng.standard_normal((60, 4))
    y = np.argmax(X[:, :3] + 0.5 * rng.standard_normal((60, 3)), 1)
    fitted = ao.path(X, y, loss="multinomial", alphas=[0.05], standardize=True)
    part = Part(X, ao.Multinomial().target(y).values)
    assert l1_uniqueness(ao.Multinomial(), part, fitted.at(0.05), X.std(0), X.mean(0))[0]


# ---- what it concludes


def row(name, rule, cv_error, n_nonzero, test_error=1.0) -> Fit:
    coef = np.r_[np.ones(n_nonzero), np.zeros(10 - n_nonzero)]
    error = Errors(test_error, 0.1)
    return Fit(name, rule, Solution(0.1, coef, np.zeros(()), 0.0), coef, error, error, True, "", 0.0, cv_error, 0.2)


BASELINE = row("mean only", "", float("nan"), 0, 2.0)


@pytest.mark.parametrize(
    ("fits", "label"),
    [
        ([row("L2", "min", 1.0, 10), row("L1", "min", 1.1, 4), row("L1", "1se", 1.19, 3)], "L1 (1-SE)"),
        ([row("L2", "min", 1.0, 10), row("L1", "min", 1.1, 8)], "L2 (min)"),
        ([row("L2", "min", 1.0, 10), row("L1", "min", 1.3, 4)], "L2 (min)"),
        ([row("L1", "min", 1.0, 4), row("L2", "min", 1.1, 10)], "L1 (min)"),
        ([row("none", "", float("nan"), 10, 0.1)], None),
    ],
)
def test_the_smallest_model_within_one_standard_error_is_chosen(fits, label):
    chosen = choose(tuple(fits))
    assert (chosen and chosen.label) == label
    sentences = recommend(tuple(fits), BASELINE, ao.Squared(), 10)
    assert len(sentences) == (2 if label else 0)
    assert all(sentence.endswith(".") for sentence in sentences)
    if label:
        assert sentences[0].startswith(label)
        assert f"{chosen.n_nonzero} of 10 features" in sentences[1]


def test_errors_of_classes_are_counted():
    part = Part(np.array([[1.0], [2.0], [-1.0], [-2.0]]), np.array([1.0, 0.0, 0.0, 1.0]))
    found = errors(ao.Logistic(), part, Solution(0.0, np.array([1.0]), np.zeros(()), 0.0))
    assert found.misclassified == 0.5
    expected = 2 * np.log1p(np.exp([-1.0, 2.0, -1.0, 2.0]))
    assert found.deviance == pytest.approx(expected.mean())


def test_the_summary_is_plain_json(diabetes, tmp_path):
    write_summary(diabetes, tmp_path / "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert summary["recommended"] == diabetes.chosen.label
    assert summary["fits"][0]["alpha"] is None
    assert len(summary["curves"]) == 3


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (1234567.8, "1,234,568"), (0.01234567, "0.01235"), (-3.5, "-3.500"), (1e9, "1.000e+09"), (np.nan, "-")],
)
def test_numbers_are_readable(value, words):
    assert number(value) == words


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "family", "worst"),
    [
        ("ames/ames_raw.csv.gz", Options(), "gaussian", 0.25),
        ("leukemia/golub_72x7129.csv.gz", Options(folds=5), "binomial", 0.5),
        ("text_sms/sms.tsv", Options(text="column_2", folds=5), "binomial", 0.3),
    ],
)
def test_studies_of_real_files_beat_the_mean(shared_data, name, options, family, worst):
    found = study(ao.datasets.read(shared_data(name)), options)
    assert found.understanding.family == family
    assert found.chosen.test.deviance < worst * found.baseline.test.deviance
    assert all(fit.gap <= 1e-6 for fit in found.fits)
