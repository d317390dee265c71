"""Identification: a network without hidden layers is the linear model, with the same support and objective."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn, optim  # noqa: E402

import alphaomega as ao  # noqa: E402
from alphaomega.networks import DualAveraging, FullBatch, Support, Training, identify, penalize  # noqa: E402
from alphaomega.networks.training import ArrayBatches, Diverged, sample_loss  # noqa: E402

PENALTIES = {
    "L1": ao.L1(),
    "L2": ao.L2(),
    "elastic net": ao.ElasticNet(0.5),
    "GroupL1": ao.GroupL1([0, 0, 1, 1, 2, 2, 3, 3]),
}
LOSSES = ("squared", "logistic", "multinomial", "poisson")


def problem(loss, n=120, p=8):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, p))
    eta = X[:, 0] - 0.8 * X[:, 1] + 0.4 * X[:, 2] + 0.3
    if loss == "squared":
        return X, eta + 0.5 * rng.standard_normal(n)
    if loss == "poisson":
        return X, rng.poisson(np.exp(0.5 * eta)).astype(float)
    if loss == "logistic":
        return X, (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    return X, np.argmax(np.stack([eta, -eta, X[:, 3]], 1) + rng.gumbel(size=(n, 3)), 1).astype(float)


@pytest.mark.parametrize(("loss", "name"), list(itertools.product(LOSSES, PENALTIES)))
def test_network_without_hidden_layer_is_the_linear_model(loss, name):
    X, y = problem(loss)
    fit = ao.path(X, y, loss=loss, penalty=PENALTIES[name], n_alphas=5, alpha_min_ratio=0.05)
    alpha = float(fit.alphas[2])
    coef, gap = np.atleast_2d(fit.coef[2]), float(fit.gap[2])
    assert gap <= 1e-6

    torch.manual_seed(0)
    inputs, target = torch.from_numpy(X), torch.from_numpy(y)
    model = nn.Linear(8, len(coef)).double()
    per_sample = sample_loss(loss)
    penalized = penalize(model, alpha * PENALTIES[name])
    batches = ArrayBatches(inputs, target, 40, torch.Generator().manual_seed(0))
    Training(epochs=30, lr=0.02).fit(model, batches, per_sample, penalized)
    found = identify(penalized, [(inputs, target)], per_sample, FullBatch(tol=1e-8))

    with torch.no_grad():
        reached = (per_sample(model(inputs), target).mean() + penalized.value()).item()
        got = model.weight.numpy().copy()
        model.weight.copy_(torch.from_numpy(coef))
        model.bias.copy_(torch.from_numpy(np.atleast_1d(fit.intercept[2])))
        exact = (per_sample(model(inputs), target).mean() + penalized.value()).item()
    assert abs(reached - exact) <= 1e-4 * abs(exact)
    assert ((got != 0) == (coef != 0)).all()
    assert found.stationarity.relative <= 1e-5
    assert found.support.n_nonzero == np.count_nonzero(coef)
    if name != "L2":
        assert (coef == 0).any()


def noisy_start():
    X, y = problem("squared")
    inputs, target = torch.from_numpy(X).float(), torch.from_numpy(y).float()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 1))
    penalized = penalize(model, 0.03 * ao.L1())
    batches = ArrayBatches(inputs, target, 8, torch.Generator().manual_seed(0))
    Training(epochs=20, lr=0.02, optimizer=optim.SGD, schedule="constant").fit(
        model, batches, sample_loss("squared"), penalized
    )
    return model, penalized, batches, inputs, target


@pytest.mark.parametrize(
    "phase", [FullBatch(), DualAveraging(passes=200, lr=0.01)], ids=["full batch", "dual averaging"]
)
def test_identification_of_a_deep_network_ends_stationary_and_sparser(phase):
    model, penalized, batches, _, _ = noisy_start()
    before = Support.of(penalized).n_nonzero
    found = identify(penalized, batches, sample_loss("squared"), phase)
    assert found.support.n_nonzero < before
    assert all(layer.slack > 0 for layer in found.stationarity.layers)  # no zero is about to leave
    if isinstance(phase, FullBatch):
        assert found.stationarity.relative < 1e-3
        assert all(b <= a * (1 + 2e-6) for a, b in itertools.pairwise(found.objective))
    assert model.training


def test_debiasing_keeps_zeros_and_lowers_the_loss():
    model, penalized, _, inputs, target = noisy_start()
    whole = [(inputs, target)]
    identify(penalized, whole, sample_loss("squared"))
    shrunken, zeros = sample_loss("squared")(model(inputs), target).mean().item(), model[0].weight == 0
    found = identify(penalized, whole, sample_loss("squared"), debias=Training(epochs=200, lr=0.01))
    assert zeros.any() and (model[0].weight[zeros] == 0).all()
    assert sample_loss("squared")(model(inputs), target).mean().item() < shrunken
    assert Support.of(penalized).n_nonzero == found.support.n_nonzero


def test_a_loss_that_is_not_finite_stops_at_its_step_with_the_last_good_weights():
    X, y = problem("squared")
    y[100] = np.nan
    inputs, target = torch.from_numpy(X), torch.from_numpy(y)
    model = nn.Linear(8, 1).double()
    start = model.weight.detach().clone()
    with pytest.raises(Diverged, match=r"nan at step 3; .* before step 1\. Lower lr"):
        Training(epochs=2, batch_size=40).fit(
            model, ArrayBatches(inputs, target, 40), sample_loss("squared"), penalize(model, ao.L1())
        )
    assert torch.equal(model.weight.detach(), start)
    with pytest.raises(Diverged, match="of the identification"):
        identify(penalize(model, ao.L1()), [(inputs, target)], sample_loss("squared"))
    assert torch.isfinite(model.weight).all()


def test_a_loss_that_turns_bad_later_leaves_the_weights_of_the_epoch_before():
    X, y = problem("squared")
    batches = ArrayBatches(torch.from_numpy(X), torch.from_numpy(y), 40)
    torch.manual_seed(0)
    model, twin = nn.Linear(8, 1).double(), nn.Linear(8, 1).double()
    twin.load_state_dict(model.state_dict())
    one = Training(epochs=1, lr=0.01, schedule="constant")
    one.fit(twin, batches, sample_loss("squared"), penalize(twin, ao.L1()))
    calls = itertools.count(1)

    def loss(output, target):
        return sample_loss("squared")(output, target) * (1.0 if next(calls) < 5 else np.nan)

    with pytest.raises(Diverged, match=r"nan at step 5; .* before step 4\."):
        Training(epochs=3, lr=0.01, schedule="constant").fit(model, batches, loss, penalize(model, ao.L1()))
    assert torch.equal(model.weight, twin.weight) and not torch.equal(model.weight, torch.zeros_like(model.weight))


def test_bad_input_is_named():
    model = nn.Linear(3, 1)
    penalized = penalize(model, ao.L1())
    with pytest.raises(ValueError, match="no batches"):
        identify(penalized, [], sample_loss("squared"))
    with pytest.raises(ValueError, match=r"output has shape \(5, 2\) but the target \(5,\)"):
        sample_loss("squared")(torch.zeros(5, 2), torch.zeros(5))
    with pytest.raises(ValueError, match="unknown loss 'mse'; choose one of squared"):
        sample_loss("mse")
    with pytest.raises(ValueError, match="another model"):
        Support.of(penalized).apply(nn.Sequential(nn.Linear(3, 1)))
    with pytest.raises(ValueError, match="schedule must be one of"):
        Training(schedule="step")


@pytest.mark.slow
@pytest.mark.shared
def test_the_network_needs_the_pixels_that_the_exact_engine_certifies(shared_data):
    """Multinomial group lasso over the pixels of 2,000 MNIST digits; on all 60,000 the two supports are the same."""
    digits = np.load(shared_data("mnist/mnist.npz"))
    X = (digits["x_train"][:2000].reshape(2000, 784) / 255 - 0.1307) / 0.3081
    y, alpha, penalty = digits["y_train"][:2000].astype(int), 1e-3 * 10**0.5, ao.GroupL1(np.arange(784))
    exact = ao.path(X, y, loss="multinomial", penalty=penalty, alphas=[alpha])
    inputs, target = torch.from_numpy(X).float(), torch.from_numpy(y)
    torch.manual_seed(0)
    model = nn.Linear(784, 10)
    penalized, loss = penalize(model, alpha * penalty), sample_loss("multinomial")
    Training(epochs=20).fit(model, ArrayBatches(inputs, target, 128, torch.Generator().manual_seed(0)), loss, penalized)
    found = identify(penalized, [(inputs, target)], loss, FullBatch(2000, 1e-6))
    coef = exact.coef[0]
    eta = torch.from_numpy(X @ coef.T + exact.intercept[0])
    objective = loss(eta, target).mean().item() + alpha * float(penalty.value(coef.T))
    assert exact.gap[0] <= 1e-6
    assert found.objective[-1] == pytest.approx(objective, rel=1e-4)
    assert ((model.weight != 0).any(0).numpy() != coef.any(0)).sum() <= 5
