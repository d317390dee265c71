"""The prox in real training loops: mixed precision, saved state, accumulation, compiled, data-parallel and "
"sharded models."""

import copy
import warnings

import pytest

torch = pytest.importorskip("torch")
import torch.distributed as dist  # noqa: E402
import torch.multiprocessing as mp  # noqa: E402
from torch import nn, optim  # noqa: E402

import alphaomega as ao  # noqa: E402
from alphaomega.networks import Proximal, UnitGroupL1, penalize  # noqa: E402

PENALTIES = {
    "L1": 0.05 * ao.L1(),
    "neurons": 0.02 * UnitGroupL1("neurons"),
    "inputs": 0.02 * UnitGroupL1("inputs"),
}


def make(penalty, lr=0.05, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))
    return model, Proximal(optim.Adam(model.parameters(), lr, **options), penalize(model, penalty))


def data(rows=32):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 6, generator=generator)
    return x, torch.stack([x[:, 0] - x[:, 1], x[:, 0]], 1)


def train(model, optimizer, steps=40, rows=slice(None)):
    x, y = data()
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("stepped", ["wrapper", "stock optimizer"])
def test_a_step_that_the_gradient_scaler_skips_moves_nothing(fused, stepped):
    model, proximal = make(0.5 * ao.L1(), fused=fused)
    target = proximal if stepped == "wrapper" else proximal.optimizer
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    x, y = data()
    for overflow in (True, False, True):
        before = weights(model)
        target.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        scaler.scale(loss * (float("inf") if overflow else 1.0)).backward()
        scaler.step(target)
        scaler.update()
        moved = any((a != b).any() for a, b in zip(before, weights(model)))
        assert moved != overflow
    assert not any(parameter.isnan().any() for parameter in model.parameters())
    assert (model[0].weight == 0).any()


@pytest.mark.parametrize("name", PENALTIES)
def test_state_dict_round_trip_continues_bit_for_bit(name):
    model, proximal = make(PENALTIES[name])
    train(model, proximal, 15)
    saved = copy.deepcopy((model.state_dict(), proximal.state_dict()))
    train(model, proximal, 15)
    fresh, resumed = make(PENALTIES[name], lr=0.7)
    fresh.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    train(fresh, resumed, 15)
    for a, b in zip(weights(model), weights(fresh)):
        assert torch.equal(a, b)
    optim.Adam(fresh.parameters()).load_state_dict(saved[1])  # the state is the stock optimizer's own


def test_accumulated_gradients_take_one_prox():
    whole, optimizer = make(PENALTIES["L1"])
    train(whole, optimizer, 3)
    parts, optimizer = make(PENALTIES["L1"])
    x, y = data()
    for _ in range(3):
        optimizer.zero_grad()
        for rows in (slice(0, 16), slice(16, 32)):
            (nn.functional.mse_loss(parts(x[rows]), y[rows]) / 2).backward()
        optimizer.step()
    for a, b in zip(weights(whole), weights(parts)):
        torch.testing.assert_close(a, b)


def test_compiled_models_keep_their_names_and_weights():
    plain, optimizer = make(PENALTIES["neurons"])
    train(plain, optimizer)
    model = make(PENALTIES["neurons"])[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # raised inside torch's own compiler
        compiled = torch.compile(model, backend="eager")
        penalized = penalize(compiled, PENALTIES["neurons"])
        assert [entry.name for entry in penalized.penalized] == ["0.weight", "2.weight"]
        train(compiled, Proximal(optim.Adam(compiled.parameters(), 0.05), penalized))
    for a, b in zip(weights(plain), weights(model)):
        torch.testing.assert_close(a, b)


def test_support_survives_an_average_only_by_its_mask():
    model, optimizer = make(PENALTIES["L1"])
    average = optim.swa_utils.AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.9))
    average.update_parameters(model)
    train(model, optimizer, 200)
    average.update_parameters(model)
    support = ao.networks.Support.of(optimizer.penalized)
    zeros = model[0].weight == 0
    assert zeros.any() and (average.module[0].weight[zeros] != 0).any()
    support.apply(average.module)
    assert (average.module[0].weight[zeros] == 0).all()


def _distributed(rank, folder, kind, name):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))
    if kind == "DDP":
        wrapped = nn.parallel.DistributedDataParallel(model)
    else:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh("cpu", (2,))
        for layer in (model[0], model[2]):
            fully_shard(layer, mesh=mesh)
        wrapped = fully_shard(model, mesh=mesh)
    optimizer = Proximal(optim.Adam(wrapped.parameters(), 0.05), penalize(wrapped, PENALTIES[name]))
    assert [entry.name for entry in optimizer.penalized.penalized] == ["0.weight", "2.weight"]
    train(wrapped, optimizer, rows=slice(16 * rank, 16 * rank + 16))
    final = [p.full_tensor() if kind == "FSDP" else p for p in wrapped.parameters()]
    value = optimizer.penalized.value()
    if rank == 0:
        torch.save(([p.detach() for p in final], value.detach()), f"{folder}/weights")
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("DDP", "inputs"), ("FSDP", "L1"), ("FSDP", "neurons"), ("FSDP", "inputs")])
def test_two_processes_give_the_weights_of_one(kind, name, tmp_path):
    mp.spawn(_distributed, (str(tmp_path), kind, name), nprocs=2)
    got, value = torch.load(tmp_path / "weights")
    model, optimizer = make(PENALTIES[name])
    train(model, optimizer)
    for a, b in zip(weights(model), got):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
        assert ((a == 0) == (b == 0)).all()
    torch.testing.assert_close(optimizer.penalized.value().detach(), value, rtol=1e-4, atol=1e-6)
