"""Any dataframe in: the same columns at fitting and at prediction, gaps filled from the fitted rows alone."""

from __future__ import annotations

import json
import warnings
from datetime import date

import numpy as np
import polars
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import alphaomega as ao
from alphaomega import losses
from alphaomega.designs import Dense
from alphaomega.folds import draw_folds
from alphaomega.frames import Encoder
from alphaomega.imputation import weighted_median

pandas = pytest.importorskip("pandas")
pyarrow = pytest.importorskip("pyarrow")

COLUMNS = {
    "size": [1.0, 2.0, 4.0, 8.0],
    "rooms": [1, 2, 3, 2],
    "new": [True, False, True, False],
    "colour": ["red", "blue", "red", "green"],
}
MATRIX = [[1, 1, 1, 0, 1], [2, 2, 0, 0, 0], [4, 3, 1, 0, 1], [8, 2, 0, 1, 0]]
NAMES = ("size", "rooms", "new", "colour=green", "colour=red")
FRAMES = {
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "pyarrow": pyarrow.table,
}


@pytest.fixture(params=FRAMES)
def frame_of(request):
    return FRAMES[request.param]


class TestEveryFrame:
    def test_matrix_names_and_groups(self, frame_of):
        encoder = Encoder.fit(frame_of(COLUMNS))
        assert encoder.names == NAMES
        assert encoder.groups == (0, 1, 2, 3, 3)
        np.testing.assert_array_equal(encoder.transform(frame_of(COLUMNS)), MATRIX)

    def test_prediction_matches_by_name(self, frame_of):
        encoder = Encoder.fit(frame_of(COLUMNS))
        turned = {name: COLUMNS[name] for name in reversed(COLUMNS)} | {"more": [0, 0, 0, 0]}
        np.testing.assert_array_equal(encoder.transform(frame_of(turned)), MATRIX)

    def test_one_kind_of_frame_fitted_another_predicted(self, frame_of):
        encoder = Encoder.fit(polars.DataFrame(COLUMNS))
        np.testing.assert_array_equal(encoder.transform(frame_of(COLUMNS)), MATRIX)

    def test_missing_column(self, frame_of):
        encoder = Encoder.fit(frame_of(COLUMNS))
        with pytest.raises(ValueError, match="X lacks the column 'size' and 1 more"):
            encoder.transform(frame_of({"new": COLUMNS["new"], "colour": COLUMNS["colour"]}))

    def test_unseen_level(self, frame_of):
        encoder = Encoder.fit(frame_of(COLUMNS))
        other = frame_of(COLUMNS | {"colour": ["red", "blue", "pink", "pink"]})
        with pytest.raises(ValueError, match=r"'colour' holds 'pink' at row 2 \(2 such rows\).*unseen='reference'"):
            encoder.transform(other)
        lenient = Encoder.fit(frame_of(COLUMNS), unseen="reference")
        with pytest.warns(UserWarning, match="read as the reference level 'blue'") as caught:
            matrix = lenient.transform(other)
        assert len(caught) == 1
        np.testing.assert_array_equal(matrix[2:, 3:], 0)

    def test_missing_numbers_and_levels(self, frame_of):
        gaps = frame_of(COLUMNS | {"size": [1.0, None, 4.0, 7.0], "colour": ["red", None, "red", "green"]})
        with pytest.raises(ValueError, match=r"row 1, column 'colour'.*impute="):
            Encoder.fit(gaps).transform(gaps)
        encoder = Encoder.fit(gaps, impute="mean")
        assert encoder.levels["colour"] == ("green", "red", "missing")
        matrix = encoder.transform(gaps)
        assert matrix[1, 0] == 4.0
        np.testing.assert_array_equal(matrix[:, -1], [0, 1, 0, 0])

    def test_text_where_numbers_were(self, frame_of):
        encoder = Encoder.fit(frame_of(COLUMNS))
        with pytest.raises(ValueError, match="column 'rooms' was numeric at fitting but now holds '1' at row 0"):
            encoder.transform(frame_of(COLUMNS | {"rooms": ["1", "two", "3", "2"]}))

    def test_dates_are_refused(self, frame_of):
        with pytest.raises(ValueError, match=r"column 'built' holds dates or times.*convert it to a number"):
            Encoder.fit(frame_of({"built": [date(2020, 1, 1)] * 3, "a": [1.0, 2.0, 3.0]}))

    def test_infinity_is_never_filled(self, frame_of):
        wild = frame_of({"a": [1.0, np.inf, 3.0], "b": [1.0, 2.0, 4.0]})
        for impute in (None, "median"):
            with pytest.raises(ValueError, match=r"infinity.* at row 1, column 'a'"):
                Encoder.fit(wild, impute=impute).transform(wild)

    def test_float32_stays(self, frame_of):
        array = np.arange(6, dtype=np.float32)
        frame = frame_of({"a": array, "b": array**2})
        assert Encoder.fit(frame).transform(frame).dtype == np.float32
        mixed = frame_of({"a": array, "b": array.astype(np.float64)})
        assert Encoder.fit(mixed).transform(mixed).dtype == np.float64

    def test_round_trip_through_json(self, frame_of):
        gaps = frame_of(COLUMNS | {"size": [1.0, None, 4.0, 7.0]})
        encoder = Encoder.fit(gaps, impute="median", unseen="reference")
        again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
        assert again == encoder
        np.testing.assert_array_equal(again.transform(gaps), encoder.transform(gaps))


