"""Mean shifts: soft ones are Huber's loss, hard ones are stationary and find what hides; rates are as stated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scipy.stats

import alphaomega as ao
from alphaomega.outliers.flagging import Search, _fitter
from alphaomega.outliers.robust import hard_limit, proposal_2, soft_limit

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def table(name):
    values = np.loadtxt(GOLDEN / name, delimiter=",", skiprows=1)
    return values[:, :-1], values[:, -1]


@pytest.fixture
def hbk():
    """Hawkins, Bradu, Kass (1984): rows 1-10 are outliers, 11-14 good leverage points (counted from 1)."""
    return table("hawkins_bradu_kass.csv")


@pytest.fixture
def stackloss():
    """Brownlee (1965), as in R's `stackloss`."""
    return table("stackloss.csv")


def contaminated(rng, n=60, p=4, outliers=6):
    X = rng.standard_normal((n, p))
    y = X @ np.arange(1.0, p + 1) + 3 + 0.5 * rng.standard_normal(n)
    y[:outliers] += 10
    return X, y


class TestSoftIsHuber:
    """The same (w, b) from Huber's loss, from the lasso on [X, identity], and from the function."""

    @pytest.mark.parametrize("alpha", [0.2, 0.8, 2.0])
    @pytest.mark.parametrize("strength", [0.0, 0.3], ids=["free w", "L1 on w too"])
    def test_to_1e_8(self, rng, alpha, strength):
        X, y = contaminated(rng)
        n, p = X.shape
        # mean_i [(r_i - g_i)^2 / 2 + alpha |g_i|] is the lasso at alpha / n on n more columns, one per row
        weights = np.r_[np.full(p, strength * n / alpha), np.ones(n)]
        design = np.hstack([X, np.eye(n)])
        lasso = ao.path(design, y, penalty=ao.L1(weights), alphas=[alpha / n], tol=1e-13)
        huber = ao.path(X, y, ao.Huber(alpha), alphas=[strength], tol=1e-13)
        found = ao.outliers.mean_shift(X, y, "soft", alpha, penalty=strength * ao.L1() if strength else None)
        assert found.certificate <= 1e-10
        for coef, intercept in ((lasso.coef[0, :p], lasso.intercept[0]), (huber.coef[0], huber.intercept[0])):
            np.testing.assert_allclose(found.coef, coef, atol=1e-8)
            assert found.intercept == pytest.approx(intercept, abs=1e-8)
        np.testing.assert_allclose(found.shifts, lasso.coef[0, p:], atol=1e-8)
        residual = y - X @ huber.coef[0] - huber.intercept[0]
        np.testing.assert_array_equal(found.flagged, np.flatnonzero(abs(residual) > alpha * (1 + 1e-9)))


class TestHard:
    @pytest.mark.parametrize("start", ["robust", "ols"])
    def test_is_stationary(self, rng, start):
        """Flagged rows have no residual left, kept ones are fitted by least squares and none exceeds alpha."""
        X, y = contaminated(rng)
        found = ao.outliers.mean_shift(X, y, "hard", 1.0, start)
        left = found.residuals - found.shifts
        kept = found.shifts == 0
        np.testing.assert_allclose(left[~kept], 0, atol=1e-12)
        assert (abs(left[kept]) <= 1).all() and (abs(found.residuals[~kept]) > 1).all()
        A = np.column_stack([np.ones(len(y)), X])[kept]
        np.testing.assert_allclose(A.T @ left[kept], 0, atol=1e-10)

    @pytest.mark.parametrize("threshold", ["soft", "hard"])
    def test_with_more_columns_than_rows(self, threshold):
        rng = np.random.default_rng(2)
        X = rng.standard_normal((100, 120))
        y = 3 * X[:, 0] - 2 * X[:, 1] + 0.3 * rng.standard_normal(100)
        y[:8] += 15
        found = ao.outliers.mean_shift(X, y, threshold, cut=0.01, penalty=0.2 * ao.L1())
        np.testing.assert_array_equal(found.flagged, np.arange(8))
        assert not found.leverage.any()
        if threshold == "hard":  # the mean runs over all rows, so that the penalty weighs 100 / 92 on the kept ones
            clean = ao.path(X[8:], y[8:], alphas=[0.2 * 100 / 92], tol=1e-12)
            np.testing.assert_allclose(found.coef, clean.coef[0], atol=1e-8)
        else:
            both = ao.L1(np.r_[np.full(120, 0.2), np.full(100, found.alpha / 100)])
            together = ao.path(np.hstack([X, np.eye(100)]), y, penalty=both, alphas=[1.0], tol=1e-12)
            np.testing.assert_allclose(np.r_[found.coef, found.shifts], together.coef[0], atol=1e-8)


