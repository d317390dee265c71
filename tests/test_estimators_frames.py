"""The scikit-learn face: names and categories of dataframes, kept from fit to prediction."""

from __future__ import annotations

import numpy as np
import polars
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import alphaomega as ao

REGRESSORS = (ao.Ridge, ao.Lasso, ao.ElasticNetRegressor, ao.PoissonRegressor, ao.Regressor)


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