class TestKindsOfColumns:
    def test_enum_keeps_its_order_and_only_levels_that_occur(self):
        kind = polars.Enum(["low", "middle", "high"])
        frame = polars.DataFrame({"grade": polars.Series(["high", "low", "high"], dtype=kind)})
        assert Encoder.fit(frame).names == ("grade=high",)
        ordered = pandas.CategoricalDtype(["low", "middle", "high"], ordered=True)
        assert Encoder.fit(pandas.DataFrame({"grade": ["high", "middle", "high"]}).astype(ordered)).levels == {
            "grade": ("middle", "high")
        }

    def test_numeric_categories_sort_as_numbers(self):
        frame = pandas.DataFrame({"zone": pandas.Categorical([10, 9, 2])})
        assert Encoder.fit(frame).levels == {"zone": ("2", "9", "10")}

    def test_nullable_and_object_columns(self):
        frame = pandas.DataFrame(
            {
                "count": pandas.array([1, None, 3], dtype="Int64"),
                "flag": pandas.array([True, None, False], dtype="boolean"),
                "loose": np.array([1, 2.5, None], dtype=object),
                "truth": np.array([True, None, False], dtype=object),
            }
        )
        filled = Encoder.fit(frame, impute="mean").transform(frame)
        np.testing.assert_array_equal(filled, [[1, 1, 1, 1], [2, 0.5, 2.5, 0.5], [3, 0, 1.75, 0]])

    def test_decimals(self):
        frame = polars.DataFrame({"price": polars.Series(["1.50", None, "2.50"]).cast(polars.Decimal(10, 2))})
        np.testing.assert_array_equal(Encoder.fit(frame, impute="mean").transform(frame)[:, 0], [1.5, 2.0, 2.5])

    def test_dictionary_column_of_arrow_with_nulls(self):
        table = pyarrow.table({"c": pyarrow.array(["x", None, "y"]).dictionary_encode()})
        matrix = Encoder.fit(table, impute="mean").transform(table)
        np.testing.assert_array_equal(matrix, [[0, 0], [0, 1], [1, 0]])

    def test_mixture_of_text_and_numbers(self):
        with pytest.raises(ValueError, match="column 'm' holds int, str entries"):
            Encoder.fit(pandas.DataFrame({"m": [1, "a", None]}))

    def test_a_category_of_one_level_has_no_column(self):
        frame = polars.DataFrame({"a": [1.0, 2.0], "same": ["x", "x"]})
        encoder = Encoder.fit(frame)
        assert encoder.names == ("a",)
        assert encoder.transform(frame).shape == (2, 1)

    @pytest.mark.parametrize("frame", [pandas.DataFrame({"x": [None, None]}), polars.DataFrame({"x": [None, None]})])
    def test_entirely_missing_column(self, frame):
        with pytest.raises(ValueError, match="column 'x' is entirely missing; drop it"):
            Encoder.fit(frame, impute="mean")

    def test_column_that_is_entirely_missing_at_prediction_is_filled(self):
        encoder = Encoder.fit(polars.DataFrame({"x": [1.0, 3.0], "c": ["u", "v"]}), impute="mean")
        np.testing.assert_array_equal(encoder.transform(polars.DataFrame({"x": [None], "c": ["v"]})), [[2, 1]])

    def test_names_that_are_numbers(self):
        frame = pandas.DataFrame(np.eye(2, dtype=np.float32))
        encoder = Encoder.fit(frame)
        assert encoder.names == ("0", "1")
        assert encoder.transform(frame).dtype == np.float32


