"""What a fit says of itself: standard errors where they are valid, and how alpha was chosen."""

from __future__ import annotations

import sys

import numpy as np
import polars
import pytest
import scipy.sparse
from scipy import stats
from sklearn.datasets import load_diabetes, load_wine

import alphaomega as ao
from alphaomega.designs import Dense, Sparse
from alphaomega.estimators.summary import MOST_ROWS
from alphaomega.inference.ols import NotIdentified


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


class TestLeastSquares:
    def test_formula(self, rng):
        X, y = rng.standard_normal((50, 3)), rng.standard_normal(50)
        fit = ao.inference.ols(X, y, level=0.9)
        A = np.column_stack([np.ones(50), X])
        covariance = np.linalg.inv(A.T @ A) * np.sum((y - A @ np.linalg.lstsq(A, y)[0]) ** 2) / 46
        np.testing.assert_allclose(fit.standard_error, np.sqrt(np.diag(covariance)), rtol=1e-10)
        np.testing.assert_allclose(fit.p, 2 * stats.t.sf(abs(fit.coef / fit.standard_error), 46), rtol=1e-8)
        width = stats.t.ppf(0.95, 46) * fit.standard_error
        np.testing.assert_allclose(fit.upper - fit.coef, width, rtol=1e-10)
        np.testing.assert_allclose(fit.coef - fit.lower, width, rtol=1e-10)

    def test_integer_weights_equal_repeated_rows(self, rng):
        X, y, weights = rng.standard_normal((40, 3)), rng.standard_normal(40), rng.integers(0, 4, 40)
        weighted = ao.inference.ols(X, y, weights=weights)
        repeated = ao.inference.ols(X.repeat(weights, axis=0), y.repeat(weights))
        for name in ("coef", "standard_error", "p", "lower", "sigma", "r2", "df"):
            np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-9)

    def test_statsmodels(self, rng):
        api = pytest.importorskip("statsmodels.api")
        X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
        own, peer = ao.inference.ols(X, y), api.OLS(y, api.add_constant(X)).fit()
        np.testing.assert_allclose(own.coef, peer.params, rtol=1e-9)
        np.testing.assert_allclose(own.standard_error, peer.bse, rtol=1e-9)
        np.testing.assert_allclose(own.p, peer.pvalues, rtol=1e-8)
        np.testing.assert_allclose(np.column_stack([own.lower, own.upper]), peer.conf_int(), rtol=1e-8)
        assert own.r2 == pytest.approx(peer.rsquared)
        through_zero = ao.inference.ols(X, y, intercept=False)
        np.testing.assert_allclose(through_zero.standard_error, api.OLS(y, X).fit().bse, rtol=1e-9)
        assert through_zero.r2 == pytest.approx(api.OLS(y, X).fit().rsquared)

    def test_every_form_of_x(self, rng, monkeypatch):
        X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
        expected = ao.inference.ols(X, y).standard_error
        monkeypatch.setattr(sys.modules["alphaomega.inference.triangle"], "BLOCK_BYTES", 1)  # many blocks of rows
        for form in (X, np.asfortranarray(X), scipy.sparse.csr_array(X), Dense(X), Sparse(X), polars.DataFrame(X)):
            np.testing.assert_allclose(ao.inference.ols(form, y).standard_error, expected, rtol=1e-10)

    def test_columns_far_from_zero(self, rng):
        """Years and dollars: the errors of shifted and scaled columns are those of the centred ones."""
        X, y = rng.standard_normal((60, 2)), rng.standard_normal(60)
        plain = ao.inference.ols(X, y)
        moved = ao.inference.ols(X * [1e-3, 1e6] + [2000.0, 1e9], y)
        np.testing.assert_allclose(moved.standard_error[1:] * [1e-3, 1e6], plain.standard_error[1:], rtol=1e-6)

    def test_offset_is_taken_off_y(self, rng):
        X, y, offset = rng.standard_normal((30, 2)), rng.standard_normal(30), rng.standard_normal(30)
        np.testing.assert_allclose(ao.inference.ols(X, y, offset=offset).t, ao.inference.ols(X, y - offset).t)

    def test_frame(self, rng):
        frame = polars.DataFrame({"a": rng.standard_normal(30), "town": rng.choice(["u", "v"], 30)})
        table = ao.inference.ols(frame, rng.standard_normal(30)).to_frame()
        assert table.columns == ["name", "coef", "standard_error", "t", "p", "lower", "upper"]
        assert table["name"].to_list() == ["intercept", "a", "town=v"]

    def test_bad_level(self, diabetes):
        with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), e.g. 0.95, got 95"):
            ao.inference.ols(*diabetes, level=95)


