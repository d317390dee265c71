"""The scikit-learn face: how alpha is chosen, scores, offsets, mistakes; no numerics of its own."""

from __future__ import annotations

import numpy as np
import polars
import pytest
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import Lasso as PeerLasso
from sklearn.linear_model import LinearRegression
from sklearn.linear_model import LogisticRegression as PeerLogistic
from sklearn.metrics import d2_tweedie_score, r2_score

import alphaomega as ao

REGRESSORS = (ao.Ridge, ao.Lasso, ao.ElasticNetRegressor, ao.PoissonRegressor, ao.Regressor)


class TestChoiceOfAlpha:
    def test_default_is_the_best_alpha_of_cross_validation(self, diabetes):
        X, y = diabetes
        model = ao.Lasso(n_alphas=30).fit(X, y)
        cv = ao.cross_validate(X, y, n_alphas=30, standardize=True)
        assert model.alpha_ == cv.alpha_min
        np.testing.assert_array_equal(model.coef_, cv.path.at(cv.alpha_min).coef)
        np.testing.assert_array_equal(model.cv_.scores, cv.scores)
        assert model.predict(X[:3]) == pytest.approx(cv.path.predict(X[:3], cv.alpha_min))

    def test_one_standard_error_rule_takes_the_larger_alpha(self, diabetes):
        best, cautious = (ao.Lasso(alpha=alpha, n_alphas=30).fit(*diabetes) for alpha in ("cv", "1se"))
        assert cautious.alpha_ == best.cv_.alpha_1se > best.alpha_
        assert "one standard error" in cautious.alpha_choice_

    def test_given_alpha_is_scikit_learns(self, diabetes):
        X, y = diabetes
        own = ao.Lasso(alpha=0.3, standardize=False, tol=1e-12).fit(X, y)
        peer = PeerLasso(alpha=0.3, tol=1e-12, max_iter=100_000).fit(X, y)
        np.testing.assert_allclose(own.coef_, peer.coef_, atol=1e-6)
        assert own.intercept_ == pytest.approx(peer.intercept_)
        assert own.cv_ is None

    def test_alpha_zero_is_least_squares(self, diabetes):
        X, y = diabetes
        expected = LinearRegression().fit(X, y).coef_
        for kind in (ao.Ridge, ao.Lasso):
            np.testing.assert_allclose(kind(alpha=0.0, tol=1e-12).fit(X, y).coef_, expected, rtol=1e-6)
        np.testing.assert_allclose(ao.OLS().fit(X, y).coef_, expected, rtol=1e-8)

    def test_mix_is_chosen_with_alpha(self, diabetes):
        ratios = [0.1, 0.5, 1.0]
        model = ao.ElasticNetRegressor(l1_ratio=ratios, n_alphas=20).fit(*diabetes)
        best = {
            ratio: ao.ElasticNetRegressor(l1_ratio=ratio, n_alphas=20).fit(*diabetes).cv_.mean.min() for ratio in ratios
        }
        assert model.l1_ratio_ == min(best, key=best.get)
        assert model.cv_.mean.min() == min(best.values())
        assert f"l1_ratio = {model.l1_ratio_:g} of" in model.alpha_choice_

    def test_fewer_rows_than_folds(self, rng):
        model = ao.Ridge(n_alphas=5).fit(rng.standard_normal((6, 2)), rng.standard_normal(6))
        assert len(model.cv_.scores) == 6
        assert "10 folds were asked for" in model.alpha_choice_

    def test_given_folds_and_grid(self, diabetes):
        X, y = diabetes
        folds = np.arange(len(y)) % 4
        model = ao.Ridge(folds=folds, alphas=[0.1, 1.0, 10.0]).fit(X, y)
        np.testing.assert_array_equal(model.cv_.folds, folds)
        assert model.alpha_ in (0.1, 1.0, 10.0)

    def test_certificate(self, diabetes):
        certificate = ao.Lasso(n_alphas=20).fit(*diabetes).certificate_
        assert certificate.kind == "duality gap"
        assert 0 <= float(certificate) == certificate.gap <= certificate.tol == 1e-6
        assert certificate.message == ""

    @pytest.mark.parametrize(
        ("alpha", "error", "text"),
        [
            ("best", ValueError, "alpha must be 'cv', '1se', 'loo', 'gcv' or a number >= 0, got 'best'"),
            (None, TypeError, "alpha must be 'cv', '1se', 'loo', 'gcv' or a number"),
            (True, TypeError, "alpha must be 'cv', '1se', 'loo', 'gcv' or a number"),
            (-1.0, ValueError, "alphas must be finite and >= 0"),
            (np.nan, ValueError, "alphas must be finite and >= 0"),
        ],
    )
    def test_bad_alpha(self, diabetes, alpha, error, text):
        with pytest.raises(error, match=text):
            ao.Ridge(alpha=alpha).fit(*diabetes)

    def test_list_of_mixes_needs_cross_validation(self, diabetes):
        with pytest.raises(ValueError, match="need alpha='cv'"):
            ao.ElasticNetRegressor(alpha=0.1, l1_ratio=[0.1, 0.9]).fit(*diabetes)


