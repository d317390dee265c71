"""X on disk, on a cluster or in PyTorch: every design gives the dense answer, with its certificate and its reads."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from contextlib import closing, nullcontext
from functools import cache

import numpy as np
import polars
import pytest

import alphaomega as ao
from alphaomega import designs
from alphaomega.designs import REGISTRY
from alphaomega.penalties import Penalty
from problems import LOSSES, PENALTIES, problem

ELSEWHERE = [name for name in REGISTRY if not name.startswith(("dense", "sparse", "standardized"))]
#: Solved by conjugate gradients until the gap is rounding, 1e-14, which leaves 1e-7 in the coefficients; how many
#: products that takes, rounding decides too: those are compared further off.
BY_PRODUCTS = {("multinomial", "L2"), ("multinomial", "ridge weights")}
EXACT = [name for name, make in PENALTIES.items() if make(8).terms((8,)) is not None]


@cache
def design(name: str, case: str) -> designs.Design:
    """The problem's X as this kind of design, made once."""
    return REGISTRY[name](problem(case).dense)


@cache
def dense(case: str, loss: str, penalty: str) -> ao.Path:
    """The dense answer."""
    data = problem(case)
    return ao.path(
        designs.Dense(data.dense), data.y(loss), loss, made(penalty, case), **data.sample, **fit(loss, penalty)
    )


def fit(loss: str, penalty: str) -> dict:
    return {"n_alphas": 6, "tol": 1e-10 if (loss, penalty) in BY_PRODUCTS else 1e-7}


def made(penalty: str, case: str) -> Penalty:
    return PENALTIES[penalty](problem(case).X.shape[1])


def identified(coef: np.ndarray) -> np.ndarray:
    """Coefficients; those of classes about their mean, which nothing fixes where a column is not penalised."""
    return coef - coef.mean(1, keepdims=True) if coef.ndim == 3 else coef


def check(X, case: str, loss: str, penalty: str) -> None:
    data, expected = problem(case), dense(case, loss, penalty)
    found = ao.path(X, data.y(loss), loss, made(penalty, case), **data.sample, **fit(loss, penalty))
    size = (1e-7 if (loss, penalty) in BY_PRODUCTS else 1e-8) * max(1.0, float(abs(expected.coef).max()))
    np.testing.assert_allclose(found.alphas, expected.alphas, rtol=1e-10)
    np.testing.assert_allclose(identified(found.coef), identified(expected.coef), rtol=0, atol=size)
    np.testing.assert_allclose(found.intercept, expected.intercept, rtol=0, atol=size)
    assert (found.gap <= fit(loss, penalty)["tol"]).all()
    if (loss, penalty) not in BY_PRODUCTS:
        assert found.reads == pytest.approx(expected.reads)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", REGISTRY)
def test_every_design_gives_the_dense_path_under_every_penalty(name, loss):
    for penalty in EXACT:
        check(design(name, "tall"), "tall", loss, penalty)


@pytest.mark.parametrize(("number", "loss"), list(enumerate(LOSSES)))
@pytest.mark.parametrize("name", ELSEWHERE)
def test_every_design_gives_the_dense_path(name, number, loss):
    """Every loss, and over the designs every penalty; all pairs are among the slow tests."""
    first = number + ELSEWHERE.index(name)
    for penalty in EXACT[first % len(EXACT) :: 5]:
        check(design(name, "tall"), "tall", loss, penalty)


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("case", ["wide", "weights, some zero", "offset", "means far from zero", "constant columns"])
def test_every_design_gives_the_dense_path_on_hard_data(name, case):
    for loss in ("squared", "logistic"):
        check(design(name, case), case, loss, "elastic net")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_conjugate_gradients_gather_what_fits_and_read_as_often_as_dense_data_what_does_not(name):
    y = problem("tall").y("multinomial")
    X, dense = REGISTRY[name](problem("tall").dense), designs.Dense(problem("tall").dense)

    def reads(X) -> float:
        return ao.path(X, y, "multinomial", ao.L2(), n_alphas=3, tol=1e-2).reads

    if isinstance(X, designs.Partitioned):
        assert reads(X) == 1
        X.room = 0
    assert reads(X) == pytest.approx(reads(dense), rel=0.03)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_columns_that_do_not_fit_are_read_for_every_product(name):
    case = problem("tall")
    X = REGISTRY[name](case.dense)
    if isinstance(X, designs.Partitioned):
        X.room = 0
    y = case.y("logistic")
    found, expected = ao.path(X, y, "logistic", n_alphas=5), ao.path(case.X, y, "logistic", n_alphas=5)
    np.testing.assert_allclose(found.coef, expected.coef, atol=1e-8)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_consecutive_rows_are_those_rows(name):
    X = problem("tall").dense
    for rows in (slice(0, 80), slice(7, 8), slice(38, 63), slice(79, 200), slice(5, 5), slice(3, 70, 9)):
        np.testing.assert_allclose(design(name, "tall").rows(rows).matvec(np.ones(8)), X[rows] @ np.ones(8), rtol=1e-12)


