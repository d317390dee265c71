"""What `penalize` finds, how units lie, and what it refuses."""

import importlib.util
import itertools
import subprocess
import sys
import warnings

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import alphaomega as ao  # noqa: E402
from alphaomega.networks import MaxNorm, UnitGroupL1, penalize  # noqa: E402


def names(penalized):
    return [entry.name for entry in penalized.penalized]


def test_only_affine_weights_are_penalised_by_module_type():
    model = nn.Sequential(
        nn.Embedding(4, 8),
        nn.LayerNorm((3, 8)),  # its weight has two axes: a rule by ndim would take it
        nn.MultiheadAttention(8, 2, add_bias_kv=True),
        nn.LSTM(8, 5, num_layers=2, bidirectional=True, proj_size=3),
        nn.GRUCell(6, 4),
        nn.Bilinear(4, 4, 3),
        nn.Conv1d(3, 6, 2),
        nn.ConvTranspose2d(6, 2, 3),
        nn.Linear(2, 2),
    )
    penalized = penalize(model, ao.L2())
    expected = [
        name
        for name, p in model.named_parameters()
        if p.ndim > 1 and "bias" not in name and name not in ("0.weight", "1.weight")
    ]
    assert names(penalized) == expected
    table = penalized.table()
    assert table.height == len(list(model.named_parameters()))
    assert dict(zip(table["parameter"], table["reason"]))["2.bias_k"] == "a bias is never penalised"
    by_hand = sum((p**2).sum() / 2 for name, p in model.named_parameters() if name in expected)
    torch.testing.assert_close(penalized.value(), by_hand)


def test_tied_weights_count_once_and_an_affine_role_wins():
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(7, 3), nn.Linear(3, 7, bias=False)
            self.head.weight = self.embed.weight

    model = Language()
    penalized = penalize(model, ao.L1())
    assert names(penalized) == ["head.weight"]
    assert penalized.entries[0].found.names == ("head.weight", "embed.weight")
    torch.testing.assert_close(penalized.value(), model.head.weight.abs().sum())


def test_names_and_patterns_choose_layers():
    model = nn.ModuleDict({f"fc{k}": nn.Linear(3, 3) for k in range(3)} | {"norm": nn.LayerNorm(3)})
    penalized = penalize(model, ao.L1(), per_layer={"fc*": 0.5, "fc1": 0.1 * ao.L2(), "fc2": None}, include=["norm"])
    assert names(penalized) == ["fc0.weight", "fc1.weight", "norm.weight"]
    shown = dict(zip(penalized.table()["parameter"], penalized.table()["penalty"]))
    assert shown["fc0.weight"].startswith("0.5 * L1") and shown["fc1.weight"].startswith("0.1 * L2")
    assert names(penalize(model, ao.L1(), exclude="fc[01]")) == ["fc2.weight"]
    assert names(penalize(model, None, per_layer={"fc1": ao.L1()})) == ["fc1.weight"]
    assert "fc0.bias" in names(penalize(model, ao.L1(), include="fc0.bias"))


def test_common_factor_scales_all_penalties():
    penalized = penalize(nn.Linear(3, 2), ao.L1() + 0.5 * ao.L2())
    torch.testing.assert_close(penalized.at(0.3).value(), 0.3 * penalized.value())
    with pytest.raises(ValueError, match="alpha must be"):
        penalized.at(-1.0)


def test_value_is_differentiable_even_at_zero_groups():
    model = nn.Linear(4, 3)
    with torch.no_grad():
        model.weight[:, 1] = 0
    penalize(model, UnitGroupL1("inputs", weights=1.0)).value().backward()
    column = model.weight.detach()[:, 0]
    torch.testing.assert_close(model.weight.grad[:, 0], column / column.norm())
    assert (model.weight.grad[:, 1] == 0).all()


def test_linear_weight_reads_like_coefficients_of_a_linear_model():
    model = nn.Linear(4, 3)
    groups = ao.GroupL1([0, 0, 1, 1])
    coef = model.weight.detach().numpy().T
    assert penalize(model, groups).value().item() == pytest.approx(float(groups.value(coef)), rel=1e-6)


