"""X on disk, on a cluster or in PyTorch: every design gives the dense answer, with its certificate and its reads."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import alphaomega as ao
from alphaomega import designs
from alphaomega.designs import REGISTRY
from alphaomega.penalties import Penalty
from problems import LOSSES, PENALTIES, problem

ELSEWHERE = [name for name in REGISTRY if not name.startswith(("dense", "sparse", "standardized"))]
#: Solved by conjugate gradients until the gap is rounding, 1e-14, which leaves 1e-7 in the coefficients; how many
#: products that takes, rounding decides too: those are compared further off.
BY_PRODUCTS = {("multinomial", "L2"), ("multinomial", "ridge weights")}
EXACT = [name for name, make in PENALTIES.items() if make(8).terms((8,)) is not None]


@cache
def design(name: str, case: str) -> designs.Design:
    """The problem's X as this kind of design, made once."""
    return REGISTRY[name](problem(case).dense)


@cache
def dense(case: str, loss: str, penalty: str) -> ao.Path:
    """The dense answer."""
    data = problem(case)
    return ao.path(
        designs.Dense(data.dense), data.y(loss), loss, made(penalty, case), **data.sample, **fit(loss, penalty)
    )


def fit(loss: str, penalty: str) -> dict:
    return {"n_alphas": 6, "tol": 1e-10 if (loss, penalty) in BY_PRODUCTS else 1e-7}


def made(penalty: str, case: str) -> Penalty:
    return PENALTIES[penalty](problem(case).X.shape[1])


def identified(coef: np.ndarray) -> np.ndarray:
    """Coefficients; those of classes about their mean, which nothing fixes where a column is not penalised."""
    return coef - coef.mean(1, keepdims=True) if coef.ndim == 3 else coef


def check(X, case: str, loss: str, penalty: str) -> None:
    data, expected = problem(case), dense(case, loss, penalty)
    found = ao.path(X, data.y(loss), loss, made(penalty, case), **data.sample, **fit(loss, penalty))
    size = (1e-7 if (loss, penalty) in BY_PRODUCTS else 1e-8) * max(1.0, float(abs(expected.coef).max()))
    np.testing.assert_allclose(found.alphas, expected.alphas, rtol=1e-10)
    np.testing.assert_allclose(identified(found.coef), identified(expected.coef), rtol=0, atol=size)
    np.testing.assert_allclose(found.intercept, expected.intercept, rtol=0, atol=size)
    assert (found.gap <= fit(loss, penalty)["tol"]).all()
    if (loss, penalty) not in BY_PRODUCTS:
        assert found.reads == pytest.approx(expected.reads)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ELSEWHERE)
def test_every_design_gives_the_dense_path_under_every_penalty(name, loss):
    for penalty in EXACT:
        check(design(name, "tall"), "tall", loss, penalty)


@pytest.mark.parametrize(("number", "loss"), list(enumerate(LOSSES)))
@pytest.mark.parametrize("name", ELSEWHERE)
def test_every_design_gives_the_dense_path(name, number, loss):
    """Every loss, and over the designs every penalty; all pairs are among the slow tests."""
    first = number + ELSEWHERE.index(name)
    for penalty in EXACT[first % len(EXACT) :: 5]:
        check(design(name, "tall"), "tall", loss, penalty)


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("case", ["wide", "weights, some zero", "offset", "means far from zero", "constant columns"])
def test_every_design_gives_the_dense_path_on_hard_data(name, case):
    for loss in ("squared", "logistic"):
        check(design(name, case), case, loss, "elastic net")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_conjugate_gradients_read_as_often_as_on_dense_data(name):
    y = problem("tall").y("multinomial")
    one, other = (
        ao.path(X, y, "multinomial", ao.L2(), n_alphas=6, tol=1e-2)
        for X in (design(name, "tall"), designs.Dense(problem("tall").dense))
    )
    assert one.reads == pytest.approx(other.reads, rel=0.02)