class TestNotIdentified:
    def test_collinear_column_is_named(self, rng):
        X = rng.standard_normal((30, 2))
        frame = polars.DataFrame({"a": X[:, 0], "b": X[:, 1], "sum": X.sum(1), "same": np.ones(30)})
        with pytest.raises(NotIdentified, match="column 'sum', 'same' is constant or a linear combination"):
            ao.inference.ols(frame, rng.standard_normal(30))

    @pytest.mark.parametrize(("rows", "columns"), [(5, 4), (5, 9), (3, 40)])
    def test_too_few_rows(self, rng, rows, columns):
        with pytest.raises(NotIdentified, match=f"{rows} rows cannot determine {columns + 1} coefficients"):
            ao.inference.ols(rng.standard_normal((rows, columns)), rng.standard_normal(rows))

    @pytest.mark.parametrize("intercept", [True, False])
    def test_smallest_fit_is_the_limit_of_ridge(self, rng, intercept):
        X, y = rng.standard_normal((12, 20)) * np.logspace(-2, 2, 20), rng.standard_normal(12)
        model = ao.OLS(intercept=intercept).fit(X, y)
        ridge = ao.Ridge(alpha=1e-9, tol=1e-14, intercept=intercept).fit(X, y)
        np.testing.assert_allclose(model.coef_standardized_, ridge.coef_standardized_, atol=1e-6)
        np.testing.assert_allclose(model.predict(X), y, atol=1e-9)
        assert model.certificate_.gap < 1e-6
        text = str(model.summary())
        assert "No standard errors" in text and "standard error " not in text and model.inference_ is None

    def test_duplicated_columns_share_the_effect(self, rng):
        x, y = rng.standard_normal(30), rng.standard_normal(30)
        model = ao.OLS().fit(np.column_stack([x, x, np.ones(30)]), y)
        alone = ao.OLS().fit(x[:, None], y)
        np.testing.assert_allclose(model.coef_, [alone.coef_[0] / 2, alone.coef_[0] / 2, 0], atol=1e-9)
        assert model.intercept_ == pytest.approx(alone.intercept_)


