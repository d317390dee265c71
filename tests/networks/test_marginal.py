"""One alpha per layer by marginal likelihood."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from alphaomega.bayes.evidence import Evidence  # noqa: E402
from alphaomega.networks import Training, evidence  # noqa: E402


def test_without_hidden_layer_it_is_the_exact_evidence_of_ridge():
    rng = np.random.default_rng(2)
    n, p = 80, 6
    X = rng.standard_normal((n, p))
    y = X @ rng.normal(0, 0.5, p) + 3 + rng.standard_normal(n)
    left, values, _ = np.linalg.svd(X - X.mean(0), full_matrices=False)
    centred = y - y.mean()
    inside = left.T @ centred
    exact = Evidence(values**2, inside**2, float(centred @ centred - inside @ inside), n - 1)
    noise, square = exact.maximise(None, None)
    found = evidence(nn.Linear(p, 1), X, y, rounds=60)
    assert found.noise_variance == pytest.approx(noise, rel=2e-3)
    assert found.alphas["weight"] == pytest.approx(noise / (n * square), rel=5e-3)
    steps = np.diff(found.log_evidence)
    by_formula = exact.log(noise, square)
    # the exact one integrates over sqrt(n) times the bias
    assert found.log_evidence[-1] == pytest.approx(by_formula - 0.5 * np.log(n), abs=0.01)
    assert (steps > -1e-3).all()


def test_a_deep_network_gets_an_alpha_for_each_layer_and_a_useless_input_block_a_large_one():
    rng = np.random.default_rng(0)
    n = 100
    useful, useless = rng.standard_normal((n, 2)), rng.standard_normal((n, 8))

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.out = nn.Linear(2, 6), nn.Linear(8, 6, bias=False), nn.Linear(6, 2)

        def forward(self, x):
            return self.out(torch.tanh(self.left(x[:, :2]) + self.right(x[:, 2:])))

    torch.manual_seed(0)
    labels = (useful[:, 0] * useful[:, 1] + 0.1 * rng.standard_normal(n) > 0).astype(float)
    found = evidence(
        Two(), np.hstack([useful, useless]), labels, "multinomial", training=Training(60, 0.02, 50), rounds=4
    )
    assert list(found.alphas) == ["left.weight", "right.weight", "out.weight"]
    assert found.alphas["right.weight"] > 20 * found.alphas["left.weight"]
    assert found.log_evidence[-1] > found.log_evidence[0]
    assert found.effective["right.weight"] < 12 < 48 and found.noise_variance == 1.0


def test_large_models_are_sent_to_validation():
    with pytest.raises(ValueError, match=r"6,060 trainable parameters, evidence takes 5,000; .* networks.path"):
        evidence(nn.Linear(100, 60), np.ones((3, 100)), np.ones(3))
