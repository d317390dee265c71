"""Compaction: smaller, and the same function."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from alphaomega.networks import compact  # noqa: E402


def zeroed(model, seed=0, share=0.5):
    """Whole rows and columns of random layers set to zero, batch statistics made unequal."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            with torch.no_grad():
                module.weight[torch.rand(module.weight.shape[0], generator=generator) < share / 2] = 0
                if module.groups == 1 if isinstance(module, nn.Conv2d) else True:
                    module.weight[:, torch.rand(module.weight.shape[1], generator=generator) < share / 2] = 0
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, -1, 1)
            nn.init.uniform_(module.bias, -1, 1)
    return model.eval()


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 12, 3), nn.BatchNorm2d(12)
        self.inner, self.back = nn.Conv2d(12, 9, 3, padding=1, bias=False), nn.Conv2d(9, 12, 1)
        self.head = nn.Linear(12 * 9, 7)
        self.last = nn.Linear(7, 2, bias=False)

    def forward(self, x):
        x = functional.relu(self.norm(self.stem(x)))
        x = x + self.back(torch.tanh(self.inner(x)))
        x = functional.relu(self.head(torch.flatten(functional.adaptive_avg_pool2d(x, 3), 1)))
        return self.last(x)


class Pooled(Residual):
    """With pooling as a module, so that the walk follows the residual sum into the head."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(3)

    def forward(self, x):
        x = self.norm(self.stem(x)).relu()
        x = x + self.back(torch.tanh(self.inner(x)))
        return self.last(functional.relu(self.head(self.pool(x).flatten(1))))


class Concatenated(nn.Module):
    """A concatenation is not followed: its two writers keep their channels, the layers around it still shrink."""

    def __init__(self):
        super().__init__()
        self.first, self.left, self.right = nn.Linear(6, 10), nn.Linear(10, 5), nn.Linear(10, 5)
        self.out = nn.Linear(10, 3)

    def forward(self, x):
        x = self.first(x).sigmoid()
        return self.out(torch.cat([self.left(x), self.right(x)], 1))


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.out = nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, x):
        return self.out(self.layer(self.layer(x).tanh()).tanh())


MODELS = {
    "mlp": (
        lambda: nn.Sequential(
            nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 15), nn.Sigmoid(), nn.Dropout(0.5), nn.Linear(15, 3)
        ),
        (16, 8),
    ),
    "sequence": (lambda: nn.Sequential(nn.Linear(8, 20), nn.GELU(), nn.Linear(20, 3)), (4, 5, 8)),
    "cnn": (
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 10, 3, padding=1), nn.BatchNorm2d(10), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(10, 8, 3), nn.Sigmoid(), nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(8 * 16, 5)),
        ),
        (4, 3, 16, 16),
    ),
    "residual": (Residual, (4, 3, 11, 11)),
    "pooled residual": (Pooled, (4, 3, 11, 11)),
    "concatenated": (Concatenated, (9, 6)),
    "shared": (Shared, (9, 6)),
    "grouped": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=4), nn.ReLU(), nn.Conv2d(8, 2, 1)
        ),
        (2, 3, 9, 9),
    ),
}
SHRINK = {"mlp", "sequence", "cnn", "residual", "pooled residual", "concatenated"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", MODELS)
def test_outputs_stay_and_parameters_go(name, seed, dtype):
    make, shape = MODELS[name]
    torch.manual_seed(seed)
    model = zeroed(make(), seed).to(dtype)
    x = torch.randn(shape, dtype=dtype)
    kept = {key: value.clone() for key, value in model.state_dict().items()}
    small = compact(model, x)
    other = torch.randn((3, *shape[1:]), dtype=dtype)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(small(other), model(other), rtol=tolerance, atol=tolerance)
    before, after = small.compaction.parameters
    assert after < before if name in SHRINK else after <= before
    assert sum(p.numel() for p in small.parameters()) == after
    assert all(torch.equal(kept[key], value) for key, value in model.state_dict().items())
    assert type(small) is type(model) and "outputs differ by" in str(small.compaction)


def test_a_constant_unit_becomes_the_next_bias():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        model[0].weight[1] = 0
        model[0].bias[1] = 2.0
    small = compact(model, torch.randn(4, 2))
    assert small[0].out_features == 2 and small.compaction.units == {"0": (2, 3)}
    torch.testing.assert_close(small[2].bias, (torch.sigmoid(torch.tensor(2.0)) * model[2].weight[:, 1]).detach())


def test_what_dies_downstream_dies_upstream():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    with torch.no_grad():
        model[4].weight[:, 1:] = 0  # only unit 0 of the second layer counts ...
        model[2].weight[0, 2:] = 0  # ... and it reads only units 0 and 1 of the first
    small = compact(model, torch.randn(4, 4))
    assert (small[0].out_features, small[2].out_features) == (2, 1)


def test_a_network_cut_in_two_keeps_one_unit_a_layer():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    nn.init.zeros_(model[2].weight)
    small = compact(model, torch.randn(4, 4))
    assert small[0].out_features == 1
    torch.testing.assert_close(small(torch.randn(3, 4)), model[2].bias.expand(3, 2))


def test_units_behind_a_concatenation_go_where_torch_pruning_tells_what_hangs_on_them():
    pytest.importorskip("torch_pruning")
    torch.manual_seed(0)
    model = Concatenated().eval()
    with torch.no_grad():
        model.out.weight[:, [1, 6, 7]] = 0  # unit 1 of the left half, units 1 and 2 of the right one
    small = compact(model, torch.randn(5, 6))
    assert (small.left.out_features, small.right.out_features, small.out.in_features) == (4, 3, 7)
    x = torch.randn(4, 6)
    torch.testing.assert_close(small(x), model(x))


def test_a_forward_that_branches_on_values_is_refused():
    class Branching(nn.Linear):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Branching(3, 3)

        def forward(self, x):
            return self.inner(x)

    with pytest.raises(TypeError, match="could not follow the model's forward"):
        compact(Outer(), torch.randn(2, 3))
