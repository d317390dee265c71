"""
Audio: which frequencies does a network listen to?
==================================================

Four instruments made of sines play one note in noise; a network hears the spectrum and names the instrument. Only a few
harmonics tell them apart, and a group penalty on the inputs finds which.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import alphaomega as ao
from alphaomega.networks import FullBatch, Schedule, Training, UnitGroupL1

torch.set_num_threads(1)  # so small a network only waits for a second one
rng = np.random.default_rng(0)
RATE, SAMPLES, NOTE = 8000, 512, 250.0  # sampling rate in Hz, samples in a clip, fundamental in Hz
INSTRUMENTS = {  # relative loudness of harmonics 1 to 8: equal in 1 to 3 and 6 to 8, different in 4 and 5
    "organ": [1.0, 0.5, 0.4, 0.0, 0.0, 0.2, 0.1, 0.1],
    "reed": [1.0, 0.5, 0.4, 0.5, 0.0, 0.2, 0.1, 0.1],
    "brass": [1.0, 0.5, 0.4, 0.0, 0.5, 0.2, 0.1, 0.1],
    "string": [1.0, 0.5, 0.4, 0.5, 0.5, 0.2, 0.1, 0.1],
}


def clip(loudness):
    time = np.arange(SAMPLES) / RATE
    phases = rng.uniform(0, 2 * np.pi, len(loudness))
    tones = [a * np.sin(2 * np.pi * NOTE * (k + 1) * time + phases[k]) for k, a in enumerate(loudness)]
    return rng.uniform(0.5, 1.5) * np.sum(tones, axis=0) + 1.5 * rng.standard_normal(SAMPLES)


def spectrum(wave):
    return np.log1p(abs(np.fft.rfft(wave * np.hanning(SAMPLES)))[1:])


y = rng.integers(0, len(INSTRUMENTS), 900)
X = np.array([spectrum(clip(list(INSTRUMENTS.values())[label])) for label in y])
frequencies = np.fft.rfftfreq(SAMPLES, 1 / RATE)[1:]
X = (X - X[:500].mean(0)) / X[:500].std(0)
X_train, y_train, X_test, y_test = X[:500], y[:500], X[500:], y[500:]


def accuracy(model, inputs, labels):
    with torch.no_grad():
        return np.mean(model(torch.from_numpy(inputs).float()).argmax(1).numpy() == labels)


# %%
# Four penalties
# --------------

schedule = Schedule(
    Training(epochs=40, lr=3e-3, batch_size=32), Training(epochs=12, lr=2e-3, batch_size=32), FullBatch(20)
)
alphas = np.geomspace(1e-3, 3e-1, 12)
penalties = {
    "none": (ao.L1(), [0.0]),
    "L2": (ao.L2(), alphas),
    "L1": (ao.L1(), alphas / 3),
    "frequency groups": (None, alphas),
}
paths = {}
print(f"{'penalty':<18}{'alpha':>9}{'train':>8}{'test':>8}{'non-zero':>10}{'frequencies':>13}")
for name, (penalty, grid) in penalties.items():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(X.shape[1], 32), nn.ReLU(), nn.Linear(32, len(INSTRUMENTS)))
    if penalty is None:
        inputs_only = {"0": UnitGroupL1("inputs", weights=1.0), "2": 0.1 * ao.L2()}
        model = ao.networks.penalize(model, None, per_layer=inputs_only)
    paths[name] = ao.networks.path(model, X_train, y_train, "multinomial", penalty, grid, schedule=schedule)
    fit = paths[name].best("1se")
    model = paths[name].model(fit)
    train, test = accuracy(model, X_train, y_train), accuracy(model, X_test, y_test)
    print(f"{name:<18}{fit.alpha:>9.2g}{train:>8.1%}{test:>8.1%}{fit.n_nonzero:>10}{fit.units['0.weight']:>13}")

# %%
# What the first layer listens to
# -------------------------------
# The norm of the weights that leave each frequency. The grey lines are the two harmonics that tell the instruments
# apart; all other
# weight is noise that the network has learned by heart.

figure, axes = plt.subplots(4, 1, figsize=(9, 7), sharex=True, layout="constrained")
for axis, (name, path) in zip(axes, paths.items()):
    weights = path.model(path.best("1se"))[0].weight.detach().numpy()
    for harmonic in (4, 5):
        axis.axvline(harmonic * NOTE, color="0.8", linewidth=6, zorder=0)
    axis.bar(frequencies, np.linalg.norm(weights, axis=0), width=12)
    axis.set_title(f"{name}: {np.mean(weights.any(0)):.0%} of the frequencies are heard", fontsize=10, loc="left")
axes[-1].set(xlabel="frequency in Hz", xlim=(0, 4000))
figure.supylabel("norm of the frequency's weights")
plt.show()
