"""Which parameters of a model are weights of affine maps, and along which axes their units lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

AFFINE, BIAS, SCALE, SHIFT, EMBEDDING, UNKNOWN = (
    "affine weight",
    "bias",
    "normalisation scale",
    "normalisation shift",
    "embedding",
    "unknown",
)

NORMALISATIONS: tuple[type[nn.Module], ...] = (
    nn.modules.batchnorm._BatchNorm,  # instance norms are subclasses
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


@dataclass(frozen=True)
class Layout:
    """How one kind of unit (inputs, neurons, heads) lies in a parameter: split some axes, permute, merge the first
    `lead`.

    `read` gives a tensor with the units on its first axis: a view where strides allow, else a copy. `write` goes the
    other way and always in place, so that optimizers, shards and graphs keep pointing at the same memory.
    """

    order: tuple[int, ...]
    split: tuple[tuple[int, tuple[int, ...]], ...] = ()
    lead: int = 1

    def view(self, tensor: Tensor) -> Tensor:
        """The permuted view, its first `lead` axes the units."""
        for axis, sizes in self.split:
            tensor = tensor.unflatten(axis, sizes)
        return tensor.permute(self.order)

    def read(self, tensor: Tensor) -> Tensor:
        """The tensor with units first."""
        view = self.view(tensor)
        return view.flatten(0, self.lead - 1) if self.lead > 1 else view

    def write(self, tensor: Tensor, values: Tensor) -> None:
        """Put `values`, laid out as `read` gives them, into `tensor`."""
        view = self.view(tensor)
        view.copy_(values.reshape(view.shape))


@dataclass(frozen=True)
class Role:
    """What a parameter is for, and the layouts of its units by name; "" is the parameter as it is stored."""

    kind: str
    layouts: Mapping[str, Layout] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Found:
    """One distinct parameter of a model with all its names (more than one where weights are tied)."""

    names: tuple[str, ...]
    parameter: nn.Parameter
    module: nn.Module
    role: Role

    @property
    def name(self) -> str:
        """The first name."""
        return self.names[0]

    @property
    def layer(self) -> str:
        """The name of the module that holds it."""
        return self.name.rpartition(".")[0]


def identity(ndim: int) -> Layout:
    """The parameter as it is stored."""
    return Layout(tuple(range(ndim)))


def units(inputs: Layout, outputs: Layout, **more: Layout) -> Role:
    """An affine weight; neurons and channels are two words for output units."""
    return Role(AFFINE, {"inputs": inputs, "neurons": outputs, "channels": outputs, **more})


def swapped(ndim: int) -> Layout:
    """The second axis first."""
    return Layout((1, 0, *range(2, ndim)))


def _linear(module: nn.Module, name: str) -> Role:
    return units(swapped(2), identity(2))


def _bilinear(module: nn.Module, name: str) -> Role:
    return units(swapped(3), identity(3))


def _convolution(module: nn.modules.conv._ConvNd, name: str) -> Role:
    """Stored (out, in/groups, *kernel); transposed convolutions (in, out/groups, *kernel)."""
    ndim, groups = module.weight.ndim, module.groups
    if groups == 1:
        other = swapped(ndim)
    else:
        other = Layout((0, 2, 1, *range(3, ndim + 1)), ((0, (groups, module.weight.shape[0] // groups)),), lead=2)
    return units(identity(ndim), other) if module.transposed else units(other, identity(ndim))


def _attention(module: nn.MultiheadAttention, name: str) -> Role:
    """Rows of the packed projection are (query, key, value) x heads x head_dim; each row is a neuron."""
    heads, width = module.num_heads, module.head_dim
    if name == "in_proj_weight":
        return units(swapped(2), identity(2), heads=Layout((1, 0, 2, 3), ((0, (3, heads, width)),)))
    return units(swapped(2), identity(2), heads=Layout((0, 1, 2), ((0, (heads, width)),)))


def _attention_output(module: nn.MultiheadAttention) -> Role:
    by_head = Layout((1, 0, 2), ((1, (module.num_heads, module.head_dim)),))
    return units(swapped(2), identity(2), heads=by_head)


def _recurrent(module: nn.RNNBase | nn.RNNCellBase, name: str) -> Role:
    """Rows are gates x hidden units; a neuron owns its row in every gate."""
    if name.startswith("weight_hr"):  # the projection of an LSTM with proj_size
        return units(swapped(2), identity(2))
    rows = dict(module.named_parameters(recurse=False))[name].shape[0]
    gates = rows // module.hidden_size
    return units(swapped(2), Layout((1, 0, 2), ((0, (gates, module.hidden_size)),)))


ATTENTION_WEIGHTS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
ATTENTION_BIASES = ("in_proj_bias", "bias_k", "bias_v")


def role_of(module: nn.Module, name: str) -> Role:
    """The role of parameter `name` of `module`, by the module's type alone."""
    if isinstance(module, nn.Linear):
        return _linear(module, name) if name == "weight" else Role(BIAS)
    if isinstance(module, nn.Bilinear):
        return _bilinear(module, name) if name == "weight" else Role(BIAS)
    if isinstance(module, nn.modules.conv._ConvNd):
        return _convolution(module, name) if name == "weight" else Role(BIAS)
    if isinstance(module, nn.MultiheadAttention):
        return _attention(module, name) if name in ATTENTION_WEIGHTS else Role(BIAS)
    if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        return _recurrent(module, name) if name.startswith("weight") else Role(BIAS)
    if isinstance(module, NORMALISATIONS):
        return Role(SCALE if name == "weight" else SHIFT)
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return Role(EMBEDDING)
    return Role(UNKNOWN)


def find_parameters(model: nn.Module) -> list[Found]:
    """Every distinct parameter with its names and role; for tied weights an affine role wins over others."""
    outputs = {id(m.out_proj): m for m in model.modules() if isinstance(m, nn.MultiheadAttention)}
    found: dict[int, Found] = {}
    for name, module, local, parameter in walk(model):
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise ValueError(
                f"parameter {name!r} is not initialised yet; pass one batch through the model before penalising it"
            )
        role = role_of(module, local)
        if role.kind == AFFINE and id(module) in outputs:
            role = _attention_output(outputs[id(module)])
        known = found.get(id(parameter))
        if known is None:
            found[id(parameter)] = Found((name,), parameter, module, role)
        elif role.kind == AFFINE and known.role.kind != AFFINE:
            found[id(parameter)] = Found((name, *known.names), parameter, module, role)
        else:
            found[id(parameter)] = Found((*known.names, name), known.parameter, known.module, known.role)
    return list(found.values())


def walk(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, nn.Parameter]]:
    """(full name, module, name in it, parameter); names without the prefixes of compile and data-parallel wrappers."""
    for prefix, module in model.named_modules(remove_duplicate=False):
        for local, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            yield plain_name(f"{prefix}.{local}" if prefix else local, model), module, local, parameter


def plain_name(name: str, model: nn.Module) -> str:
    """`name` without the prefixes that torch.compile and DistributedDataParallel add."""
    name = name.replace("_orig_mod.", "")
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        name = name.removeprefix("module.")
    return name