def test_least_squares_on_disk_have_their_standard_errors(tmp_path):
    case = problem("tall")
    np.save(tmp_path / "X.npy", case.X)
    one, other = (ao.OLS().fit(X, case.y("squared")) for X in (designs.from_npy(tmp_path / "X.npy"), case.X))
    assert str(one.summary()) == str(other.summary())


# ---- tables: the same columns, levels and gaps as in memory ---------------------------------------------------------


@pytest.fixture(scope="module")
def frame() -> polars.DataFrame:
    rng = np.random.default_rng(3)
    size = rng.standard_normal(300)
    colour = rng.choice(["red", "blue", "green", None], 300, p=[0.4, 0.3, 0.2, 0.1])
    price = 2 * size + (colour == "blue") + rng.standard_normal(300)
    return polars.DataFrame(
        {
            "size": polars.Series(np.where(rng.random(300) < 0.1, np.nan, size)).fill_nan(None),
            "colour": polars.Series(colour.tolist()),
            "rooms": rng.integers(1, 6, 300),
            "old": rng.random(300) < 0.5,
            "price": price,
        }
    )


def stored(frame: polars.DataFrame, kind: str, folder) -> designs.Design:
    path = folder / f"data.{kind}"
    if kind == "parquet":
        frame.write_parquet(path, row_group_size=70)
        return designs.from_parquet(path)
    if kind == "arrow":
        frame.write_ipc(path, record_batch_size=70)
        return designs.from_arrow(path)
    if kind == "batches":
        return designs.from_arrow(frame.to_arrow().to_batches(max_chunksize=70))
    if kind == "csv":
        frame.write_csv(path)
        return designs.from_csv(path)
    connection = sqlite3.connect(path)
    connection.execute("create table houses (size real, colour text, rooms integer, old integer, price real)")
    connection.executemany("insert into houses values (?, ?, ?, ?, ?)", frame.rows())
    with closing(connection):
        return designs.from_sql("select * from houses", connection)


@pytest.mark.parametrize("impute", ["mean", "median"])
@pytest.mark.parametrize("kind", ["parquet", "arrow", "batches", "csv", "sqlite"])
def test_tables_elsewhere_are_read_as_in_memory(kind, impute, frame, tmp_path):
    X = stored(frame, kind, tmp_path)
    options = {"impute": impute, "standardize": True, "folds": 4, "n_alphas": 10}
    found, expected = ao.cross_validate(X, "price", **options), ao.cross_validate(frame, "price", **options)
    assert found.path.feature_names == expected.path.feature_names
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-8)
    np.testing.assert_allclose(found.path.coef, expected.path.coef, atol=1e-10)
    new = frame.drop("price")
    alpha = found.alpha_1se
    np.testing.assert_allclose(found.path.predict(new, alpha), expected.path.predict(new, alpha), atol=1e-9)
    np.testing.assert_allclose(found.path.predict(X.without("price"), alpha), found.path.predict(new, alpha), atol=1e-9)


