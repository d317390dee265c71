"""The prox inside a skorch network, by a callback of a few lines: what a user of skorch has to write."""

import pytest

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")
import numpy as np  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from torch import nn  # noqa: E402

import alphaomega as ao  # noqa: E402


class Penalize(skorch.callbacks.Callback):
    """Put the prox of `penalty` behind every step of the network's own optimizer."""

    def __init__(self, penalty):
        self.penalty = penalty

    def on_train_begin(self, net, **kwargs):
        penalized = ao.networks.penalize(net.module_, self.penalty)
        self.proximal_ = ao.networks.Proximal(net.optimizer_, penalized)

    def on_train_end(self, net, **kwargs):
        self.proximal_.remove()


def network(penalty, **options):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    options = {"module": module, "optimizer": torch.optim.Adam, "lr": 0.02, "max_epochs": 40} | options
    callbacks = [("penalize", Penalize(penalty))]
    return skorch.NeuralNetRegressor(callbacks=callbacks, train_split=None, verbose=0, **options)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 6)).astype(np.float32)
    return X, np.sin(X[:, :1]) + 0.1 * rng.standard_normal((200, 1)).astype(np.float32)


def test_a_skorch_network_gets_exact_zeros(rows):
    net = network(0.1 * ao.networks.UnitGroupL1("inputs")).fit(*rows)
    inputs = net.module_[0].weight.detach().any(0)
    assert inputs.tolist() == [True] + 5 * [False]
    net.partial_fit(*rows)  # a second training makes a prox of its own
    assert net.module_[0].weight.detach().any(0).tolist() == inputs.tolist()


def test_one_neuron_is_the_lasso(rows):
    X, y = rows
    exact = ao.path(X, y[:, 0], penalty=ao.L1(), alphas=[0.2])
    net = network(0.4 * ao.L1(), module=nn.Linear(6, 1), batch_size=-1, max_epochs=400)  # its loss lacks the factor 1/2
    net.fit(X, y)
    np.testing.assert_allclose(net.module_.weight.detach()[0], exact.coef[0], atol=1e-3)
    assert ((net.module_.weight.detach()[0] == 0).numpy() == (exact.coef[0] == 0)).all()


def test_a_grid_search_sets_the_penalty(rows):
    grid = {"callbacks__penalize__penalty": [1e-3 * ao.L1(), 10 * ao.L1()]}
    search = GridSearchCV(network(ao.L1(), max_epochs=20), grid, cv=2).fit(*rows)
    assert search.best_index_ == 0 and search.cv_results_["mean_test_score"][1] < 0.1