class TestSummaries:
    def test_least_squares_table(self, diabetes):
        model = ao.OLS().fit(*diabetes)
        table = model.summary(level=0.99).to_frame()
        assert table.columns == [
            *("name", "coefficient", "per sd", "non-zero"),
            *("standard error", "t", "p", "99% lower", "99% upper"),
        ]
        np.testing.assert_allclose(table["per sd"][1:], model.coef_ * diabetes[0].std(0))
        np.testing.assert_allclose(table["p"], model.inference_.p)
        text = str(model.summary())
        assert "alpha = 0: no penalty" in text and "R2 = 0.5177" in text and "431 degrees of freedom" in text

    @pytest.mark.parametrize("kind", [ao.Ridge, ao.Lasso, ao.ElasticNetRegressor, ao.Regressor])
    def test_penalised_fits_have_no_p_values_and_say_why(self, diabetes, kind):
        model = kind(n_alphas=10).fit(*diabetes)
        summary = model.summary()
        assert summary.to_frame().columns == ["name", "coefficient", "per sd", "non-zero"]
        text = str(summary)
        assert "No standard errors or p-values" in text
        assert f"alpha = {model.alpha_:.6g}" in text and "10-fold cross-validation over 10 alphas" in text
        assert f"Relative duality gap {model.certificate_.gap:.1e}" in text
        assert f"alpha = {model.alpha_:.6g}" in repr(model)

    def test_non_zero(self, diabetes):
        model = ao.Lasso(alpha=10.0).fit(*diabetes)
        table = model.summary().to_frame()
        assert table["non-zero"].to_list() == [True, *(model.coef_ != 0)]
        assert f"{np.count_nonzero(model.coef_)} of 10 coefficients are non-zero" in str(model.summary())
        assert "as given" in str(model.summary())

    def test_scale_is_said(self, diabetes):
        model = ao.Ridge(alpha=1.0, standardize=False).fit(*diabetes)
        assert "in the columns' units" in str(model.summary())
        assert "per sd" not in model.summary().to_frame().columns

    def test_multinomial_has_a_block_per_class(self):
        model = ao.LogisticRegression(alpha=0.1).fit(*load_wine(return_X_y=True))
        table = model.summary().to_frame()
        assert table["class"].to_list() == ["0"] * 14 + ["1"] * 14 + ["2"] * 14
        np.testing.assert_array_equal(table.filter(table["name"] == "intercept")["coefficient"], model.intercept_)
        np.testing.assert_array_equal(table.filter(table["class"] == "1")["coefficient"][1:], model.coef_[1])

    def test_wide_fits_show_the_strongest(self, rng):
        X = rng.standard_normal((50, 300))
        model = ao.Lasso(alpha=0.3).fit(X, X[:, 7] * 3 + 0.1 * rng.standard_normal(50))
        summary = model.summary()
        assert summary.to_frame().height == 301
        rows = [line.split()[0] for line in str(summary).splitlines() if line.strip().startswith(("x", "intercept"))]
        assert rows[:2] == ["intercept", "x7"] and len(rows) <= MOST_ROWS
        assert "rows are not shown" in str(summary)

    def test_html_is_escaped(self, rng):
        frame = polars.DataFrame({"<script>alert(1)</script>": rng.standard_normal(20)})
        page = ao.OLS().fit(frame, rng.standard_normal(20)).summary()._repr_html_()
        assert "<script>" not in page and "&lt;script&gt;" in page and page.count("<tr>") == 3

    def test_lines_of_the_table_are_aligned(self, diabetes):
        lines = str(ao.OLS().fit(*diabetes).summary()).splitlines()
        start = next(k for k, line in enumerate(lines) if line.lstrip().startswith("name"))
        assert len({len(line) for line in lines[start : start + 13]}) == 1


