"""Paths over alpha: dense to sparse, chosen on validation rows, going on where a killed process stopped."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import alphaomega as ao  # noqa: E402
from alphaomega.networks import FullBatch, Schedule, Training, UnitGroupL1, path, penalize  # noqa: E402

SHORT = Schedule(
    dense=Training(epochs=15, lr=0.02), step=Training(epochs=4, lr=0.01), identify=FullBatch(passes=15), seed=3
)


def data(n=200, p=6):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((n, p))
    return X, np.sin(X[:, 0]) + 0.5 * X[:, 1] ** 2 + 0.2 * rng.standard_normal(n)


def network(p=6):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(p, 8), nn.Tanh(), nn.Linear(8, 1))


def test_path_turns_from_dense_to_sparse_and_finds_the_inputs():
    X, y = data()
    model = network()
    before = [p.clone() for p in model.parameters()]
    penalized = penalize(model, None, per_layer={"0": UnitGroupL1("inputs")})
    result = path(penalized, X, y, n_alphas=8, alpha_min_ratio=0.01, schedule=SHORT)
    assert (np.diff(result.alphas) < 0).all()
    units = [fit.units["0.weight"] for fit in result.fits]
    assert units[-1] == 6 and units[0] <= 2
    assert any(count == 2 for count in units)
    two = next(fit for fit in result.fits if fit.units["0.weight"] == 2)
    assert (two.state["0.weight"].any(0).nonzero().ravel() == torch.tensor([0, 1])).all()
    assert result.best("min").score == result.scores.min()
    assert result.best("1se").alpha >= result.best("min").alpha
    assert result.best("1se").score <= result.best().score + result.best().score_error
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))

    chosen = result.best("1se")
    output = result.model(chosen)(torch.from_numpy(X).float())
    assert output.shape == (200, 1) and not output.isnan().any()
    frame = result.to_frame()
    assert frame.columns[:2] == ["alpha", "score"] and frame["0.weight units"].to_list() == units
    assert len(result.plot().data) == 3
    assert result.at(chosen.alpha) is chosen
    with pytest.raises(ValueError, match="not on this path's grid"):
        result.at(123.0)
    with pytest.raises(ValueError, match="must be 'min' or '1se'"):
        result.best("best")


def test_path_of_a_linear_network_agrees_with_the_exact_one():
    X, y = data()
    alphas = [0.02, 0.1]
    schedule = Schedule(
        dense=Training(epochs=30, lr=0.05), step=Training(epochs=5, lr=0.01), identify=FullBatch(300, 1e-8)
    )
    held = (X[150:], y[150:])
    result = path(nn.Linear(6, 1).double(), X[:150], y[:150], alphas=alphas, validation=held, schedule=schedule)
    exact = ao.path(X[:150], y[:150], alphas=alphas)
    for fit, coef, intercept in zip(result.fits, exact.coef, exact.intercept):
        np.testing.assert_allclose(fit.state["weight"][0].numpy(), coef, atol=1e-5)
        assert fit.score == pytest.approx(np.mean((y[150:] - X[150:] @ coef - intercept) ** 2), rel=1e-4)
        assert fit.train_score == pytest.approx(np.mean((y[:150] - X[:150] @ coef - intercept) ** 2), rel=1e-4)
        np.testing.assert_allclose(result.predict(X, fit.alpha), exact.predict(X, fit.alpha), atol=1e-4)


def test_predictions_are_in_the_units_of_the_target():
    X, y = data(60)
    quick = Schedule(dense=Training(epochs=2), step=Training(epochs=1), identify=None)
    labels = np.digitize(y, [0.0, 1.0])
    result = path(nn.Linear(6, 3), X, labels, "multinomial", alphas=[0.01], schedule=quick)
    assert result.decision(X, 0.01).shape == (60, 3)
    assert set(result.predict(X, 0.01)) <= {0, 1, 2}
    counts = path(nn.Linear(6, 1), X, labels, "poisson", alphas=[0.01], schedule=quick)
    np.testing.assert_allclose(counts.predict(X, 0.01), np.exp(counts.decision(X, 0.01)))


def test_patience_stops_early_and_keeps_the_best_epoch():
    X, y = data(60)
    y = y[::-1]  # a view, backwards; nothing to learn: every epoch more fits noise
    wild = Training(epochs=300, lr=0.05, schedule="constant")

    def score(patience):
        plan = Schedule(dense=wild, identify=None, patience=patience)
        start = time.perf_counter()
        result = path(network(), X, y, alphas=[0.0], schedule=plan)
        return result.fits[0].score, time.perf_counter() - start

    (early, short), (late, long) = score(10), score(None)
    assert early < late and short < long


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from test_paths import train_whole
train_whole({folder!r})
"""