def test_estimators_take_designs_and_names(frame, tmp_path):
    X = stored(frame, "parquet", tmp_path)
    one = ao.Lasso(alpha="1se", impute="mean").fit(X, "price")
    other = ao.Lasso(alpha="1se", impute="mean").fit(frame.drop("price"), frame["price"].to_numpy())
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-10)
    assert list(one.feature_names_in_) == ["size", "colour", "rooms", "old"]
    np.testing.assert_allclose(one.predict(X.without("price")), other.predict(frame.drop("price")), atol=1e-9)


def test_new_rows_are_read_with_the_levels_of_the_fit(frame, tmp_path):
    fit = ao.path(stored(frame, "parquet", tmp_path), "price", impute="mean", n_alphas=5)
    few = frame.filter(polars.col("colour").is_in(["red", "green"]))
    (tmp_path / "new").mkdir()
    again = stored(few, "parquet", tmp_path / "new").without("price")
    np.testing.assert_allclose(fit.predict(again, fit.alphas[-1]), fit.predict(few, fit.alphas[-1]), atol=1e-9)
    strange = frame.with_columns(polars.lit("mauve").alias("colour"))
    with pytest.raises(ValueError, match=r"'mauve' at row 0.*not seen at fitting"):
        fit.predict(stored(strange, "parquet", tmp_path / "new").without("price"), fit.alphas[-1])


def test_a_path_reads_a_file_once(tmp_path, rng):
    X = rng.standard_normal((4000, 6))
    np.save(tmp_path / "X.npy", X)
    on_disk = designs.from_npy(tmp_path / "X.npy")
    on_disk.source.batch_bytes = 9600
    ao.path(on_disk, X[:, 0] + rng.standard_normal(4000))
    assert on_disk.bytes_read == on_disk.source.size + 9600  # whose rows tell about what to sum


def test_cross_validation_reads_a_file_three_times(tmp_path, rng):
    X = rng.standard_normal((4000, 6))
    np.save(tmp_path / "X.npy", X)
    on_disk = designs.from_npy(tmp_path / "X.npy")
    cv = ao.cross_validate(on_disk, X[:, 0] + rng.standard_normal(4000))
    assert cv.path.reads == 1
    assert on_disk.bytes_read == 3 * on_disk.source.size


def test_a_constant_column_costs_one_more_read_and_not_one_for_each_fold(tmp_path, rng):
    X = rng.standard_normal((4000, 6))
    X[:, 2] = 3.0
    np.save(tmp_path / "X.npy", X)
    on_disk = designs.from_npy(tmp_path / "X.npy")
    ao.cross_validate(on_disk, X[:, 0] + rng.standard_normal(4000))
    assert on_disk.bytes_read <= 4 * on_disk.source.size


def test_resamples_are_weights_on_disk_too(tmp_path, rng):
    X = rng.standard_normal((200, 5))
    np.save(tmp_path / "X.npy", X)
    y = X[:, 0] + rng.standard_normal(200)
    one, other = (
        ao.model_selection.stability_selection(X, y, n_resamples=10) for X in (designs.from_npy(tmp_path / "X.npy"), X)
    )
    np.testing.assert_array_equal(one.probability, other.probability)


# ---- faults: one clear error that says where ------------------------------------------------------------------------


@pytest.mark.parametrize("part", [2, pytest.param(731, marks=pytest.mark.slow)])
def test_a_bad_number_is_named_by_part_row_group_and_column(part, tmp_path, rng):
    good = polars.DataFrame(rng.standard_normal((20, 2)), schema=["a", "b"])
    good.write_parquet(tmp_path / "part-000.parquet", row_group_size=5)
    for other in range(1, part + 2):
        shutil.copy(tmp_path / "part-000.parquet", tmp_path / f"part-{other:03}.parquet")
    bad = good.with_columns(b=polars.when(polars.int_range(20) == 7).then(np.nan).otherwise("b"))
    bad.write_parquet(tmp_path / f"part-{part:03}.parquet", row_group_size=5)
    expected = rf"row {20 * part + 7} \(.*part-{part:03}.parquet, row group 1, its row 2\), column 'b'"
    with pytest.raises(ValueError, match=expected):
        ao.path(designs.from_parquet(tmp_path), np.arange(20.0 * (part + 2)))