class TestInference:
    """Which inference goes with which fit, and what is refused."""

    def blank(self, column):
        return np.isnan(np.array(column, dtype=float))

    @pytest.mark.parametrize("standardize", [True, False])
    def test_selective(self, diabetes, standardize):
        X, y = diabetes
        model = ao.Lasso(alpha=2.0 if standardize else 0.1, standardize=standardize).fit(X, y)
        table = ao.inference.selective(X, y, model.alpha_, standardize=standardize, level=0.8)
        for given in ({"inference": "selective", "data": (X, y), "level": 0.8}, {"inference": table}):
            summary = model.summary(**given)
            frame = summary.to_frame()
            own = ["least squares", "p", "80% lower", "80% upper"]
            assert frame.columns[-4:] == own
            for name, values in zip(own, (table.coef, table.p, table.lower, table.upper)):
                np.testing.assert_array_equal(self.blank(frame[name]), ~np.append(False, model.coef_ != 0))
                np.testing.assert_allclose(np.array(frame[name])[1:][model.coef_ != 0], values, rtol=1e-6)
            text = str(summary)
            assert f"least squares, p, 80% lower, 80% upper: {table.guarantee}" in text
            assert "coefficient: the penalised fit" in text and "cross-validation on the same rows" not in text

    def test_a_cross_validated_alpha_is_said(self, diabetes):
        model = ao.Lasso(n_alphas=10).fit(*diabetes)
        text = str(model.summary(inference="selective", data=diabetes))
        assert "was chosen by cross-validation on the same rows, which this guarantee does not cover" in text

    @pytest.mark.parametrize("kind", [ao.Lasso, ao.Ridge, ao.ElasticNetRegressor])
    def test_debiased_goes_with_any_penalty(self, diabetes, kind):
        X, y = diabetes
        weights = np.random.default_rng(0).integers(0, 3, len(y))
        model = kind(alpha=0.5).fit(X, y, weights)
        frame = model.summary(inference="debiased", data=(X, y, weights), level=0.9).to_frame()
        table = ao.inference.debiased(X, y, weights=weights)
        np.testing.assert_allclose(frame["debiased"][1:], table.coef)
        np.testing.assert_allclose(frame["90% upper"][1:], table.upper)

    def test_ridge(self, diabetes):
        model = ao.Ridge(alpha=0.01).fit(*diabetes)
        frame = model.summary(inference="ridge", data=diabetes, level=0.9).to_frame()
        table = ao.inference.ridge(*diabetes, 0.01, standardize=True)
        np.testing.assert_allclose(frame["largest bias"][1:], table.largest_bias)
        assert self.blank(frame["bias"])[0] and frame.columns[-2:] == ["90% lower", "90% upper"]

    def test_unpenalised(self, diabetes):
        X, y = diabetes
        robust = ao.OLS().fit(X, y).summary(inference="HC3", data=(X, y))
        np.testing.assert_allclose(
            robust.to_frame()["standard error"], ao.inference.ols(X, y, covariance="HC3").standard_error
        )
        assert "any variance (HC3)" in str(robust)
        high = y > np.median(y)
        for model, target, loss in (
            (ao.LogisticRegression(alpha=0.0, tol=1e-10), high, "logistic"),
            (ao.PoissonRegressor(alpha=0.0, tol=1e-10), y, "poisson"),
        ):
            frame = model.fit(X, target).summary(inference="classical", data=(X, target)).to_frame()
            np.testing.assert_allclose(frame["z"], ao.inference.glm(X, target, loss).z, rtol=1e-6)

    def test_imputed_and_categorical_columns(self, rng):
        frame = polars.DataFrame({"a": [None, *rng.standard_normal(59)], "town": rng.choice(["u", "v", "w"], 60)})
        y = rng.standard_normal(60)
        model = ao.Ridge(alpha=0.1, impute="mean").fit(frame, y)
        found = model.summary(inference="debiased", data=(frame, y)).to_frame()
        assert found["name"].to_list() == ["intercept", "a", "town=v", "town=w"]
        assert self.blank(found["p"]).tolist() == [True, False, False, False]

    @pytest.mark.parametrize("kind", ["classical", "HC3"])
    def test_naive_p_values_are_refused(self, diabetes, kind):
        X, y = diabetes
        for model in (ao.Lasso(alpha=2.0), ao.Ridge(alpha=2.0)):
            model.fit(X, y)
            with pytest.raises(
                ValueError, match=rf"inference='{kind}' is refused .* columns that the same rows select"
            ):
                model.summary(inference=kind, data=(X, y))
            with pytest.raises(ValueError, match="is refused"):
                model.summary(inference=ao.inference.ols(X, y, covariance=kind))

    def test_other_refusals(self, diabetes):
        X, y = diabetes
        lasso, ridge = ao.Lasso(alpha=2.0).fit(X, y), ao.Ridge(alpha=2.0).fit(X, y)
        with pytest.raises(ValueError, match=r"inference must be one of classical, HC0.*, or a table"):
            lasso.summary(inference="bootstrap")
        with pytest.raises(ValueError, match=r"needs the rows of the fit.*pass data=\(X, y\)"):
            lasso.summary(inference="selective")
        with pytest.raises(ValueError, match="'selective' is for the lasso"):
            ridge.summary(inference="selective", data=(X, y))
        with pytest.raises(ValueError, match="'selective' is for the lasso"):
            ao.Lasso(alpha=2.0, bounds=(0, None)).fit(X, y).summary(inference="selective", data=(X, y))
        with pytest.raises(ValueError, match="'ridge' is for ridge regression"):
            lasso.summary(inference="ridge", data=(X, y))
        with pytest.raises(ValueError, match=r"selects at alpha = 0.01, which is not what this fit selected"):
            lasso.summary(inference=ao.inference.selective(X, y, 0.01))
        with pytest.raises(ValueError, match="are not those of this fit"):
            ridge.summary(inference=ao.inference.ridge(X, y, 0.5, standardize=True))
        high = y > np.median(y)
        with pytest.raises(ValueError, match="'debiased' is for the squared loss"):
            ao.LogisticRegression(alpha=0.1).fit(X, high).summary(inference="debiased", data=(X, high))