def train_whole(folder):
    X, y = data()
    model = nn.Sequential(network(), nn.Dropout(0.1))
    return path(model, X, y, n_alphas=4, schedule=SHORT, checkpoint=folder)


def test_a_killed_path_goes_on_where_it_stopped(tmp_path):
    code = SCRIPT.format(tests=os.path.dirname(__file__), folder=str(tmp_path / "killed"))
    killed = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "1"})
    second = tmp_path / "killed" / "alpha-0001.pt"
    limit = time.monotonic() + 120
    while not second.exists() and killed.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL and second.exists()
    assert not (tmp_path / "killed" / "alpha-0003.pt").exists()
    kept = second.stat().st_mtime_ns
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole, resumed = train_whole(tmp_path / "whole"), train_whole(tmp_path / "killed")
    finally:
        torch.set_num_threads(threads)
    assert second.stat().st_mtime_ns == kept  # read, not trained again
    for a, b in zip(whole.fits, resumed.fits, strict=True):
        assert all(torch.equal(a.state[name], b.state[name]) for name in a.state)


def test_a_path_that_diverges_keeps_the_alphas_it_had_finished(tmp_path):
    X, y = data(60)
    quick = Schedule(dense=Training(epochs=1), step=Training(epochs=1), identify=None)
    breaks = True

    def loss(output, target):
        bad = breaks and (tmp_path / "alpha-0001.pt").exists()
        return (output[:, 0] - target) ** 2 * (torch.nan if bad else 1.0)

    with pytest.raises(ao.networks.Diverged, match="the loss was nan at step 1"):
        path(network(), X, y, loss, alphas=[1e-3, 1e-2, 1e-1], schedule=quick, checkpoint=tmp_path)
    assert sorted(file.name for file in tmp_path.glob("alpha-*")) == ["alpha-0000.pt", "alpha-0001.pt"]
    breaks = False
    done = path(network(), X, y, loss, alphas=[1e-3, 1e-2, 1e-1], schedule=quick, checkpoint=tmp_path)
    whole = path(network(), X, y, loss, alphas=[1e-3, 1e-2, 1e-1], schedule=quick)
    np.testing.assert_array_equal(done.scores, whole.scores)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    X, y = data(60)
    quick = Schedule(dense=Training(epochs=1), step=Training(epochs=1), identify=None)
    path(network(), X, y, alphas=[0.1], schedule=quick, checkpoint=tmp_path)
    path(network(), X, y, alphas=[0.1], schedule=quick, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="belongs to another path: its model is"):
        path(nn.Linear(6, 1), X, y, alphas=[0.1], schedule=quick, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="its alphas is"):
        path(network(), X, y, alphas=[0.2], schedule=quick, checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.ones(3)}, "X has 60 rows but y has 3"),
        ({"X": np.full((60, 6), np.nan)}, r"X holds NaN or infinity at row 0 \(60 in all\)"),
        ({"validation": 1.5}, "validation must be a share"),
        ({"alphas": [-1.0]}, "alphas must be finite and >= 0"),
        ({"alphas": None, "n_alphas": 0}, "n_alphas must be >= 1"),
        ({"alphas": None, "penalty": ao.L2()}, "pass alphas="),
        ({"loss": "mse"}, "unknown loss"),
    ],
)
def test_bad_input_is_named(change, message):
    X, y = data(60)
    arguments = {"X": X, "y": y, "alphas": [0.1]} | change
    with pytest.raises(ValueError, match=message):
        path(network(), **arguments)


@pytest.mark.parametrize("loss", ["squared", "multinomial"])
def test_comparison_puts_penalties_side_by_side(loss):
    X, y = data(160)
    y = y if loss == "squared" else np.digitize(y, np.quantile(y, [0.33, 0.67]))
    quick = Schedule(Training(20, 0.02, 32), Training(4, 0.01, 32), FullBatch(10))
    table = ao.networks.compare(X, y, loss, hidden=(16,), schedule=quick)
    assert table["penalty"].to_list() == ["none", "L2", "L1", "input groups"]
    none, ridge, lasso, groups = table.iter_rows(named=True)
    null = 1.0 if loss == "squared" else 2 * np.log(3)
    assert max(row["test_score"] for row in (none, ridge, lasso, groups)) < 1.3 * null
    assert lasso["test_score"] < 0.8 * null and lasso["n_nonzero"] < none["n_nonzero"]
    assert none["inputs"] == ridge["inputs"] == 6
    with pytest.raises(ValueError, match="test must be a share"):
        ao.networks.compare(X, y, loss, test=1.0)