@pytest.mark.parametrize("change", ["missing", "text"])
def test_a_changed_schema_is_named_by_part_and_column(change, tmp_path):
    polars.DataFrame({"a": [1.0], "b": [2.0]}).write_parquet(tmp_path / "0.parquet")
    polars.DataFrame({"a": [1.0]} | ({"b": ["x"]} if change == "text" else {})).write_parquet(tmp_path / "1.parquet")
    expected = "1.parquet lacks the column 'b'" if change == "missing" else "'b' is double in .*0.parquet but .*string"
    with pytest.raises(ValueError, match=expected):
        designs.from_parquet(tmp_path)


@pytest.mark.parametrize("kind", ["npy", "parquet", "arrow"])
def test_a_truncated_file_is_named(kind, frame, tmp_path):
    path = tmp_path / f"data.{kind}"
    if kind == "npy":
        np.save(path, np.eye(100))
    else:
        stored(frame, kind, tmp_path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=f"data.{kind}.*(truncated|write it anew)"):
        getattr(designs, f"from_{kind}")(path)


def test_a_file_that_shrinks_while_it_is_read_is_named(tmp_path):
    np.save(tmp_path / "X.npy", np.ones((100, 3)))
    X = designs.from_npy(tmp_path / "X.npy")
    (tmp_path / "X.npy").write_bytes((tmp_path / "X.npy").read_bytes()[:-500])
    with pytest.raises(ValueError, match="ended early"):
        X.matvec(np.ones(3))


def test_a_part_that_vanishes_is_named(tmp_path):
    for part in range(2):
        polars.DataFrame({"a": [1.0, 2.0]}).write_parquet(tmp_path / f"{part}.parquet")
    X = designs.from_parquet(tmp_path)
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(ValueError, match=r"1\.parquet cannot be read"):
        X.matvec(np.ones(1))


def test_a_disk_too_full_for_the_copy_of_a_query_is_named_and_left_clean(tmp_path, monkeypatch):
    def full(file, batch) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(designs.spool, "_write", lambda batches, path, what: full(path, next(batches)))
    with sqlite3.connect(":memory:") as connection, pytest.raises(ValueError, match=r"No space left.*set TMPDIR"):
        designs.from_sql("select 1.0 as a", connection)
    connection.close()
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_no_column_is_named(frame, tmp_path):
    with pytest.raises(ValueError, match="no column 'prize'; it has size, colour"):
        ao.path(stored(frame, "parquet", tmp_path), "prize")
    with pytest.raises(ValueError, match="no column 'prize'"):
        ao.path(frame, "prize")
    with pytest.raises(ValueError, match="no named columns"):
        ao.path(np.eye(3), "price")


def test_a_query_that_mixes_text_and_numbers_is_named():
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a)")
    connection.executemany("insert into t values (?)", [(1,), (None,), ("many",)])
    with closing(connection), pytest.raises(ValueError, match=r"'a' .* 'many' at row 2; cast it in the query"):
        designs.from_sql("select a from t", connection)


def test_batches_worked_on_side_by_side_give_the_same_bits(tmp_path, rng, monkeypatch):
    X = rng.standard_normal((3000, 6))
    np.save(tmp_path / "X.npy", X)
    y = X[:, 0] + rng.standard_normal(3000)

    def scores() -> np.ndarray:
        on_disk = designs.from_npy(tmp_path / "X.npy")
        on_disk.source.batch_bytes = 5000
        return ao.cross_validate(on_disk, y, folds=3, n_alphas=10).scores

    alone = scores()
    monkeypatch.setattr(designs.chunked, "LARGE", 0)
    monkeypatch.setattr(designs.chunked, "one_thread_each", lambda: nullcontext(4))
    np.testing.assert_array_equal(scores(), alone)
