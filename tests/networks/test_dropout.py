"""Iterative dropout of hidden units: what a unit weighs, what is left without it, where the cut falls."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import alphaomega as ao  # noqa: E402
from alphaomega.networks import (  # noqa: E402
    FullBatch,
    NetworkClassifier,
    NetworkRegressor,
    Schedule,
    Training,
    compact,
)
from alphaomega.networks.hidden_units import strengths, without  # noqa: E402

QUICK = Schedule(Training(epochs=40, lr=0.02, batch_size=64), Training(epochs=8, lr=0.01, batch_size=64), FullBatch(5))


@pytest.fixture
def two_layers():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    return module, torch.randn(60, 3, dtype=torch.float64)


def test_a_unit_weighs_its_spread_times_the_weights_that_read_it(two_layers):
    """By hand; and scaling a ReLU unit against its readers, which changes no output, changes no strength."""
    module, inputs = two_layers
    found = strengths(module, inputs)
    hidden = torch.relu(module[0](inputs)).detach().numpy()
    by_hand = hidden.std(0) * np.linalg.norm(module[2].weight.detach().numpy(), axis=0)
    assert found.shape == (9,)
    np.testing.assert_allclose(found[:5], by_hand)
    with torch.no_grad():
        module[0].weight[1] *= 7
        module[0].bias[1] *= 7
        module[2].weight[:, 1] /= 7
    np.testing.assert_allclose(strengths(module, inputs), found)


def test_units_of_no_strength_leave_without_a_trace(two_layers):
    """Constant units and units that nobody reads: the outputs stay, and it is what `compact` finds."""
    module, inputs = two_layers
    with torch.no_grad():
        module[0].weight[[0, 3]] = 0.0
        module[4].weight[:, 2] = 0.0
    weak = strengths(module, inputs) < 1e-12
    assert np.flatnonzero(weak).tolist() == [0, 3, 7]
    small = without(module, inputs, [np.array([1, 2, 4]), np.array([0, 1, 3])])
    torch.testing.assert_close(small(inputs), module(inputs), rtol=1e-10, atol=1e-10)
    twin = compact(module, inputs)
    assert [layer.weight.shape for layer in small[::2]] == [layer.weight.shape for layer in twin[::2]]


def test_a_unit_that_goes_leaves_its_mean(two_layers):
    """The mean of what the next layer reads stays, whatever goes."""
    module, inputs = two_layers
    small = without(module, inputs, [np.array([2]), np.arange(4)])
    read = [net[:3](inputs).mean(0) for net in (module, small)]
    torch.testing.assert_close(*read)


def test_the_cut_falls_where_the_truth_bends():
    """|x0| takes two ReLU units: the error is flat down to a few, and jumps at one."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((240, 3))
    y = 2 * abs(X[:, 0]) + 0.2 * rng.standard_normal(240)
    network = NetworkRegressor((6,), ao.L2(), alpha=1e-4, schedule=QUICK)
    found = ao.IterativeDropout(network, drop="units", folds=2).fit(X, y)
    assert found.sizes_.tolist() == [6, 5, 4, 3, 2, 1]
    assert 2 <= found.n_left_ < 6
    assert found.errors_.mean(0)[-1] > 4 * found.errors_.mean(0).min()
    assert found.estimator_.module_[0].out_features == found.n_left_ == found.kept_units_.sum()
    assert sorted(found.sequence_.tolist()) == list(range(6))
    assert found.one_shot_.name == "group L1 by unit" and 0 < len(found.one_shot_.left) <= 6
    assert found.costs()["cut"].to_list() == ["iterative dropout", "group L1 by unit"]
    assert found.support_.all() and found.kept_rows_.all() and found.transform(X).shape == X.shape
    assert "units stay" in found.choice_ and found.estimator_.score(X, y) > 0.9
    assert "units left" in found.plot().layout.xaxis.title.text


def test_every_layer_keeps_a_unit():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((80, 3))
    quick = Schedule(Training(epochs=3, batch_size=64), Training(epochs=1, batch_size=64), None)
    network = NetworkClassifier((3, 2), ao.L2(), alpha=1e-3, schedule=quick)
    found = ao.IterativeDropout(network, drop="units", folds=2, rule="min").fit(X, np.where(X[:, 0] > 0, "a", "b"))
    assert found.sizes_.tolist() == [5, 4, 3, 2]
    assert min(found.estimator_.hidden) >= 1 and sum(found.estimator_.hidden) == found.n_left_
    with pytest.raises(ValueError, match="floor must lie between 2 and the 5 units"):
        ao.IterativeDropout(network, drop="units", floor=1).fit(X, X[:, 0] > 0)
    with pytest.raises(ValueError, match=r"hidden=\(\) leaves no units to drop"):
        ao.IterativeDropout(NetworkRegressor(()), drop="units").fit(X, X[:, 0])
