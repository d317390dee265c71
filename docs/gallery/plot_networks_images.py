"""
Images: what each penalty does to a network's first layer
=========================================================

One network, four penalties, on scikit-learn's 8 x 8 digits: nothing, L2, L1, and a group for each input pixel. Then the
question of a fixed budget: is a large penalised network better than a small plain one?
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import alphaomega as ao
from alphaomega.networks import FullBatch, Schedule, Training, UnitGroupL1, compact

torch.set_num_threads(1)  # so small a network only waits for a second one
X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
X_train, y_train = X_train[:400], y_train[:400]  # few rows, so that regularization has work to do


def network(width):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def error(model, inputs, labels):
    with torch.no_grad():
        return 100 * np.mean(model(torch.from_numpy(inputs).float()).argmax(1).numpy() != labels)


# %%
# The paths
# ---------
# Each path starts dense and turns sparse, one warm start after the other; alpha is the one with the smallest deviance
# on held-out
# rows. The penalty objects are those of the linear models. No bias is ever penalised.

schedule = Schedule(
    Training(epochs=60, lr=3e-3, batch_size=64), Training(epochs=15, lr=2e-3, batch_size=64), FullBatch(15)
)
penalties = {
    "none": (ao.L1(), [0.0]),
    "L2": (ao.L2(), np.geomspace(1e-4, 1e-1, 12)),
    "L1": (ao.L1(), np.geomspace(1e-5, 1e-2, 12)),
    "input groups": (UnitGroupL1("inputs"), np.geomspace(1e-5, 1e-2, 12)),
}
paths = {
    name: ao.networks.path(network(100), X_train, y_train, "multinomial", penalty, alphas, schedule=schedule)
    for name, (penalty, alphas) in penalties.items()
}
print(f"{'penalty':<14}{'alpha':>10}{'train %':>9}{'test %':>9}{'non-zero':>10}{'pixels':>8}")
for name, path in paths.items():
    fit = path.best("1se")
    model = path.model(fit)
    pixels = fit.units["0.weight"]
    train, test = error(model, X_train, y_train), error(model, X_test, y_test)
    print(f"{name:<14}{fit.alpha:>10.2g}{train:>9.1f}{test:>9.1f}{fit.n_nonzero:>10}{pixels:>8}")

# %%
# L2 makes weights small; zeros under it are only those that the loss never sees (pixels dark in every image, units that
# never
# fire). L1 empties single weights; the group penalty drops whole pixels. Below, the first layer's weights of 24 hidden
# units under each penalty, white where a weight is exactly zero.

figure, axes = plt.subplots(4, 1, figsize=(9, 6.4), layout="constrained")
for axis, (name, path) in zip(axes, paths.items()):
    weights = path.model(path.best("1se"))[0].weight.detach().numpy()
    strongest = np.argsort(-np.linalg.norm(weights, axis=1))[:24]
    tiles = [np.pad(weights[unit].reshape(8, 8), 1, constant_values=np.nan) for unit in strongest]
    picture = np.vstack([np.hstack(tiles[:12]), np.hstack(tiles[12:])])
    limit = np.nanmax(abs(picture))
    axis.imshow(np.where(picture == 0, np.nan, picture), cmap="RdBu_r", vmin=-limit, vmax=limit)
    axis.set_title(
        f"{name}: {np.mean(weights == 0):.0%} of the first layer's weights are zero", fontsize=10, loc="left"
    )
    axis.axis("off")
plt.show()

# %%
# Sparse in form becomes small in fact
# ------------------------------------
# Units that lost all their weights are taken out; the outputs stay the same.

sparse = paths["input groups"].model(paths["input groups"].best("1se"))
print(compact(sparse, torch.from_numpy(X_test).float()).compaction)

# %%
# A large penalised network against a small plain one
# ---------------------------------------------------
# The same number of epochs, seeds 0 to 2. "The best model is often a large one, well regularized" is a claim about
# data: this
# is what these data say.

for name, width, penalty, alpha in (
    ("small, plain", 8, ao.L2(), 0.0),
    ("large, plain", 300, ao.L2(), 0.0),
    ("large, L2", 300, ao.L2(), paths["L2"].best("1se").alpha),
):
    errors = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
        plan = Schedule(schedule.dense, schedule.step, None, seed)
        fitted = ao.networks.path(model, X_train, y_train, "multinomial", penalty, [alpha], schedule=plan)
        errors.append(error(fitted.model(), X_test, y_test))
    print(f"{name:<14} test error {np.mean(errors):.1f} % (sd over seeds {np.std(errors):.1f})")