class TestEquivariance:
    @pytest.mark.parametrize("threshold", ["soft", "hard"])
    def test_units_do_not_matter(self, hbk, threshold):
        """y -> c y + Xv + d and X -> X scaled and shifted flag the same rows, by every rule."""
        X, y = hbk
        for cut in ("bic", 0.02) if threshold == "soft" else ("bic",):
            one = ao.outliers.mean_shift(X, y, threshold, cut=cut)
            other = ao.outliers.mean_shift(10 * X - 3, 100 * (y + X @ [1, -2, 3]) + 5, threshold, cut=cut)
            np.testing.assert_array_equal(other.flagged, one.flagged)
            assert other.alpha == pytest.approx(100 * one.alpha, rel=1e-6)
            np.testing.assert_allclose(other.shifts, 100 * one.shifts, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(other.scores, one.scores, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("threshold", ["soft", "hard"])
    def test_the_container_does_not_matter(self, stackloss, threshold):
        polars = pytest.importorskip("polars")
        X, y = stackloss
        one = ao.outliers.mean_shift(X, y, threshold, 3.0)
        for form in (scipy.sparse.csr_array(X), polars.DataFrame(X, schema=["air", "water", "acid"])):
            np.testing.assert_allclose(ao.outliers.mean_shift(form, y, threshold, 3.0).shifts, one.shifts, atol=1e-8)
        assert ao.outliers.mean_shift(form, y, threshold, 3.0).feature_names == ("air", "water", "acid")


class TestGolden:
    """REFERENCE: She and Owen (2011), section 6; Rousseeuw and Leroy (1987), chapter 3."""

    @pytest.mark.parametrize("how", [{}, {"cut": "bic"}, {"cut": 0.01}, {"alpha": 3.0}, {"alpha": 4.0}], ids=str)
    def test_l1_flags_the_good_leverage_points_of_hawkins_bradu_kass(self, hbk, how):
        np.testing.assert_array_equal(ao.outliers.mean_shift(*hbk, "soft", **how).flagged, [10, 11, 12, 13])

    @pytest.mark.parametrize("alpha", [1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0])
    def test_hard_thresholds_flag_the_ten_outliers(self, hbk, alpha):
        found = ao.outliers.mean_shift(*hbk, "hard", alpha)
        np.testing.assert_array_equal(found.flagged, np.arange(10))
        fit = np.append(found.intercept, found.coef).round(4)
        np.testing.assert_array_equal(fit, [-0.1805, 0.0814, 0.0399, -0.0517])
        assert round(found.noise, 4) == 0.5572

    @pytest.mark.parametrize("cut", ["bic", 0.025])
    def test_every_cut_finds_them(self, hbk, cut):
        np.testing.assert_array_equal(ao.outliers.mean_shift(*hbk, "hard", cut=cut).flagged, np.arange(10))

    def test_from_least_squares_they_hide(self, hbk):
        assert not set(range(10)) & set(ao.outliers.mean_shift(*hbk, "hard", 4.5, start="ols").flagged)

    def test_stackloss_consensus(self, stackloss):
        """Rows 1, 3, 4, 21; 2 joins at lower thresholds. Least squares alone shows 4 and 21."""
        for alpha in (3.5, 4.0):
            np.testing.assert_array_equal(ao.outliers.mean_shift(*stackloss, "hard", alpha).flagged, [0, 2, 3, 20])
        np.testing.assert_array_equal(ao.outliers.mean_shift(*stackloss, "hard").flagged, [0, 2, 3, 20])
        X, y = stackloss
        A = np.column_stack([np.ones(21), X])
        residual = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
        assert set(np.argsort(-abs(residual))[:2]) == {3, 20}
        assert {0, 1, 2, 3, 20} <= set(ao.outliers.mean_shift(X, y, "hard", 1.5).flagged)

    def test_scores_are_studentised_residuals(self, stackloss):
        """Kept rows: externally studentised, as by R's rstudent; a flagged row: its error as a new row."""
        X, y = stackloss
        found = ao.outliers.mean_shift(X, y, "hard", 4.0)
        kept = np.setdiff1d(np.arange(21), found.flagged)

        def prediction_error(rows, row):
            A = np.column_stack([np.ones(21), X])
            coef = np.linalg.lstsq(A[rows], y[rows], rcond=None)[0]
            noise = ((y - A @ coef)[rows] ** 2).sum() / (len(rows) - 4)
            spread = A[row] @ np.linalg.inv(A[rows].T @ A[rows]) @ A[row]
            return (y[row] - A[row] @ coef) / np.sqrt(noise * (1 + spread))

        expected = [prediction_error(np.setdiff1d(kept, [row]), row) for row in range(21)]
        np.testing.assert_allclose(found.scores, expected, rtol=1e-8)


class TestFalseFlagRate:
    """Clean normal rows are flagged at the stated rate."""

    @staticmethod
    def hard_rates(rng, shape, rate, designs, sets):
        n, p = shape
        shares = []
        for _ in range(designs):
            X = rng.standard_normal((n, p))
            limit = hard_limit(_fitter(X, rng.standard_normal(n), None, True).table, rate, "robust", 0)
            for _ in range(sets):
                fitter = _fitter(X, 7 + X.sum(1) + 3 * rng.standard_normal(n), None, True)
                starts, scale = fitter.start("robust", 0)
                shares.append((~fitter.hard(starts, limit * scale)[1]).mean())
        return np.mean(shares), np.std(shares) / np.sqrt(len(shares))

    @staticmethod
    def soft_rates(rng, shape, rate, designs, sets):
        n, p = shape
        shares = []
        for _ in range(designs):
            X = rng.standard_normal((n, p))
            table = _fitter(X, rng.standard_normal(n), None, True).table
            limit = soft_limit(table, rate, 0)
            for _ in range(sets):
                y = 7 + X.sum(1) + 3 * rng.standard_normal(n)
                scale = proposal_2(table, y[None], scipy.stats.norm.isf(rate / 2))[1][0]
                shares.append(len(ao.outliers.mean_shift(X, y, "soft", limit * scale).flagged) / n)
        return np.mean(shares), np.std(shares) / np.sqrt(len(shares))

    def test_hard(self, rng):
        share, error = self.hard_rates(rng, (40, 2), 0.05, 1, 200)
        assert abs(share - 0.05) <= 4 * error + 0.1 * 0.05  # a tenth: the Monte-Carlo error of the calibration itself

    def test_soft(self, rng):
        share, error = self.soft_rates(rng, (40, 2), 0.05, 1, 100)
        assert abs(share - 0.05) <= 4 * error + 0.1 * 0.05

    def test_the_rate_is_what_cut_asks_for(self, hbk):
        X, y = hbk
        found = ao.outliers.mean_shift(X, y, "soft", cut=0.01)
        assert found.alpha == Search(_fitter(X, y, None, True), "soft", "robust", 0).at_rate(0.01)
        assert "0.01" in found.rule

    @pytest.mark.slow
    @pytest.mark.parametrize("rate", [0.01, 0.05])
    @pytest.mark.parametrize("shape", [(30, 2), (75, 3), (100, 15)], ids=str)
    def test_hard_over_1000_sets(self, rng, shape, rate):
        share, error = self.hard_rates(rng, shape, rate, 20, 50)
        assert abs(share - rate) <= 3 * error + 0.05 * rate

    @pytest.mark.slow
    @pytest.mark.parametrize("rate", [0.01, 0.05])
    @pytest.mark.parametrize("shape", [(30, 2), (75, 3), (200, 10)], ids=str)
    def test_soft_over_1000_sets(self, rng, shape, rate):
        share, error = self.soft_rates(rng, shape, rate, 20, 50)
        assert abs(share - rate) <= 3 * error + 0.05 * rate


class TestPath:
    @pytest.mark.parametrize("threshold", ["soft", "hard"])
    def test_is_made_of_single_fits(self, stackloss, threshold):
        path = ao.outliers.shift_path(*stackloss, threshold)
        assert path.n_flagged[0] == 0 and (np.diff(path.alphas) < 0).all()
        for k in (0, 20, 49):
            single = ao.outliers.mean_shift(*stackloss, threshold, path.alphas[k])
            np.testing.assert_allclose(path.shifts[k], single.shifts, atol=1e-9)
            np.testing.assert_allclose(path.coef[k], single.coef, atol=1e-9)
        frame = path.to_frame()
        assert frame["flagged"][49].to_list() == np.flatnonzero(path.shifts[49]).tolist()
        assert frame["n_flagged"].to_list() == path.n_flagged.tolist()

    def test_bic_is_that_of_least_squares_on_the_kept_rows(self, stackloss):
        X, y = stackloss
        path = ao.outliers.shift_path(X, y, "hard", alphas=[4.0])
        kept = path.shifts[0] == 0
        A = np.column_stack([np.ones(21), X])[kept]
        squares = np.linalg.lstsq(A, y[kept], rcond=None)[1][0]
        assert path.bic[0] == pytest.approx(17 * np.log(squares / 17) + 5 * (np.log(17) + 1))


def test_the_table_and_the_words(stackloss):
    found = ao.outliers.mean_shift(*stackloss, "hard", 4.0)
    frame = found.to_frame()
    assert frame.filter(frame["flagged"])["row"].to_list() == [0, 2, 3, 20]
    np.testing.assert_allclose(frame["fitted"] + frame["residual"], stackloss[1])
    assert "4 of 21 rows flagged: 0, 2, 3, 20" in str(found)
    assert "high leverage" in ao.outliers.mean_shift(*stackloss, "soft", 4.0).caution


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"threshold": "firm"}, "threshold must be 'soft' or 'hard'"),
            ({"start": "warm"}, "start must be 'robust' or 'ols'"),
            ({"cut": 0.7}, "cut must be 'bic' or a false-flag rate"),
            ({"cut": "aic"}, "cut must be 'bic' or a false-flag rate"),
            ({"alpha": 0.0}, "alpha must be a finite number > 0"),
            ({"alpha": np.inf}, "alpha must be a finite number > 0"),
            ({"threshold": "hard", "alpha": 1e-9}, r"alpha=1e-09 flags \d+ of 21 rows, .*raise alpha="),
            ({"threshold": "soft", "alpha": 1e-9}, r"alpha=1e-09 flags \d+ of 21 rows, .*raise alpha="),
        ],
    )
    def test_arguments(self, stackloss, options, message):
        with pytest.raises(ValueError, match=message):
            ao.outliers.mean_shift(*stackloss, **options)

    def test_more_columns_than_rows_names_the_way_out(self, rng):
        with pytest.raises(ValueError, match=r"5 rows are too few .* pass penalty=alpha \* ao.L1\(\)"):
            ao.outliers.mean_shift(rng.standard_normal((5, 8)), np.arange(5.0), "hard")

    @pytest.mark.parametrize("threshold", ["soft", "hard"])
    @pytest.mark.parametrize("cut", ["bic", 0.01])
    def test_no_noise_at_all(self, rng, threshold, cut):
        X = rng.standard_normal((20, 2))
        for y in (np.ones(20), X[:, 0] + 2):
            with pytest.raises(ValueError, match=r"fitted exactly.*pass alpha="):
                ao.outliers.mean_shift(X, y, threshold, cut=cut)
        y[4] += 1
        np.testing.assert_array_equal(ao.outliers.mean_shift(X, y, threshold, 0.5).flagged, [4])

    def test_a_constant_column_changes_nothing(self, stackloss):
        X, y = stackloss
        wide = np.column_stack([X[:, 0], np.full(21, 3.0), X[:, 1:]])
        for threshold in ("soft", "hard"):
            one, other = (ao.outliers.mean_shift(table, y, threshold, cut="bic") for table in (X, wide))
            np.testing.assert_allclose(np.delete(other.coef, 1), one.coef, atol=1e-8)
            np.testing.assert_array_equal(one.flagged, other.flagged)
