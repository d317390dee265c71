"""Bias and variance: the parts sum to the total, ridge's closed form holds, real data name their parts honestly."""

from __future__ import annotations

import time

import numpy as np
import pytest

import alphaomega as ao
from alphaomega.arguments import read_data
from alphaomega.diagnostics import REGISTRY
from alphaomega.model_selection import resampling
from problems import problem

PENALTIES = {"L1": ao.L1(), "L2": ao.L2(), "elastic net": ao.ElasticNet(0.5)}
SMALL = {"n_alphas": 8, "n_resamples": 40, "n_rows": 60, "n_test": 80}


@pytest.mark.parametrize("design", ["random", "fixed"])
@pytest.mark.parametrize(
    "name, penalty",
    [*((name, "L1") for name in REGISTRY), ("sparse", "L2"), ("correlated", "elastic net"), ("two classes", "L2")],
)
def test_the_parts_sum_to_the_total_at_every_alpha(name, penalty, design):
    """The total is measured on targets that the parts never see, so this can fail."""
    process = REGISTRY[name]()
    found = ao.bias_variance(process, penalty=PENALTIES[penalty], design=design, **SMALL)
    total = found.bias + found.variance + found.noise
    assert (abs(total - found.total) <= 4 * found.standard_error + 1e-12).all()
    assert (found.variance >= -1e-9).all()
    assert (found.bias_noise == found.bias + found.noise).all()
    weak = found.bias[-1] + 3 * found.standard_error.max()
    assert found.bias[0] > 0
    assert weak > -1e-9
    assert found.variance[-1] > found.variance[0]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("n_rows, p", [(40, 8), (20, 50)])
def test_ridge_has_its_closed_form(n_rows, p, standardize):
    process = ao.diagnostics.dense_equal(p, snr=2.0)
    alphas = [10.0, 1.0, 0.1, 0.01]
    found = ao.bias_variance(
        process, penalty=ao.L2(), alphas=alphas, design="fixed", n_rows=n_rows, n_test=30, seed=3,
        standardize=standardize,
    )  # fmt: skip
    rng = np.random.default_rng(3)
    new, X = process.rows(30, rng), process.rows(n_rows, rng)
    scale = X.std(0) if standardize else np.ones(p)
    center = X.mean(0)
    Z, T = (X - center) / scale, (new - center) / scale
    for k, alpha in enumerate(alphas):
        hat = T @ np.linalg.solve(Z.T @ Z + n_rows * alpha * np.eye(p), Z.T) + 1 / n_rows
        bias = np.mean((hat @ process.mean(X) - process.mean(new)) ** 2)
        variance = process.noise_variance * np.mean((hat**2).sum(1))
        assert found.bias[k] == pytest.approx(bias, abs=1e-8 * process.noise_variance)
        assert found.variance[k] == pytest.approx(variance, abs=1e-8 * process.noise_variance)
    assert found.kind == "exact"
    assert (found.standard_error == 0).all()


def test_simulation_agrees_with_the_closed_form():
    process = ao.diagnostics.correlated(8, 3)
    options = {"alphas": [1.0, 0.1, 0.01], "design": "fixed", "n_rows": 50, "n_test": 60}
    exact = ao.bias_variance(process, penalty=ao.L2(), **options)
    almost = ao.L2() + 1e-12 * ao.L1()  # no longer linear in y by its terms
    drawn = ao.bias_variance(process, penalty=almost, n_resamples=400, **options)
    assert (exact.kind, drawn.kind) == ("exact", "simulated")
    assert drawn.variance == pytest.approx(exact.variance, rel=0.15)
    assert drawn.bias == pytest.approx(exact.bias, rel=0.25, abs=0.02 * exact.noise[0])


def test_rows_of_real_data_are_predicted_by_the_fits_that_left_them_out():
    case = problem("tall")
    y = case.y("squared")
    found = ao.bias_variance(case.X, y, n_alphas=6, n_resamples=30, seed=2)
    data = read_data(case.X, y, "squared", None, None)
    drawn = resampling.draw(data, "bootstrap", 30, 2).weights
    eta = np.empty((30, 6, 80))
    for number, weights in enumerate(drawn):
        fit = ao.path(case.X, y, weights=weights, alphas=found.alphas, tol=1e-10)
        eta[number] = fit.coef @ case.X.T + fit.intercept[:, None]
    variance, both, rows = np.zeros(6), np.zeros(6), 0
    for row in range(80):
        out = drawn[:, row] == 0
        if out.sum() >= 2:
            rows += 1
            variance += eta[out, :, row].var(0, ddof=1)
            both += (eta[out, :, row].mean(0) - y[row]) ** 2 - eta[out, :, row].var(0, ddof=1) / out.sum()
    assert found.variance == pytest.approx(variance / rows, rel=1e-2, abs=1e-4)
    assert found.bias_noise == pytest.approx(both / rows, rel=1e-2)
    assert np.isnan(found.bias).all()
    assert list(found.parts) == ["bias and noise", "variance"]
    assert found.total == pytest.approx(found.bias_noise + found.variance)


