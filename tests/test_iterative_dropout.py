"""Iterative dropout: stages are what they say, the cut follows the rule, and orders match the literature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.utils.estimator_checks import parametrize_with_checks

import alphaomega as ao


def sparse_truth(rng, n=100, p=8):
    X = rng.standard_normal((n, p))
    return X, 2 * X[:, 1] - X[:, 4] + 0.3 * rng.standard_normal(n)


class TestGolden:
    def test_entry_order_is_the_lar_sequence_of_diabetes(self):
        """Efron, Hastie, Johnstone, Tibshirani (2004), table 1: bmi ltg map hdl sex glu tc tch ldl age."""
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        found = ao.IterativeDropout(linear_model.LinearRegression(), order="entry", folds=5).fit(X, y)
        entered = [X.columns[j] for j in found.sequence_[::-1]]
        assert entered == ["bmi", "s5", "bp", "s3", "sex", "s6", "s1", "s4", "s2", "age"]

    def test_entry_order_is_the_lar_sequence_of_prostate(self, shared_data):
        """Lockhart, Taylor, Tibshirani, Tibshirani (2014), table 2, on the 67 training rows."""
        import polars

        table = polars.read_csv(shared_data("prostate/prostate.csv"))
        train = table.filter(polars.col("train").cast(str).is_in(["T", "true"]))
        names = ["lcavol", "lweight", "age", "lbph", "svi", "lcp", "gleason", "pgg45"]
        X, y = train.select(names).to_numpy(), train["lpsa"].to_numpy()
        assert len(y) == 67
        found = ao.IterativeDropout(linear_model.LinearRegression(), order="entry", folds=5).fit(X, y)
        entered = [names[j] for j in found.sequence_[::-1]]
        assert entered == ["lcavol", "lweight", "svi", "lbph", "pgg45", "age", "lcp", "gleason"]

    @pytest.mark.parametrize("start", ["ols", "huber"])
    def test_dropping_the_worst_rows_by_least_squares_is_masked(self, start):
        """Hawkins, Bradu, Kass (1984): from least squares the good leverage points 11-14 go first."""
        table = np.loadtxt(Path(__file__).parent / "golden" / "hawkins_bradu_kass.csv", delimiter=",", skiprows=1)
        estimator = ao.OLS() if start == "ols" else ao.Regressor(ao.Huber(1.5), ao.L2(), alpha=0.0)
        found = ao.IterativeDropout(estimator, drop="samples", floor=71, folds=5).fit(table[:, :3], table[:, 3])
        assert {10, 11, 12, 13} <= set(found.sequence_[:4])


class TestFeatures:
    def test_stages_are_refits_of_what_is_left(self, rng):
        """By hand: fit, drop the smallest coefficient per standard deviation, refit."""
        X, y = sparse_truth(rng)
        X = X * np.logspace(-2, 2, 8)
        found = ao.IterativeDropout(linear_model.LinearRegression(), folds=4).fit(X, y)
        left, gone = list(range(8)), []
        while len(left) > 1:
            coef = linear_model.LinearRegression().fit(X[:, left], y).coef_ * X[:, left].std(0)
            gone.append(left.pop(int(np.argmin(abs(coef)))))
        np.testing.assert_array_equal(found.sequence_, [*gone, *left])
        assert found.get_support(indices=True).tolist() == [1, 4]
        np.testing.assert_allclose(found.estimator_.coef_, linear_model.LinearRegression().fit(X[:, [1, 4]], y).coef_)

    def test_the_rule_of_one_standard_error(self, rng):
        X, y = sparse_truth(rng)
        found = ao.IterativeDropout(ao.OLS(), folds=4).fit(X, y)
        frame = found.to_frame()
        best = frame["error"].arg_min()
        bar = frame["error"][best] + frame["standard_error"][best]
        assert found.n_min_ == frame["left"][best]
        assert found.n_1se_ == min(frame.filter(frame["error"] <= bar)["left"])
        least = ao.IterativeDropout(ao.OLS(), folds=4, rule="min").fit(X, y)
        assert least.n_left_ == found.n_min_ and frame["chosen"].sum() == 1

    def test_held_out_rows_choose_nothing(self, rng):
        """With pure noise and many columns the error of the best few is not below that of the mean."""
        X, y = rng.standard_normal((60, 40)), rng.standard_normal(60)
        found = ao.IterativeDropout(ao.Ridge(alpha=0.1), folds=5, step=0.3).fit(X, y)
        assert found.errors_.mean(0).min() > 0.75 * y.var()
        assert list(found.sizes_) == [40, 28, 20, 14, 10, 7, 5, 4, 3, 2, 1]

    def test_warm_starts_change_nothing_but_the_start(self, rng):
        X, y = sparse_truth(rng, p=12)
        results = []
        for warm in (False, True):
            model = linear_model.ElasticNet(alpha=0.01, warm_start=warm, tol=1e-10, max_iter=100_000)
            results.append(ao.IterativeDropout(model, folds=3).fit(X, y))
        cold, warm = results
        np.testing.assert_array_equal(cold.sequence_, warm.sequence_)
        np.testing.assert_allclose(cold.errors_, warm.errors_, rtol=1e-6)
        np.testing.assert_allclose(cold.estimator_.coef_, warm.estimator_.coef_, atol=1e-7)

    @pytest.mark.parametrize("loss", ["squared", "logistic", "multinomial", "huber"])
    def test_our_estimators_begin_at_what_is_kept(self, rng, loss, monkeypatch):
        """The cold elimination, by estimators that forget, drops the same and errs the same."""
        X, y = sparse_truth(rng, p=6)
        y = {"logistic": y > 0, "multinomial": np.digitize(y, [-1.0, 1.0])}.get(loss, y)
        kind = ao.Classifier if loss in ("logistic", "multinomial") else ao.Regressor
        how = {"penalty": ao.L1()} if kind is ao.Classifier else {"loss": loss, "penalty": ao.L1()}
        warm = ao.IterativeDropout(kind(alpha=0.02, tol=1e-10, **how), folds=3).fit(X, y)
        monkeypatch.setattr(kind, "restarted", lambda self, kept: clone(self))
        cold = ao.IterativeDropout(kind(alpha=0.02, tol=1e-10, **how), folds=3).fit(X, y)
        np.testing.assert_array_equal(cold.sequence_, warm.sequence_)
        np.testing.assert_allclose(cold.errors_, warm.errors_, rtol=1e-6)

    def test_names_are_kept(self, rng):
        polars = pytest.importorskip("polars")
        X, y = sparse_truth(rng)
        frame = polars.DataFrame(X, schema=list("abcdefgh"))
        found = ao.IterativeDropout(ao.OLS(), folds=4).fit(frame, y)
        assert found.get_feature_names_out().tolist() == ["b", "e"]
        np.testing.assert_array_equal(found.transform(frame), X[:, [1, 4]])

    def test_sparse_is_dense(self, rng):
        X, y = sparse_truth(rng)
        X[abs(X) < 0.5] = 0
        dense, sparse = (
            ao.IterativeDropout(ao.Ridge(alpha=0.01), folds=4).fit(form, y) for form in (X, scipy.sparse.csr_array(X))
        )
        np.testing.assert_array_equal(dense.sequence_, sparse.sequence_)
        np.testing.assert_allclose(dense.errors_, sparse.errors_, rtol=1e-5)

    def test_classes(self):
        X, y = load_breast_cancer(return_X_y=True)
        found = ao.IterativeDropout(ao.LogisticRegression(alpha=0.01), folds=3, step=0.4).fit(X[:, :8], y)
        assert found.one_shot_.error > 0 and found.errors_.mean(0)[-1] > found.errors_.mean(0).min()
        assert found.errors_.shape == (3, len(found.sizes_))

    def test_stability_and_cost(self, rng):
        X, y = sparse_truth(rng)
        found = ao.IterativeDropout(ao.OLS(), folds=4, n_resamples=5).fit(X, y)
        assert found.cuts_.shape == (5,) and (found.cuts_ >= 2).all()
        assert found.selection_frequency_[[1, 4]].tolist() == [1.0, 1.0]
        costs = found.costs()
        assert costs["cut"].to_list() == ["iterative dropout", "L1, one standard error"]
        assert (costs["seconds"] > 0).all() and {1, 4} <= set(found.one_shot_.left)
        assert "halves" in found.choice_ and "2 of 8 columns stay" in found.choice_


def test_the_picture_marks_the_cuts_on_either_axis(rng):
    """Linear for few columns, logarithmic for many, where annotations stand at the logarithm."""
    X = rng.standard_normal((40, 120))
    for columns, step in ((6, 1), (120, 0.5)):
        found = ao.IterativeDropout(ao.Ridge(alpha=1.0), step=step, folds=3, rule="min").fit(X[:, :columns], X[:, 0])
        figure = found.plot()
        wide = columns > 50
        assert (figure.layout.xaxis.type == "log") == wide
        note = next(note for note in figure.layout.annotations if "minimum" in note.text)
        assert note.x == pytest.approx(np.log10(found.n_min_) if wide else found.n_min_)


class TestSamples:
    def test_outliers_go_first(self, rng):
        X, y = sparse_truth(rng)
        y[[3, 50, 77]] += 12
        found = ao.IterativeDropout(ao.OLS(), drop="samples", folds=5).fit(X, y)
        assert set(found.sequence_[:4]) >= {3, 50, 77}
        assert not found.kept_rows_[[3, 50, 77]].any() and found.kept_rows_.sum() == found.n_left_
        assert found.support_.all() and found.transform(X).shape == X.shape
        assert {3, 50, 77} & set(found.one_shot_.left) == set()
        assert len(np.unique(found.sequence_)) == 100

    def test_stages_are_refits(self, rng):
        X = rng.standard_normal((40, 2))
        y = X @ [1.0, -1.0] + rng.standard_normal(40)
        found = ao.IterativeDropout(linear_model.LinearRegression(), drop="samples", floor=36, folds=4).fit(X, y)
        left, A = np.arange(40), np.column_stack([np.ones(40), X])
        gone = []
        for _ in range(4):
            hat = A[left] @ np.linalg.pinv(A[left])
            residual = y[left] - hat @ y[left]
            worst = int(np.argmax(residual**2 / (1 - np.diag(hat))))
            gone.append(left[worst])
            left = np.delete(left, worst)
        np.testing.assert_array_equal(found.sequence_[:4], gone)


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"drop": "layers"}, ValueError, "drop must be 'features', 'samples' or 'units'"),
            ({"drop": "units"}, TypeError, r"OLS has no hidden units to drop; pass a network"),
            ({"order": "size"}, ValueError, "order must be 'coefficient' or 'entry'"),
            ({"rule": "2se"}, ValueError, "rule must be '1se' or 'min'"),
            ({"step": 0}, ValueError, "step must be at least 1"),
            ({"floor": 9}, ValueError, "floor must lie between 1 and the 8 features"),
        ],
    )
    def test_arguments(self, rng, options, error, message):
        with pytest.raises(error, match=message):
            ao.IterativeDropout(ao.OLS(), **options).fit(*sparse_truth(rng))

    def test_a_model_without_coefficients(self, rng):
        from sklearn.neighbors import KNeighborsRegressor

        with pytest.raises(TypeError, match=r"KNeighborsRegressor has no coef_ .* order='entry'"):
            ao.IterativeDropout(KNeighborsRegressor()).fit(*sparse_truth(rng))
        found = ao.IterativeDropout(KNeighborsRegressor(), order="entry", folds=4).fit(*sparse_truth(rng))
        assert 1 in found.get_support(indices=True)


@parametrize_with_checks([ao.IterativeDropout(linear_model.LinearRegression(), folds=3)])
def test_scikit_learn(estimator, check):
    check(estimator)
