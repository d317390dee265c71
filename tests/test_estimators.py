"""The scikit-learn face: its conventions kept, and no numerics of its own."""

from __future__ import annotations

import pickle

import numpy as np
import polars
import pytest
import scipy.sparse
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import Lasso as PeerLasso
from sklearn.linear_model import LinearRegression
from sklearn.linear_model import LogisticRegression as PeerLogistic
from sklearn.metrics import d2_tweedie_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    parametrize_with_checks,
)

import alphaomega as ao

REGRESSORS = (ao.Ridge, ao.Lasso, ao.ElasticNetRegressor, ao.PoissonRegressor, ao.Regressor)
CLASSIFIERS = (ao.LogisticRegression, ao.Classifier)
PENALIZED = (*REGRESSORS, *CLASSIFIERS)
SMALL = {"n_alphas": 4, "folds": 3}


@parametrize_with_checks(
    [ao.OLS(), *(kind(alpha=0.1) for kind in PENALIZED), *(kind(**SMALL) for kind in PENALIZED)],
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_every_estimator_is_among_those_checked():
    exported = {getattr(ao.estimators, name) for name in ao.estimators.__all__}
    assert {kind for kind in exported if issubclass(kind, BaseEstimator)} == {ao.OLS, *PENALIZED}


@pytest.mark.parametrize("kind", [ao.Ridge, ao.Lasso, ao.ElasticNetRegressor, ao.Regressor])
@pytest.mark.parametrize(
    "check", [check_sample_weight_equivalence_on_dense_data, check_sample_weight_equivalence_on_sparse_data]
)
def test_weights_equal_repeated_rows_with_every_default(kind, check):
    check(kind.__name__, kind())


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture
def counts(rng):
    X = rng.standard_normal((80, 3))
    exposure = rng.uniform(0.5, 3.0, 80)
    return X, rng.poisson(exposure * np.exp(0.4 * X[:, 0] + 0.5)), np.log(exposure)


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
            ("best", ValueError, "alpha must be 'cv', '1se' or a number >= 0, got 'best'"),
            (None, TypeError, "alpha must be 'cv', '1se' or a number"),
            (True, TypeError, "alpha must be 'cv', '1se' or a number"),
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


class TestFrames:
    @pytest.fixture
    def frame(self, rng):
        return polars.DataFrame(
            {
                "size": rng.standard_normal(80),
                "age": rng.standard_normal(80),
                "town": rng.choice(["Bergen", "Oslo", "Tromso"], 80),
            }
        )

    @pytest.fixture
    def y(self, frame, rng):
        return frame["size"].to_numpy() + 2.0 * (frame["town"] == "Oslo").to_numpy() + 0.1 * rng.standard_normal(80)

    def test_names(self, frame, y):
        model = ao.Lasso(alpha=0.01).fit(frame, y)
        assert model.feature_names_in_.tolist() == ["size", "age", "town"]
        assert model.n_features_in_ == 3
        assert model.coef_names_.tolist() == ["size", "age", "town=Oslo", "town=Tromso"]
        assert model.path_.feature_names == ("size", "age", "town=Oslo", "town=Tromso")

    def test_columns_are_found_by_name(self, frame, y):
        model = ao.Ridge(alpha=0.01).fit(frame, y)
        expected = model.predict(frame)
        np.testing.assert_array_equal(model.predict(frame.select("town", "size", "age")), expected)
        np.testing.assert_array_equal(model.predict(frame.to_pandas()), expected)
        np.testing.assert_array_equal(model.predict(frame.to_arrow()), expected)
        with pytest.raises(ValueError, match="X lacks the column 'age'; add it"):
            model.predict(frame.drop("age"))

    def test_unseen_level(self, frame, y):
        other = frame.with_columns(town=polars.lit("Rome"))
        with pytest.raises(ValueError, match="column 'town' holds 'Rome'"):
            ao.Ridge(alpha=0.1).fit(frame, y).predict(other)
        lenient = ao.Ridge(alpha=0.1, unseen="reference").fit(frame, y)
        with pytest.warns(UserWarning, match="reference level 'Bergen'"):
            found = lenient.predict(other)
        np.testing.assert_array_equal(found, lenient.predict(frame.with_columns(town=polars.lit("Bergen"))))

    def test_weights_and_bounds_by_name(self, frame, y):
        model = ao.Lasso(alpha=0.2, penalty_weights={"town": 0.0, "age": np.inf}).fit(frame, y)
        np.testing.assert_array_equal(model.path_.penalty.weights, [1, np.inf, 0, 0])
        assert model.coef_[1] == 0 and model.coef_[2] > 1.5
        bounded = ao.Ridge(alpha=0.001, bounds={"size": (None, 0.5), "town=Tromso": (0, None)}).fit(frame, y)
        assert bounded.coef_[0] == pytest.approx(0.5) and bounded.coef_[3] >= 0
        with pytest.raises(
            ValueError, match="penalty_weights names the column 'sise', which X lacks; did you mean 'size'"
        ):
            ao.Lasso(penalty_weights={"sise": 0.0}).fit(frame, y)
        with pytest.raises(ValueError, match="X has no column names"):
            ao.Lasso(penalty_weights={"size": 0.0}).fit(np.ones((3, 2)), [1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match=r"penalty_weights has shape \(2,\) for 4 columns"):
            ao.Lasso(penalty_weights=[1.0, 2.0]).fit(frame, y)
        with pytest.raises(ValueError, match=r"bounds must be a pair \(lower, upper\)"):
            ao.Lasso(bounds=3.0).fit(frame, y)

    @pytest.mark.parametrize(
        ("make", "target"),
        [
            (lambda **bounds: ao.PoissonRegressor(alpha=0.01, **bounds), lambda y: np.floor(y - np.min(y))),
            (lambda **bounds: ao.Regressor("huber", alpha=0.01, **bounds), lambda y: y),
            (lambda **bounds: ao.LogisticRegression(alpha=0.01, **bounds), lambda y: y > np.median(y)),
            (lambda **bounds: ao.Classifier(ao.L1(), alpha=0.01, **bounds), lambda y: y > np.median(y)),
        ],
        ids=["poisson", "huber", "logistic", "classifier"],
    )
    def test_bounds_by_name_in_every_estimator(self, frame, y, make, target):
        values = target(np.asarray(y))
        free = np.ravel(make().fit(frame, values).coef_)[0]
        assert free != 0
        limited = make(bounds={"size": (0, 0.5 * free) if free > 0 else (0.5 * free, 0)}).fit(frame, values)
        assert np.ravel(limited.coef_)[0] == pytest.approx(0.5 * free)
        with pytest.raises(ValueError, match="bounds names the column 'sise', which X lacks"):
            make(bounds={"sise": (0, 1)}).fit(frame, values)

    def test_non_negative(self, diabetes):
        model = ao.Lasso(alpha=0.1, bounds=(0, None)).fit(*diabetes)
        assert (model.coef_ >= 0).all() and (model.coef_ > 0).any()

    def test_missing_entries(self, frame, y):
        gaps = frame.with_columns(
            polars.when(polars.col("age") > 1).then(None).otherwise(polars.col("age")).alias("age")
        )
        with pytest.raises(ValueError, match="column 'age'; pass impute="):
            ao.Lasso(n_alphas=5).fit(gaps, y)
        model = ao.Lasso(n_alphas=5, impute="median").fit(gaps, y)
        median = gaps["age"].median()
        np.testing.assert_array_equal(
            model.predict(gaps), model.predict(gaps.with_columns(polars.col("age").fill_null(median)))
        )
        cv = ao.cross_validate(gaps, y, n_alphas=5, standardize=True, impute="median")
        np.testing.assert_array_equal(model.cv_.scores, cv.scores)

    def test_groups_of_a_category(self, frame, y):
        groups = ao.Encoder.fit(frame).groups
        model = ao.Regressor(penalty=ao.GroupL1(groups), n_alphas=10).fit(frame, y)
        assert (model.coef_[2] != 0) == (model.coef_[3] != 0)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_names_survive_a_pipeline_with_set_output(self, frame, y, library):
        pytest.importorskip(library)
        table = frame.to_pandas() if library == "pandas" else frame
        scale = make_column_transformer((StandardScaler(), ["size", "age"]), remainder="passthrough")
        pipeline = make_pipeline(scale.set_output(transform=library), ao.Lasso(alpha=0.01)).fit(table, y)
        names = pipeline[-1].coef_names_.tolist()
        assert names[2:] == ["remainder__town=Oslo", "remainder__town=Tromso"]
        assert pipeline.score(table, y) > 0.9


class TestScikitLearn:
    @pytest.mark.parametrize("kind", (ao.OLS, *PENALIZED))
    def test_clone_and_repr_of_defaults(self, kind):
        model = kind()
        again = clone(model)
        assert again is not model and again.get_params(deep=False) == model.get_params(deep=False)
        assert repr(model) == ("OLS()" if kind is ao.OLS else f"{kind.__name__}(alpha='cv')")

    def test_clone_keeps_penalty_objects(self):
        penalty = ao.L1([0.0, 1.0])
        assert repr(clone(ao.Regressor(penalty=penalty))) == repr(ao.Regressor(penalty=penalty))

    def test_grid_search(self, diabetes):
        search = GridSearchCV(ao.Ridge(standardize=False), {"alpha": [0.001, 1.0, "cv"]}, cv=3).fit(*diabetes)
        assert search.best_params_["alpha"] in (0.001, "cv")

    def test_grid_search_over_penalties(self, diabetes):
        grid = {"penalty": [ao.L1(), ao.L2()], "alpha": [0.5]}
        assert GridSearchCV(ao.Regressor(), grid, cv=3).fit(*diabetes).best_score_ > 0.4

    def test_select_from_model(self, diabetes):
        X, y = diabetes
        model = ao.Lasso(alpha=10.0)
        kept = SelectFromModel(model, threshold=1e-12).fit(X, y).get_support()
        np.testing.assert_array_equal(kept, model.fit(X, y).coef_ != 0)

    def test_pickle_holds_no_data(self, rng):
        X, y = rng.standard_normal((20_000, 3)), rng.standard_normal(20_000)
        model = ao.Lasso(alpha=0.01).fit(X, y)
        stored = pickle.dumps(model)
        assert len(stored) < 10_000
        np.testing.assert_array_equal(pickle.loads(stored).predict(X), model.predict(X))

    def test_fit_leaves_its_arguments_alone(self, rng):
        X, y, weights = rng.standard_normal((30, 3)), rng.standard_normal(30), rng.uniform(0, 1, 30)
        copies = X.copy(), y.copy(), weights.copy()
        ao.Lasso(**SMALL).fit(X, y, sample_weight=weights)
        for given, copy in zip((X, y, weights), copies, strict=True):
            np.testing.assert_array_equal(given, copy)

    def test_routing_of_weights(self, diabetes, rng):
        X, y = diabetes
        weights = rng.integers(0, 3, len(y)).astype(float)
        with sklearn.config_context(enable_metadata_routing=True):
            model = ao.Ridge(alpha=0.1, standardize=False).set_fit_request(sample_weight=True)
            routed = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
            routed.fit(X, y, sample_weight=weights)
            direct = ao.Ridge(alpha=0.1, standardize=False)
            direct.fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
            np.testing.assert_allclose(routed[-1].coef_, direct.coef_)
            search = GridSearchCV(model.set_score_request(sample_weight=True), {"alpha": [0.1, 1.0]}, cv=3)
            search.fit(X, y, sample_weight=weights)
            assert search.best_estimator_.alpha_ in (0.1, 1.0)

    def test_routing_of_offsets(self, counts):
        X, y, offset = counts
        with sklearn.config_context(enable_metadata_routing=True):
            model = ao.PoissonRegressor(alpha=0.01).set_fit_request(offset=True).set_score_request(offset=True)
            found = cross_validate(model, X, y, params={"offset": offset}, cv=3, error_score="raise")
            assert np.isfinite(found["test_score"]).all()
            model.set_predict_request(offset=True)
            pipeline = make_pipeline(StandardScaler(), model).fit(X, y, offset=offset)
            assert pipeline.predict(X, offset=offset).shape == y.shape


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