class TestMistakes:
    def test_two_columns_of_one_name(self):
        with pytest.raises(ValueError, match="several columns of one name"):
            Encoder.fit(pandas.DataFrame(np.eye(2), columns=["a", "a"]))
        with pytest.raises(ValueError, match="two columns of X are called 'a=x'"):
            Encoder.fit(polars.DataFrame({"a=x": [1, 2, 3], "a": ["q", "x", "z"]}))

    def test_lazy_frames_and_single_columns(self):
        with pytest.raises(TypeError, match=r"pass X.collect\(\)"):
            Encoder.fit(polars.DataFrame(COLUMNS).lazy())
        with pytest.raises(ValueError, match=r"one column \('q'\), not a table"):
            Encoder.fit(pandas.Series([1, 2], name="q"))

    def test_array_for_a_fit_with_categories(self):
        encoder = Encoder.fit(polars.DataFrame(COLUMNS))
        with pytest.raises(ValueError, match=r"categorical columns \(colour\); pass a dataframe"):
            encoder.transform(np.ones((2, 5)))

    @pytest.mark.parametrize(
        ("X", "text"),
        [
            (np.array([["a", 1.0]], dtype=object), "'a' at row 0, column 0"),
            (np.array([["1", "2"]]), "'1' at row 0, column 0"),
            (np.ones((2, 2)) * 1j, "complex"),
            (np.ones(3), "X.reshape"),
            (np.ones((2, 2, 2)), "two-dimensional"),
        ],
    )
    def test_arrays_that_are_no_tables_of_numbers(self, X, text):
        with pytest.raises(ValueError, match=text):
            Encoder.fit(X)

    def test_unknown_options(self):
        with pytest.raises(ValueError, match="impute must be None, 'mean' or 'median', got 'zero'"):
            Encoder.fit(np.eye(2), impute="zero")
        with pytest.raises(ValueError, match="unseen must be 'error' or 'reference'"):
            Encoder.fit(np.eye(2), unseen="guess")


class TestCopies:
    """Arrays pass through untouched; an all-numeric frame is copied at most once."""

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("kind", [np.float32, np.float64])
    def test_arrays_are_not_copied(self, order, kind):
        X = np.asarray(np.arange(12.0).reshape(4, 3), order=order, dtype=kind)
        assert Encoder.fit(X, impute="mean").transform(X) is X

    def test_one_block_of_pandas_is_shared(self):
        X = np.arange(12.0).reshape(4, 3)
        frame = pandas.DataFrame(X, columns=list("abc"), copy=False)
        assert np.shares_memory(Encoder.fit(frame).transform(frame), frame.to_numpy())

    def test_filling_leaves_the_callers_array_alone(self):
        X = np.array([[1.0, np.nan], [3.0, 4.0]])
        filled = Encoder.fit(X, impute="mean").transform(X)
        assert filled[0, 1] == 4.0 and np.isnan(X[0, 1])

    def test_peak_memory_of_a_wide_frame(self):
        import tracemalloc

        frame = polars.DataFrame(np.ones((2000, 200)))
        encoder = Encoder.fit(frame)
        tracemalloc.start()
        matrix = encoder.transform(frame)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.2 * matrix.nbytes


class TestFilling:
    @given(st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), min_size=1, max_size=12))
    def test_weighted_median_is_the_median_of_repeated_rows(self, pairs):
        values, counts = (np.array(part) for part in zip(*pairs, strict=True))
        assert weighted_median(values.astype(float), counts.astype(float)) == np.median(values.repeat(counts))

    @pytest.mark.parametrize("how", ["mean", "median"])
    @pytest.mark.parametrize("sparse", [False, True])
    def test_weights_equal_repeated_rows(self, rng, how, sparse):
        X = rng.integers(0, 3, (30, 4)).astype(float)
        X[rng.random(X.shape) < 0.2] = np.nan
        weights = rng.integers(0, 4, 30)
        form = scipy.sparse.csr_array if sparse else np.asarray
        weighted = Encoder.fit(form(X), how, weights)
        repeated = Encoder.fit(form(X.repeat(weights, axis=0)), how)
        np.testing.assert_allclose(weighted.fills, repeated.fills, rtol=1e-14)
        expected = (
            np.nanmean(X.repeat(weights, axis=0), 0) if how == "mean" else np.nanmedian(X.repeat(weights, axis=0), 0)
        )
        np.testing.assert_allclose(weighted.fills, expected, rtol=1e-14)

    def test_sparse_equals_dense(self, rng):
        X = rng.random((20, 5)) * (rng.random((20, 5)) < 0.4)
        X[3, 2] = X[7, 4] = np.nan
        for kind in (scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.coo_array):
            found = Encoder.fit(kind(X), "mean").transform(kind(X))
            np.testing.assert_allclose(found.toarray(), Encoder.fit(X, "mean").transform(X))

    def test_refit_learns_from_rows_of_positive_weight(self):
        frame = polars.DataFrame({"a": [1.0, None, 3.0, 100.0], "c": ["u", "v", "u", "w"]})
        encoder = Encoder.fit(frame, "mean")
        again = encoder.refit(frame, np.array([1.0, 1.0, 1.0, 0.0]))
        assert again.fills[0] == 2.0
        assert again.levels == encoder.levels