UNITS = [
    (nn.Linear(4, 3), "weight", "inputs", lambda w: [w[:, j] for j in range(4)]),
    (nn.Linear(4, 3), "weight", "neurons", lambda w: [w[j] for j in range(3)]),
    (nn.Conv2d(4, 6, 3), "weight", "inputs", lambda w: [w[:, j] for j in range(4)]),
    (nn.Conv2d(4, 6, 3), "weight", "channels", lambda w: [w[j] for j in range(6)]),
    # group g of a grouped convolution joins inputs 2g, 2g+1 with outputs 3g..3g+2
    (
        nn.Conv1d(4, 6, 3, groups=2),
        "weight",
        "inputs",
        lambda w: [w[3 * (j // 2) : 3 * (j // 2) + 3, j % 2] for j in range(4)],
    ),
    (nn.ConvTranspose1d(4, 6, 3), "weight", "inputs", lambda w: [w[j] for j in range(4)]),
    (nn.ConvTranspose1d(4, 6, 3), "weight", "channels", lambda w: [w[:, j] for j in range(6)]),
    (
        nn.ConvTranspose1d(4, 6, 3, groups=2),
        "weight",
        "channels",
        lambda w: [w[2 * (j // 3) : 2 * (j // 3) + 2, j % 3] for j in range(6)],
    ),
    (nn.LSTM(3, 5), "weight_ih_l0", "neurons", lambda w: [w[j::5] for j in range(5)]),
    (nn.LSTM(3, 5), "weight_hh_l0", "inputs", lambda w: [w[:, j] for j in range(5)]),
    (nn.GRU(3, 5), "weight_ih_l0", "inputs", lambda w: [w[:, j] for j in range(3)]),
    (
        nn.MultiheadAttention(6, 2),
        "in_proj_weight",
        "heads",
        lambda w: [torch.cat([w[6 * q + 3 * h : 6 * q + 3 * h + 3] for q in range(3)]) for h in range(2)],
    ),
    (nn.MultiheadAttention(6, 2), "out_proj.weight", "heads", lambda w: [w[:, 3 * h : 3 * h + 3] for h in range(2)]),
    (nn.MultiheadAttention(6, 2), "in_proj_weight", "inputs", lambda w: [w[:, j] for j in range(6)]),
]


@pytest.mark.parametrize(
    ("module", "name", "units", "groups"), UNITS, ids=[f"{type(m).__name__}-{n}-{u}" for m, n, u, _ in UNITS]
)
def test_units_lie_where_the_layer_computes_them(module, name, units, groups):
    penalized = penalize(module, None, per_layer={name: UnitGroupL1(units, weights=1.0)})
    (entry,) = penalized.penalized
    by_hand = torch.stack([group.norm() for group in groups(entry.parameter)]).sum()
    torch.testing.assert_close(penalized.value(), by_hand)
    size = groups(entry.parameter)[0].numel()
    torch.testing.assert_close(
        penalize(module, None, per_layer={name: UnitGroupL1(units)}).value(), by_hand * size**0.5
    )


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kind", [nn.Conv1d, nn.ConvTranspose1d])
def test_a_zero_input_unit_hides_that_input_and_a_zero_output_unit_is_constant(kind, groups):
    torch.manual_seed(0)
    module = kind(4, 6, 3, groups=groups)
    x = torch.randn(2, 4, 8)
    for units, unit in itertools.product(["inputs", "channels"], [0, 3]):
        entry = penalize(module, UnitGroupL1(units)).penalized[0]
        kept = entry.parameter.detach().clone()
        with torch.no_grad():
            seen = entry.read(entry.parameter.detach()).clone()
            seen[unit] = 0
            entry.layout.write(entry.parameter.detach(), seen)
            if units == "inputs":
                changed = x.clone()
                changed[:, unit] += 1
                torch.testing.assert_close(module(changed), module(x))
            else:
                assert (module(x)[:, unit] == module.bias[unit]).all()
            entry.parameter.copy_(kept)


class Residual(nn.Module):
    """conv -> batch norm, as written in most networks; `post` is a normalisation after a sum, which undoes nothing."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.conv2, self.post = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.post(x + self.conv2(self.norm(self.conv(x)).relu()))


@pytest.mark.parametrize(
    "model", [Residual(), nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))], ids=["traced", "sequential"]
)
def test_weights_before_a_normalisation_warn_once_with_the_remedy(model):
    with pytest.warns(UserWarning, match="undone by the normalisation layer") as caught:
        penalize(model, ao.L2())
    assert len(caught) == 1 and "conv2" not in str(caught[0].message)
    first = "conv" if isinstance(model, Residual) else "0"
    rest = {"include": "norm" if first == "conv" else "1", "exclude": first}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        penalize(model, ao.L2(), **rest)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": nn.ReLU(), "penalty": ao.L1()}, ValueError, "no weight is left to penalise"),
        (
            {"model": nn.Linear(2, 2), "penalty": ao.L1(), "exclude": "fc9"},
            ValueError,
            "exclude='fc9' matches no parameter; the model has weight, bias",
        ),
        (
            {"model": nn.Linear(2, 2), "penalty": ao.L1(), "per_layer": {"x": 1.0}},
            ValueError,
            "per_layer='x' matches no parameter",
        ),
        ({"model": nn.Linear(2, 2), "penalty": ao.L1(), "per_layer": {"bias": 1.0}}, ValueError, "add it to include"),
        (
            {"model": nn.Linear(2, 2), "penalty": ao.L1(), "include": "bias", "exclude": "bias"},
            ValueError,
            "both in include and in exclude",
        ),
        ({"model": nn.Linear(2, 2), "penalty": 0.1}, TypeError, r"0.1 \* ao.L1\(\)"),
        ({"model": nn.Linear(2, 2), "penalty": "l1"}, TypeError, "must be a Penalty"),
        ({"model": "net", "penalty": ao.L1()}, TypeError, "must be a torch.nn.Module"),
        (
            {"model": nn.Linear(3, 2), "penalty": ao.L1([1.0, 2.0])},
            ValueError,
            "does not fit 'weight', whose features .inputs. are 3",
        ),
        (
            {"model": nn.Linear(3, 2), "penalty": UnitGroupL1("heads")},
            ValueError,
            "has no heads, its units are: inputs, neurons",
        ),
        (
            {"model": nn.Linear(3, 2), "penalty": UnitGroupL1("inputs") + UnitGroupL1("neurons")},
            TypeError,
            "inputs and by neurons",
        ),
        ({"model": nn.LazyLinear(3), "penalty": ao.L1()}, ValueError, "pass one batch"),
        (
            {"model": nn.Linear(2, 2), "penalty": None, "per_layer": {"weight": 0.1}},
            ValueError,
            "no common penalty to multiply",
        ),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        penalize(**arguments)


def test_unknown_units_are_refused():
    with pytest.raises(ValueError, match="units must be one of"):
        UnitGroupL1("rows")
    with pytest.raises(ValueError, match="radius"):
        MaxNorm(0.0)


def test_stationarity_knows_violations_and_the_slack_of_zero_groups():
    model = nn.Linear(3, 1, bias=False).double()
    target = torch.tensor([[2.0, 0.3, -0.45]], dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.5, 0.0, 0.0]]))
    penalized = penalize(model, 0.5 * ao.L1())
    report = penalized.stationarity(lambda: 0.5 * ((model.weight - target) ** 2).sum())
    assert report.violation == pytest.approx(0, abs=1e-12)
    assert report.layers[0].slack == pytest.approx(0.1)  # 1 - 0.45 / 0.5
    assert (report.layers[0].nonzero, report.layers[0].zero_groups) == (1, 2)
    with torch.no_grad():
        model.weight[0, 0] = 1.25
    assert penalized.stationarity(lambda: 0.5 * ((model.weight - target) ** 2).sum()).violation == pytest.approx(0.25)
    assert model.weight.grad is None
    with pytest.raises(ValueError, match="no gradients"):
        penalized.stationarity()
    assert report.to_frame()["zero_groups"].to_list() == [2]


def test_the_package_loads_without_torch_and_says_how_to_get_it(monkeypatch):
    code = "import sys, alphaomega as ao; ao.networks; dir(ao.networks); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(vars(ao.networks), "NetworkPath", raising=False)
    with pytest.raises(ImportError, match=r'pip install "alphaomega\[networks\]"'):
        _ = ao.networks.NetworkPath
    with pytest.raises(AttributeError, match="no attribute 'Lasso'"):
        _ = ao.networks.Lasso


def test_only_the_product_of_two_relu_layers_l2_strengths_matters():
    """A smaller layer (bias too) and a larger next one: the same outputs, and alpha moves from one to the other."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2)).double()
    x, factor = torch.randn(20, 5).double(), 3.0
    outputs, value = model(x), penalize(model, None, per_layer={"0": 0.2 * ao.L2(), "2": 0.3 * ao.L2()}).value()
    with torch.no_grad():
        for parameter in model[0].parameters():
            parameter.div_(factor**0.5)
        model[2].weight.mul_(factor**0.5)
    moved = penalize(model, None, per_layer={"0": factor * 0.2 * ao.L2(), "2": 0.3 / factor * ao.L2()}).value()
    torch.testing.assert_close(model(x), outputs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(moved, value, rtol=1e-12, atol=0)


def test_the_all_zero_deep_network_is_stationary():
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 1)).double()
    for layer in (model[0], model[2]):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    y = torch.randn(20).double()
    nn.init.constant_(model[2].bias, y.mean())
    report = penalize(model, 1e-9 * ao.L1()).stationarity(
        lambda: ((model(torch.randn(20, 5).double())[:, 0] - y) ** 2).mean()
    )
    assert report.violation < 1e-12


def test_stationarity_tells_every_group_its_pull_and_threshold():
    model = nn.Linear(3, 2, bias=False).double()
    target = torch.tensor([[3.0, 0.2, 0.0], [4.0, 0.1, 0.0]], dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(
            torch.tensor([[2.4, 0.0, 0.0], [3.2, 0.0, 0.0]], dtype=torch.float64)
        )  # 5 - 1 times (3, 4) / 5
    report = penalize(model, UnitGroupL1("inputs", weights=1.0)).stationarity(
        lambda: 0.5 * ((model.weight - target) ** 2).sum()
    )
    frame = report.groups_frame("weight")
    assert frame["norm"].to_list() == pytest.approx([4, 0, 0])
    assert frame["pull"].to_list() == pytest.approx([1, 0.05**0.5, 0])
    assert frame["threshold"].to_list() == [1, 1, 1]
    assert frame["violation"].max() == pytest.approx(0, abs=1e-12)
    assert frame["slack"].to_list()[1:] == pytest.approx([1 - 0.05**0.5, 1]) and frame["slack"].is_nan()[0]
    assert report.layers[0].zero_groups == 2
    with pytest.raises(ValueError, match="'bias' is no penalised parameter; there are weight"):
        report.groups_frame("bias")


def test_each_entry_may_have_its_own_factor():
    model = nn.Linear(3, 2)
    factors = torch.arange(6.0).reshape(3, 2).numpy()  # inputs first, as coefficients lie
    penalized = penalize(model, ao.L1(factors))
    torch.testing.assert_close(penalized.value(), (torch.tensor(factors).T * model.weight.abs()).sum())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    before = model.weight.detach().clone()
    ao.networks.Proximal(optimizer, penalized)
    model.weight.grad = torch.zeros(2, 3)
    optimizer.step()
    threshold = 0.1 * torch.tensor(factors).T
    torch.testing.assert_close(model.weight.detach(), before - before.clamp(-threshold, threshold))
