"""Intervals cover as often as they say, and ranks of the truth are uniform: see calibration.py for each case.

The default sizes are small and their bands are those of the Monte-Carlo error; the slow ones take 1,000 data sets each.
"""

from __future__ import annotations

import pytest

from calibration import COVERAGE, UNIFORM, coverage, uniform_p

EXACT = {"ols": 200, "polyhedral": 200, "gaussian": 200, "laplace": 15, "laplace, learnt": 15}
ASYMPTOTIC = {"robust": 200, "logistic": 100, "poisson": 100, "polyhedral, noise estimated": 200, "debiased": 20}
CONSERVATIVE = ("ridge, bound known", "ridge, bound estimated")  # wide enough for the worst bias, met or not
NOT_VALID = ("naive after selection", "gaussian, evidence", "ridge as if unbiased")


@pytest.mark.parametrize("case", EXACT)
def test_exact_intervals(case):
    found = coverage(COVERAGE[case], EXACT[case])
    assert abs(found.share - 0.9) < 3.5 * found.error, f"{case} covers {found}"


@pytest.mark.parametrize("case", ASYMPTOTIC)
def test_asymptotic_intervals(case):
    found = coverage(COVERAGE[case], ASYMPTOTIC[case])
    assert abs(found.share - 0.9) < 0.03 + 3 * found.error, f"{case} covers {found}"


@pytest.mark.parametrize("case", ["null p, polyhedral", "null p, least angle", "ranks, gaussian"])
def test_uniform(case):
    assert min(uniform_p(UNIFORM[case], 200)) > 1e-3


@pytest.mark.parametrize("case", CONSERVATIVE)
def test_intervals_for_the_worst_case(case):
    found = coverage(COVERAGE[case], 150)
    assert found.share > 0.9 - 3 * found.error, f"{case} covers {found}"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", [case for case in COVERAGE if case not in NOT_VALID + CONSERVATIVE])
def test_coverage(case):
    found = coverage(COVERAGE[case], 1000)
    assert 0.87 <= found.share <= 0.93, f"{case} covers {found}"


@pytest.mark.slow
@pytest.mark.parametrize("case", NOT_VALID)
def test_what_does_not_hold_is_seen_not_to(case):
    """Least squares after selection, and intervals that take an estimated prior for the true one, cover too rarely."""
    assert coverage(COVERAGE[case], 1000).share < 0.87


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", UNIFORM)
def test_ranks(case):
    assert min(uniform_p(UNIFORM[case], 1000)) > 1e-3