class TestFits:
    def test_group_lasso_takes_the_groups_of_the_encoder(self, rng):
        frame = polars.DataFrame({"a": rng.standard_normal(60), "c": rng.choice(["u", "v", "w"], 60)})
        y = rng.standard_normal(60) + 2.0 * (frame["c"] == "w").to_numpy()
        encoder = ao.Encoder.fit(frame)
        path = ao.path(frame, y, penalty=ao.GroupL1(encoder.groups), n_alphas=20)
        together = (path.coef[:, 1] != 0) == (path.coef[:, 2] != 0)
        assert together.all() and (path.coef[-1] != 0).all()
        assert path.feature_names == ("a", "c=v", "c=w")

    def test_gaps_are_filled_inside_each_fold(self, rng):
        X = rng.standard_normal((40, 3))
        y = X @ [1.0, -1.0, 0.0] + 0.1 * rng.standard_normal(40)
        X[rng.random(X.shape) < 0.15] = np.nan
        X[:8] += 5.0
        folds = np.arange(40) // 8
        alphas = [0.5, 0.05]
        cv = ao.cross_validate(X, y, alphas=alphas, folds=folds, impute="mean")
        for fold in range(5):
            train, test = folds != fold, folds == fold
            means = np.nanmean(X[train], 0)
            filled = np.where(np.isnan(X), means, X)
            path = ao.path(filled[train], y[train], alphas=alphas)
            expected = [np.mean((y[test] - path.predict(filled[test], alpha)) ** 2) for alpha in alphas]
            np.testing.assert_allclose(cv.scores[fold], expected, rtol=1e-6)

    def test_without_gaps_imputation_changes_nothing(self, rng):
        X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
        plain, imputed = (ao.cross_validate(X, y, n_alphas=5, folds=4, impute=how) for how in (None, "mean"))
        np.testing.assert_array_equal(plain.scores, imputed.scores)


class TestFolds:
    @staticmethod
    def draw(X, y, weights, count=5, seed=0, loss="squared"):
        return draw_folds(Dense(X), losses.find(loss).target(y), weights.astype(float), None, (count, seed))

    def test_weights_equal_repeated_rows_in_any_order(self, rng):
        X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
        weights = rng.integers(0, 4, 40)
        weighted = self.draw(X, y, weights)
        rows = rng.permutation(np.arange(40).repeat(weights))
        repeated = self.draw(X[rows], y[rows], np.ones(len(rows)))
        np.testing.assert_array_equal(repeated, weighted[rows])

    def test_cross_validation_of_weights_equals_repeated_rows(self, rng):
        X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
        weights = rng.integers(0, 4, 40)
        alphas = [0.3, 0.1, 0.01]
        weighted = ao.cross_validate(X, y, weights=weights, alphas=alphas, folds=5)
        repeated = ao.cross_validate(X.repeat(weights, axis=0), y.repeat(weights), alphas=alphas, folds=5)
        np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-6)

    def test_folds_are_balanced_and_differ_by_seed(self, rng):
        X, y = rng.standard_normal((53, 3)), rng.standard_normal(53)
        ids = self.draw(X, y, np.ones(53))
        sizes = np.bincount(ids)
        assert sizes.max() - sizes.min() <= 1 and len(sizes) == 5
        assert (ids != self.draw(X, y, np.ones(53), seed=1)).any()
        np.testing.assert_array_equal(ids, self.draw(X, y, np.ones(53)))

    def test_classes_are_spread_and_the_only_row_of_one_is_never_held_out(self, rng):
        X = rng.standard_normal((31, 2))
        y = np.array([0] * 20 + [1] * 10 + [2])
        ids = self.draw(X, y, np.ones(31), loss="multinomial")
        assert ids[30] == -1
        for label, most in ((0, 4), (1, 2)):
            assert np.bincount(ids[y == label], minlength=5).tolist() == [most] * 5
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cv = ao.cross_validate(X, y, loss="multinomial", n_alphas=3, folds=5)
        assert np.isfinite(cv.scores).all()
        assert cv.fold_weights.sum() == 30

    def test_tables_of_cells_are_drawn_row_by_row(self, rng):
        X = rng.integers(0, 2, (400, 1)).astype(float)
        y = rng.integers(0, 2, 400)
        sizes = np.bincount(self.draw(X, y, np.ones(400), count=10, loss="logistic"))
        assert sizes.tolist() == [40] * 10
