"""The scikit-learn face: its conventions kept, in checks, pipelines, searches and copies."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import SelectFromModel
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
