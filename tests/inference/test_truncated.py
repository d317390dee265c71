"""The truncated normal: against high precision, and against the law that intervals invert p-values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from alphaomega.inference.truncated import TruncatedNormal


def test_high_precision(rng):
    mp = pytest.importorskip("mpmath")
    mp.mp.dps = 60

    def mass(a, b):
        a, b = (-b, -a) if b <= 0 else (a, b)
        return (mp.erfc(a / mp.sqrt(2)) - mp.erfc(b / mp.sqrt(2))) / 2

    for _ in range(400):
        center, width = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 3), 10 ** rng.uniform(-9, 2)
        lower = center - width * rng.uniform()
        value, upper = lower + width * rng.uniform(), lower + width
        lower, upper = (-np.inf, upper) if rng.uniform() < 0.2 else (lower, upper)
        upper = np.inf if rng.uniform() < 0.2 else upper
        law = TruncatedNormal(value, 1.0, lower, upper)
        low, at, high = map(mp.mpf, (lower, value, upper))
        for share, expected in ((law.below(0.0), mass(low, at)), (law.above(0.0), mass(at, high))):
            expected = expected / mass(low, high)
            if expected > mp.mpf("1e-280"):
                assert float(abs(share / expected - 1)) < 1e-8


@pytest.mark.parametrize("mean", [-3.0, 0.0, 0.4, 5.0])
def test_scipy(mean):
    law, own = stats.truncnorm((-1 - mean) / 2, (3 - mean) / 2, loc=mean, scale=2.0), TruncatedNormal(0.7, 2.0, -1, 3)
    assert own.below(mean) == pytest.approx(law.cdf(0.7), rel=1e-10)
    assert own.above(mean) == pytest.approx(law.sf(0.7), rel=1e-10)


@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), (1.9, 2.2), (-np.inf, 2.0001), (1.999, np.inf), (-5, 9)])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.999])
def test_interval_inverts_the_p_values(bounds, level):
    law = TruncatedNormal(2.0, 0.7, *bounds)
    lower, upper = law.interval(level)
    assert law.above(lower) == pytest.approx((1 - level) / 2, rel=1e-6)
    assert law.below(upper) == pytest.approx((1 - level) / 2, rel=1e-6)
    assert lower < upper


def test_without_truncation_it_is_the_normal_interval():
    lower, upper = TruncatedNormal(1.0, 2.0, -np.inf, np.inf).interval(0.95)
    assert (lower, upper) == pytest.approx((1 - 2 * stats.norm.ppf(0.975), 1 + 2 * stats.norm.ppf(0.975)))