class TestShapesAndScales:
    def test_coefficients_per_standard_deviation(self, diabetes):
        X, y = diabetes
        for model in (ao.Ridge(alpha=0.5), ao.OLS()):
            model.fit(X, y)
            np.testing.assert_allclose(model.coef_standardized_, model.coef_ * X.std(0))

    def test_binary(self):
        X, y = load_breast_cancer(return_X_y=True)
        model = ao.LogisticRegression(alpha=0.1).fit(X, np.array(["ill", "well"])[y])
        assert model.classes_.tolist() == ["ill", "well"]
        assert model.coef_.shape == (1, 30) and model.intercept_.shape == (1,)
        eta = model.decision_function(X)
        assert eta.shape == (len(y),)
        np.testing.assert_allclose(eta, X @ model.coef_[0] + model.intercept_)
        np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-eta)))
        np.testing.assert_array_equal(model.predict(X), np.where(eta > 0, "well", "ill"))
        assert model.score(X, np.array(["ill", "well"])[y]) == np.mean((eta > 0) == y)

    def test_multinomial_is_scikit_learns(self):
        X, y = load_wine(return_X_y=True)
        X = (X - X.mean(0)) / X.std(0)
        own = ao.LogisticRegression(alpha=0.05, tol=1e-10).fit(X, y)
        peer = PeerLogistic(C=1 / (0.05 * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
        assert own.coef_.shape == (3, 13) and own.intercept_.shape == (3,)
        np.testing.assert_allclose(own.coef_, peer.coef_, atol=1e-5)
        np.testing.assert_allclose(own.predict_proba(X), peer.predict_proba(X), atol=1e-5)
        np.testing.assert_allclose(own.predict_proba(X).sum(1), 1)
        np.testing.assert_array_equal(own.predict(X), own.classes_[own.decision_function(X).argmax(1)])
        np.testing.assert_allclose(own.predict_log_proba(X), np.log(own.predict_proba(X)))

    def test_float32_and_sparse(self, diabetes):
        X, y = diabetes
        dense = ao.Lasso(alpha=1.0, tol=1e-10).fit(X, y)
        single = ao.Lasso(alpha=1.0, tol=1e-10).fit(X.astype(np.float32), y)
        np.testing.assert_allclose(single.coef_, dense.coef_, rtol=1e-3, atol=0.01)
        for kind in (scipy.sparse.csr_array, scipy.sparse.csc_array, scipy.sparse.coo_array):
            model = ao.Lasso(alpha=1.0, tol=1e-10).fit(kind(X), y)
            np.testing.assert_allclose(model.coef_, dense.coef_, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(model.predict(kind(X)), dense.predict(X), rtol=1e-6)

    def test_without_intercept(self, diabetes):
        X, y = diabetes
        model = ao.OLS(intercept=False).fit(X, y)
        np.testing.assert_allclose(model.coef_, LinearRegression(fit_intercept=False).fit(X, y).coef_, rtol=1e-8)
        assert model.intercept_ == 0


class TestScores:
    def test_squared_loss_scores_r2(self, diabetes, rng):
        X, y = diabetes
        weights = rng.uniform(0.1, 2.0, len(y))
        model = ao.Ridge(alpha=0.1).fit(X, y)
        assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)))
        expected = r2_score(y, model.predict(X), sample_weight=weights)
        assert model.score(X, y, sample_weight=weights) == pytest.approx(expected)

    def test_poisson_scores_d2(self, counts):
        X, y, offset = counts
        model = ao.PoissonRegressor(alpha=0.01).fit(X, y)
        assert model.score(X, y) == pytest.approx(d2_tweedie_score(y, model.predict(X), power=1))
        assert ao.PoissonRegressor(alpha=0.01).fit(X, y, offset=offset).score(X, y, offset=offset) > 0

    def test_a_constant_y_scores_zero_or_one(self, diabetes):
        X, y = diabetes
        model = ao.Ridge(alpha=0.1).fit(X, y)
        assert model.score(X[:5], np.full(5, 3.0)) == 0.0


