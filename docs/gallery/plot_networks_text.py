"""
Text: which words does a network need?
======================================

A bag-of-words network guesses which part of scikit-learn twelve words of documentation come from. A group for each word
(all weights that leave it) turns the first layer into a list of the words that count.
"""

import re

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn import cluster, decomposition, ensemble, linear_model, neighbors, svm
from sklearn.model_selection import train_test_split
from torch import nn

import alphaomega as ao
from alphaomega.networks import FullBatch, Schedule, Training, UnitGroupL1

torch.set_num_threads(1)  # so small a network only waits for a second one
WINDOW, PER_CLASS = 12, 250
modules = [cluster, decomposition, ensemble, linear_model, neighbors, svm]
names = [module.__name__.removeprefix("sklearn.") for module in modules]
rng = np.random.default_rng(0)
snippets, labels = [], []
for label, module in enumerate(modules):
    documentation = " ".join(getattr(module, name).__doc__ or "" for name in module.__all__)
    words = re.findall("[a-z]{3,}", documentation.lower())
    starts = range(0, len(words) - WINDOW, WINDOW)
    chosen = rng.choice(starts, PER_CLASS, replace=False)
    snippets += [words[start : start + WINDOW] for start in chosen]
    labels += [label] * PER_CLASS
y = np.array(labels)
counts = {word: sum(word in snippet for snippet in snippets) for snippet in snippets for word in snippet}
vocabulary = sorted(word for word, count in counts.items() if count >= 8)
X = np.array([[word in snippet for word in vocabulary] for snippet in snippets], dtype=float)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
print(f"{len(X)} snippets of {WINDOW} words from {', '.join(names)}; {len(vocabulary)} words seen in 8 or more")


def network(width=40):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(len(vocabulary), width), nn.ReLU(), nn.Linear(width, len(names)))


def accuracy(model, inputs, labels):
    with torch.no_grad():
        return np.mean(model(torch.from_numpy(inputs).float()).argmax(1).numpy() == labels)


# %%
# Four penalties, one path each
# -----------------------------

schedule = Schedule(
    Training(epochs=40, lr=3e-3, batch_size=32), Training(epochs=12, lr=2e-3, batch_size=32), FullBatch(20)
)
penalties = {
    "none": (ao.L1(), [0.0]),
    "L2": (ao.L2(), np.geomspace(1e-4, 1e-1, 12)),
    "L1": (ao.L1(), np.geomspace(1e-5, 1e-2, 10)),
    "word groups": (None, np.geomspace(3e-4, 3e-2, 12)),
}
paths = {}
for name, (penalty, alphas) in penalties.items():
    model = network()
    if penalty is None:  # groups on the words alone; a little L2 keeps the second layer from taking over their scale
        words_only = {"0": UnitGroupL1("inputs", weights=1.0), "2": 0.1 * ao.L2()}
        model = ao.networks.penalize(model, None, per_layer=words_only)
    paths[name] = ao.networks.path(model, X_train, y_train, "multinomial", penalty, alphas, schedule=schedule)

print(f"{'penalty':<13}{'alpha':>9}{'train':>8}{'test':>8}{'non-zero':>10}{'words':>7}")
for name, path in paths.items():
    fit = path.best()
    model, words = path.model(fit), fit.units["0.weight"]
    train, test = accuracy(model, X_train, y_train), accuracy(model, X_test, y_test)
    print(f"{name:<13}{fit.alpha:>9.2g}{train:>8.1%}{test:>8.1%}{fit.n_nonzero:>10}{words:>7}")

# %%
# Here the words carry little each, and every penalty gives up a few points of accuracy; what the groups buy is a
# network that reads half
# the words.
#
# The words that count
# --------------------
# On the group path words leave one after another. The strongest of those left, by the norm of their weights:

fit = paths["word groups"].best("1se")
strength = np.linalg.norm(paths["word groups"].model(fit)[0].weight.detach().numpy(), axis=0)
order = np.argsort(-strength)[:25]
figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
axes[0].barh([vocabulary[j] for j in order][::-1], strength[order][::-1], color="tab:blue")
axes[0].set(xlabel="norm of the word's weights", title=f"{fit.units['0.weight']} of {len(vocabulary)} words left")

# %%
# Without a hidden layer the network is the linear model, and the exact engine draws its path with a certificate. Beside
# it, the words
# that the network's path keeps.

linear = ao.path(
    X_train, y_train, "multinomial", ao.GroupL1(np.arange(len(vocabulary))), n_alphas=8, alpha_min_ratio=0.1
)
group_path = paths["word groups"]
axes[1].semilogx(linear.alphas, linear.n_nonzero, "o-", label="linear model, exact")
axes[1].semilogx(
    group_path.alphas, [f.units["0.weight"] for f in group_path.fits], "s-", label="network, 40 hidden units"
)
axes[1].set(xlabel="alpha", ylabel="words with any weight", title="words left along the path")
axes[1].legend()
plt.show()
print(f"largest relative duality gap of the linear path: {linear.gap.max():.1e}")