def test_noise_that_is_known_tells_bias_apart():
    case = problem("tall")
    found = ao.bias_variance(case.X, case.y("squared"), n_alphas=5, n_resamples=20, noise_variance=0.49)
    assert found.bias == pytest.approx(found.bias_noise - 0.49)
    assert list(found.parts) == ["bias²", "variance", "noise"]


@pytest.mark.parametrize("error", ["loss", "0-1"])
@pytest.mark.parametrize("loss", ["logistic", "multinomial"])
def test_classes_of_real_data(loss, error):
    case = problem("tall")
    y = np.digitize(case.signal, np.quantile(case.signal, [0.5] if loss == "logistic" else [0.3, 0.7]))
    found = ao.bias_variance(case.X, y, loss, n_alphas=6, n_resamples=25, error=error, standardize=True)
    assert found.total == pytest.approx(found.bias_noise + found.variance)
    assert found.error == ("misclassified" if error == "0-1" else "mean deviance")
    if error == "0-1":
        assert ((found.total >= 0) & (found.total <= 1)).all()
    assert found.total[found.index_min] < found.total[0]


def test_zero_one_loss_of_a_process_splits_as_domingos_does():
    process = ao.diagnostics.sparse(6, 2, family="binomial")
    found = ao.bias_variance(process, error="0-1", **SMALL)
    parts = found.bias + found.variance + found.noise
    assert (abs(parts - found.total) <= 4 * found.standard_error + 1e-12).all()


def test_a_sparse_truth_is_met_by_l1_and_a_dense_one_by_l2():
    options = {"n_resamples": 40, "n_rows": 60, "n_alphas": 40, "standardize": True}
    errors = {}
    for truth in (ao.diagnostics.sparse(60, 4), ao.diagnostics.dense_equal(60)):
        for name in ("L1", "L2"):
            found = ao.bias_variance(truth, penalty=PENALTIES[name], **options)
            errors[truth.name, name] = found.total.min()
    assert errors["sparse", "L1"] < 0.8 * errors["sparse", "L2"]
    assert errors["dense, equal", "L2"] < errors["dense, equal", "L1"]


@pytest.mark.slow
def test_a_hundred_alphas_and_two_hundred_resamples_take_seconds():
    frame = ao.datasets.load("diabetes").frame
    start = time.perf_counter()
    found = ao.bias_variance(frame.drop("progression"), frame["progression"], standardize=True)
    seconds = time.perf_counter() - start
    assert found.to_frame().shape == (100, 7)
    assert seconds < 30  # about five on two free cores


@pytest.mark.parametrize("name", REGISTRY)
def test_processes_are_what_they_say(name):
    process = REGISTRY[name]()
    rng = np.random.default_rng(0)
    X = process.rows(20_000, rng)
    y, mean = process.target(X, rng), process.mean(X)
    residual = y - mean
    assert abs(residual.mean()) < 5 * residual.std() / np.sqrt(20_000)
    assert X.var(0) == pytest.approx(1.0, abs=0.06)
    if process.family == "gaussian":
        assert residual.var() == pytest.approx(process.noise_variance, rel=0.1)
        if not process.outliers:
            assert mean.var() / process.noise_variance == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"error": "absolute"}, "error must be one of 'loss', '0-1'"),
        ({"design": "latin"}, "design must be one of"),
        ({"n_resamples": 1}, "n_resamples must be at least 2"),
        ({"loss": "huber"}, "no parts that sum to it"),
        ({"error": "0-1"}, "needs classes"),
        ({"loss": "logistic"}, "is of the gaussian family"),
    ],
)
def test_bad_requests_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ao.bias_variance(ao.diagnostics.sparse(4, 2), **arguments)


def test_bad_data_are_named():
    case = problem("tall")
    with pytest.raises(ValueError, match="y is missing; pass bias_variance"):
        ao.bias_variance(case.X)
    with pytest.raises(ValueError, match="noise_variance must be a finite number > 0"):
        ao.bias_variance(case.X, case.y("squared"), noise_variance=-1.0)
    for make, message in (
        (lambda: ao.diagnostics.sparse(snr=0), "snr must be > 0"),
        (lambda: ao.diagnostics.correlated(correlation=1), "correlation must lie between"),
        (lambda: ao.diagnostics.contaminated(share=1), "share must lie in"),
        (lambda: ao.diagnostics.nonlinear(p=3), "p must be at least k"),
        (lambda: ao.diagnostics.sparse(family="gamma"), "family must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