class TestOffsets:
    def test_offset_is_needed_to_predict(self, counts):
        X, y, offset = counts
        model = ao.PoissonRegressor(alpha=0.01).fit(X, y, offset=offset)
        with pytest.raises(ValueError, match="fitted with an offset"):
            model.predict(X)
        np.testing.assert_allclose(model.predict(X, offset=offset), np.exp(X @ model.coef_ + model.intercept_ + offset))

    def test_offset_shifts_a_linear_model(self, diabetes, rng):
        X, y = diabetes
        shift = rng.standard_normal(len(y)) * 50
        with_offset, shifted = ao.OLS().fit(X, y, offset=shift), ao.OLS().fit(X, y - shift)
        np.testing.assert_allclose(with_offset.coef_, shifted.coef_, rtol=1e-8)
        np.testing.assert_allclose(with_offset.inference_.standard_error, shifted.inference_.standard_error)

    def test_classifier_takes_an_offset(self, rng):
        X, y = rng.standard_normal((40, 2)), np.arange(40) % 2
        model = ao.LogisticRegression(alpha=0.1).fit(X, y, offset=np.full(40, 2.0))
        plain = ao.LogisticRegression(alpha=0.1).fit(X, y)
        np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-6)
        np.testing.assert_allclose(model.predict_proba(X, offset=np.full(40, 2.0)), plain.predict_proba(X), atol=1e-6)


class TestMistakes:
    def test_regressor_refuses_class_losses(self):
        with pytest.raises(ValueError, match=r"use ao\.Classifier"):
            ao.Regressor("logistic").fit([[0.0], [1.0]], [0, 1])

    def test_weights(self, diabetes):
        X, y = diabetes
        for weights, text in [
            (np.ones(3), r"sample_weight must have shape|inconsistent"),
            (np.full(len(y), -1.0), "sample_weight must be finite and >= 0, found -1 at row 0"),
            (np.zeros(len(y)), "sample_weight is zero in every row"),
        ]:
            with pytest.raises(ValueError, match=text):
                ao.Ridge(alpha=1.0).fit(X, y, sample_weight=weights)

    def test_y_with_gaps_names_the_row(self, diabetes):
        X, y = diabetes
        broken = y.copy()
        broken[7] = np.nan
        with pytest.raises(ValueError, match="y holds NaN or infinity at row 7"):
            ao.Ridge(alpha=1.0).fit(X, broken)
        with pytest.raises(ValueError, match="y holds a missing label at row 7"):
            ao.LogisticRegression(alpha=1.0).fit(X, np.where(np.isnan(broken), np.nan, y > 100))

    def test_class_of_weight_zero_does_not_exist(self, rng):
        X, y = rng.standard_normal((30, 2)), np.arange(30) % 3
        model = ao.LogisticRegression(alpha=0.1).fit(X, y, sample_weight=(y < 2).astype(float))
        np.testing.assert_array_equal(model.classes_, [0, 1])
        without = ao.LogisticRegression(alpha=0.1).fit(X[y < 2], y[y < 2])
        np.testing.assert_allclose(model.coef_, without.coef_)

    def test_wrong_number_of_columns_and_rows(self, diabetes):
        X, y = diabetes
        model = ao.Ridge(alpha=1.0).fit(X, y)
        with pytest.raises(ValueError, match="X has 3 features, but Ridge is expecting 10"):
            model.predict(X[:, :3])
        with pytest.raises(ValueError, match="X has 442 rows but y has 3"):
            model.score(X, y[:3])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            ao.Ridge(alpha=1.0).fit(X, y[:3])

    def test_one_row_of_a_frame(self):
        with pytest.raises(ValueError, match="too few to fit Lasso"):
            ao.Lasso().fit(polars.DataFrame({"a": [1.0]}), [1.0])

    def test_bounds_must_allow_zero(self, diabetes):
        with pytest.raises(ValueError, match="zero must stay allowed"):
            ao.Ridge(alpha=1.0, bounds=(1.0, 2.0)).fit(*diabetes)
