"""The proximal step: every optimizer rests at the solution of the penalised problem, and the naive forms do not."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn, optim  # noqa: E402

import alphaomega as ao  # noqa: E402
from alphaomega.networks import MaxNorm, Proximal, UnitGroupL1, penalize  # noqa: E402

CURVATURE = torch.tensor([[10.0, 1.0, 0.01]], dtype=torch.float64)
SOLUTION = [0.95, 0.5, 0.0]  # of curvature/2 (w - 1)^2 + 0.5 |w|
OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, 0.02),
    "momentum": lambda p: optim.SGD(p, 0.01, momentum=0.9),
    "dampening": lambda p: optim.SGD(p, 0.01, momentum=0.9, dampening=0.5),
    "nesterov": lambda p: optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, 0.01),
    "amsgrad": lambda p: optim.Adam(p, 0.01, amsgrad=True),
    "adam foreach": lambda p: optim.Adam(p, 0.01, foreach=True),
    "adam fused": lambda p: optim.Adam(p, 0.01, fused=True),
    "adam tensor lr": lambda p: optim.Adam(p, torch.tensor(0.01), foreach=False),
    "adamw": lambda p: optim.AdamW(p, 0.01, weight_decay=0.0),
    "rmsprop": lambda p: optim.RMSprop(p, 0.01),
    "rmsprop momentum": lambda p: optim.RMSprop(p, 0.002, momentum=0.9),
    "adagrad": lambda p: optim.Adagrad(p, 0.3, lr_decay=1e-4),
    "nadam": lambda p: optim.NAdam(p, 0.01),
    "radam": lambda p: optim.RAdam(p, 0.02),
}


def slowly(name):
    """A case of the long run: every optimizer meets L1 in the short one, where the metrics are told apart."""
    return pytest.param(name, marks=pytest.mark.slow)


def descend(optimizer_of, penalty, metric="optimizer", steps=1200, curvature=CURVATURE, goal=1.0, after=None):
    """The weights of min curvature/2 (w - goal)^2 + penalty after training from 0.7."""
    rows, columns = curvature.shape
    model = nn.Linear(columns, rows, bias=False).double()
    nn.init.constant_(model.weight, 0.7)
    optimizer = optimizer_of(model.parameters())
    proximal = optimizer if penalty is None else Proximal(optimizer, penalize(model, penalty), metric)
    for _ in range(steps):
        proximal.zero_grad()
        (0.5 * curvature * (model.weight - goal) ** 2).sum().backward()
        proximal.step()
        if after is not None:
            after(model.weight.data)
    return model.weight.detach().numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_l1_fixed_point(name):
    w = descend(OPTIMIZERS[name], 0.5 * ao.L1())[0]
    np.testing.assert_allclose(w, SOLUTION, atol=1e-4)
    assert w[2] == 0


def test_curvatures_over_four_decades():
    """Exact zeros where a threshold that ignores the metric leaves (1, 1, 1)."""
    w = descend(OPTIMIZERS["adam"], 0.5 * ao.L1(), curvature=torch.tensor([[100.0, 1.0, 0.01]]).double(), steps=2500)[0]
    np.testing.assert_allclose(w, [0.995, 0.5, 0.0], atol=1e-4)
    assert w[2] == 0


def test_decoupled_is_exact_where_the_metric_is_plain():
    w = descend(OPTIMIZERS["sgd"], 0.5 * ao.L1(), metric="decoupled")[0]
    np.testing.assert_allclose(w, SOLUTION, atol=1e-4)
    assert w[2] == 0


@pytest.mark.parametrize("name", ["momentum", "adam", "rmsprop", *(slowly(n) for n in ("adagrad", "nadam", "radam"))])
@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (0.5 * ao.L2(), [10 / 10.5, 1 / 1.5, None]),
        (ao.ElasticNet(0.5), [9.5 / 10.5, 0.5 / 1.5, 0.0]),
        (ao.Bounded(0.5 * ao.L1(), upper=0.4), [0.4, 0.4, 0.0]),
        (ao.Bounded(0.0 * ao.L1(), -0.2, 0.3), [0.3, 0.3, None]),
    ],
    ids=["L2", "elastic net", "bounded L1", "box"],
)
def test_other_fixed_points(name, penalty, expected):
    w = descend(OPTIMIZERS[name], penalty, steps=1500)[0]
    for got, wanted in zip(w, expected):
        assert wanted is None or got == pytest.approx(
            wanted, abs=1e-4
        )  # None: too flat to arrive in the time of a test
    assert expected[2] is None or w[2] == 0


ROWS = torch.tensor([[4.0, 1.0, 2.0], [1.0, 3.0, 1.0]], dtype=torch.float64)
GOAL = torch.tensor([[1.0, -1.0, 0.5], [0.1, 0.1, -0.1]], dtype=torch.float64)


def exact(penalty):
    """min ROWS/2 (w - GOAL)^2 + penalty(w) by plain proximal gradient, independent of any optimizer."""
    w = np.zeros(GOAL.shape)
    for _ in range(5000):
        w = penalty.prox(w - 0.1 * ROWS.numpy() * (w - GOAL.numpy()), 0.1)
    return w


@pytest.mark.parametrize(
    "name", ["nesterov", "adam", "adagrad", *(slowly(n) for n in ("adam fused", "rmsprop", "nadam", "radam"))]
)
def test_group_and_ball_fixed_points_by_neuron(name):
    for penalty in (
        0.5 * UnitGroupL1("neurons", weights=1.0),
        MaxNorm(0.12),
        0.05 * ao.L1() + 0.3 * UnitGroupL1("neurons", weights=1.0),
    ):
        w = descend(OPTIMIZERS[name], penalty, curvature=ROWS, goal=GOAL, steps=1500)
        expected = exact(penalty)
        np.testing.assert_allclose(w, expected, atol=1e-4)
        assert ((w == 0) == (expected == 0)).all()


@pytest.mark.parametrize("name", ["nesterov", "adam", "rmsprop"])
def test_group_fixed_point_by_input_is_that_of_the_linear_penalty(name):
    penalty = 0.6 * ao.GroupL1([0, 1, 2])
    w = descend(OPTIMIZERS[name], penalty, curvature=ROWS, goal=GOAL, steps=800)
    curvature, goal, expected = ROWS.numpy().T, GOAL.numpy().T, np.zeros((3, 2))
    for _ in range(5000):
        expected = penalty.prox(expected - 0.1 * curvature * (expected - goal), 0.1)
    np.testing.assert_allclose(w.T, expected, atol=1e-4)


def test_naive_forms_miss_the_solution():
    soft = lambda t: lambda w: w.sub_(w.clip(-t, t))  # noqa: E731
    momentum = descend(OPTIMIZERS["momentum"], None, after=soft(0.01 * 0.5))[0]
    np.testing.assert_allclose(
        momentum[1], 0.95, atol=1e-4
    )  # threshold lr * alpha under momentum 0.9: a tenth of the penalty
    unscaled = descend(
        OPTIMIZERS["adam"], 0.5 * ao.L1(), metric="decoupled", curvature=torch.tensor([[100.0, 1.0, 0.01]]).double()
    )[0]
    assert unscaled[2] > 0.5 and unscaled[1] > 0.9  # exact: .995, .5, 0

    def l1_in_the_loss():
        w = torch.full((3,), 0.7, dtype=torch.float64, requires_grad=True)
        optimizer = optim.Adam([w], 0.01)
        for _ in range(1500):
            optimizer.zero_grad()
            ((0.5 * CURVATURE[0] * (w - 1) ** 2).sum() + 0.5 * w.abs().sum()).backward()
            optimizer.step()
        return w.detach()

    assert (l1_in_the_loss() != 0).all()


def test_decoupled_takes_the_plain_learning_rate():
    for make in (OPTIMIZERS["adam"], OPTIMIZERS["momentum"], lambda p: optim.Muon(p, 0.01)):
        model = nn.Linear(3, 2, bias=False).double()
        twin = copy.deepcopy(model)
        optimizer, plain = make(model.parameters()), make(twin.parameters())
        Proximal(optimizer, penalize(model, 3.0 * ao.L1()), metric="decoupled")
        for net, stepper in ((model, optimizer), (twin, plain)):
            (net.weight**2).sum().backward()
            stepper.step()
        expected = twin.weight.detach() - twin.weight.detach().clip(-0.03, 0.03)
        torch.testing.assert_close(model.weight.detach(), expected)


def layer(dtype, rows=37, columns=53):
    torch.manual_seed(1)
    model = nn.Linear(columns, rows).to(dtype)
    optimizer = optim.Adam(model.parameters(), 0.05)
    sizes = torch.logspace(-3, 1, columns, dtype=dtype) * torch.linspace(0.1, 2, rows, dtype=dtype)[:, None]
    model.weight.grad = torch.randn(rows, columns, dtype=dtype) * sizes
    model.bias.grad = torch.zeros(rows, dtype=dtype)
    return model, optimizer


PENALTIES = {
    "L1": ao.L1(),
    "elastic net": ao.ElasticNet(0.3),
    "L2": ao.L2(),
    "neurons": 2.0 * UnitGroupL1("neurons"),
    "inputs": 0.1 * UnitGroupL1("inputs"),
    "sparse inputs": 0.2 * ao.L1() + 0.3 * ao.L2() + 0.05 * UnitGroupL1("inputs"),
    "sparse neurons": 0.2 * ao.L1() + 0.3 * ao.L2() + 0.05 * UnitGroupL1("neurons"),
    "weighted inputs": ao.GroupL1(np.arange(53), np.linspace(0, 2, 53)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", PENALTIES)
def test_compiled_steps_equal_the_penalty_s_own_prox(name, dtype):
    model, optimizer = layer(dtype)
    penalized = penalize(model, PENALTIES[name])
    entry = penalized.penalized[0]
    twin = copy.deepcopy(model)
    plain = optim.Adam(twin.parameters(), 0.05)
    twin.weight.grad, twin.bias.grad = model.weight.grad.clone(), model.bias.grad.clone()
    Proximal(optimizer, penalized)
    optimizer.step()
    plain.step()
    moment = plain.state[twin.weight]["exp_avg_sq"].double()
    step = 0.05 / ((moment / (1 - 0.999)).sqrt() + 1e-8)
    expected = entry.penalty.prox(entry.read(twin.weight.detach().double()), entry.read(step))
    got = entry.read(model.weight.detach()).double()
    tolerance = 2e-6 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(got, expected, rtol=tolerance * 10, atol=tolerance)
    assert ((got == 0) == (expected == 0)).all()
    if name != "L2":
        assert 0 < int((got == 0).sum()) < got.numel()


def test_nan_weights_stay_nan_under_every_penalty():
    for penalty in PENALTIES.values():
        model, optimizer = layer(torch.float32)
        Proximal(optimizer, penalize(model, penalty))
        model.weight.grad[3, 5] = float("nan")
        optimizer.step()
        assert model.weight[3, 5].isnan()


def test_several_threads_give_the_same_weights():
    def run(threads):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            model, optimizer = layer(torch.float32, 700, 900)
            Proximal(optimizer, penalize(model, 0.02 * ao.L1() + 0.001 * UnitGroupL1("inputs")))
            optimizer.step()
            return model.weight.detach().clone()
        finally:
            torch.set_num_threads(before)

    torch.testing.assert_close(run(1), run(3), rtol=1e-6, atol=0)


def test_convolutions_and_low_precision_take_the_general_road():
    torch.manual_seed(0)
    for module in (
        nn.Conv2d(3, 4, 3),
        nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last),
        nn.Linear(6, 4).bfloat16(),
    ):
        optimizer = optim.Adam(module.parameters(), 0.01)
        Proximal(optimizer, penalize(module, 1e3 * UnitGroupL1("inputs")))
        for parameter in module.parameters():
            parameter.grad = torch.ones_like(parameter)
        pointer = module.weight.data_ptr()
        optimizer.step()
        assert (module.weight == 0).all() and (module.bias != 0).all() and module.weight.data_ptr() == pointer


def test_schedules_groups_and_missing_gradients_are_followed():
    model = nn.ModuleList([nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)])
    start = [layer.weight.detach().clone() for layer in model]
    optimizer = optim.SGD(
        [
            {"params": model[0].parameters()},
            {"params": model[1].parameters(), "lr": 0.5},
            {"params": model[2].parameters()},
        ],
        0.1,
    )
    proximal = Proximal(optimizer, penalize(model, 0.1 * ao.L1()))
    schedule = optim.lr_scheduler.ExponentialLR(proximal, gamma=0.1)
    model[0].weight.grad, model[1].weight.grad = torch.zeros(2, 2), torch.zeros(2, 2)
    for _ in range(2):
        proximal.step()
        schedule.step()
    for k, threshold in enumerate((0.011, 0.055, 0.0)):
        expected = start[k] - start[k].clip(-threshold, threshold)
        torch.testing.assert_close(model[k].weight.detach(), expected)


@pytest.mark.parametrize(
    ("optimizer_of", "metric", "error", "message"),
    [
        (
            lambda m: optim.Muon([m.weight], 0.1),
            "optimizer",
            TypeError,
            "Muon has no diagonal metric.*metric='decoupled' works",
        ),
        (lambda m: optim.LBFGS(m.parameters()), "decoupled", TypeError, r"penalized.value\(\)"),
        (lambda m: optim.SGD(m.parameters(), 0.1), "euclidean", ValueError, "must be 'optimizer' or 'decoupled'"),
        (lambda m: optim.SGD([m.bias], 0.1), "optimizer", ValueError, "does not hold the penalised parameter 'weight'"),
        (lambda m: "adam", "optimizer", TypeError, "must be a stock torch optimizer"),
    ],
)
def test_bad_optimizers_are_named(optimizer_of, metric, error, message):
    model = nn.Linear(2, 2)
    with pytest.raises(error, match=message):
        Proximal(optimizer_of(model), penalize(model, ao.L1()), metric)


def test_two_wrappers_on_one_parameter_are_refused_until_one_is_removed():
    model = nn.Linear(2, 2)
    penalized = penalize(model, ao.L1())
    optimizer = optim.SGD(model.parameters(), 0.1)
    first = Proximal(optimizer, penalized)
    with pytest.raises(ValueError, match="'weight' already has a Proximal"):
        Proximal(optim.SGD(model.parameters(), 0.1), penalized)
    first.remove()
    second = Proximal(optimizer, penalized)
    del first, second, optimizer  # a dropped pair does not count
    Proximal(optim.SGD(model.parameters(), 0.1), penalized)


def test_sparse_gradients_are_refused():
    model = nn.Embedding(5, 2, sparse=True)
    optimizer = optim.SGD(model.parameters(), 0.1)
    Proximal(optimizer, penalize(model, ao.L1(), include="weight"))
    model(torch.tensor([1])).sum().backward()
    with pytest.raises(ValueError, match="'weight' has sparse gradients"):
        optimizer.step()


@pytest.mark.parametrize(("layout", "size"), [("rows", 5), ("columns", 5), ("columns", 701)])
def test_compiled_group_steps_are_optimal_over_ten_decades_of_metrics(layout, size):
    """x minimises (x-u)'D(x-u)/2 + t ||x||: zero iff ||Du|| <= t, else D(x-u) + t x/||x|| = 0."""
    from alphaomega.networks import kernels, steps

    rng = np.random.default_rng(0)
    u = rng.standard_normal((3000 if size == 5 else 300, size))
    u[:, ::10] *= size == 5  # what the first guess is made from is zero
    d = 10 ** rng.uniform(-5, 5, u.shape)
    t = np.linalg.norm(d * u, axis=1) * 10 ** rng.uniform(-8, 0.3, len(u))
    u[0], t[0] = 0, 0  # no 0/0
    x, moment, metric = u.copy(), d**2, (1.0, 0.0, 0.0)
    if layout == "rows":
        kernels.group_rows(x, moment, metric, t, 1e-8)
    else:
        x = np.ascontiguousarray(x.T)
        steps.shrink_columns(x, np.ascontiguousarray(moment.T), metric, t, 1e-13)
        x = x.T
    pull = np.linalg.norm(d * u, axis=1)
    zero = (x == 0).all(1)
    assert (zero == (pull <= t)).all() and len(u) / 60 < zero.sum() < len(u) / 1.2
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    residual = np.linalg.norm((d * (x - u) + t[:, None] * x / np.where(norm > 0, norm, 1))[~zero], axis=1)
    assert (residual <= 1e-9 * pull[~zero]).all()
