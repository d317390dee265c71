"""Networks in a study: the same held-out rows, the same numbers for the same seed, a word where there are none."""

from __future__ import annotations

import numpy as np
import polars
import pytest
import scipy.sparse

from alphaomega import report
from alphaomega.datasets import Table
from alphaomega.study import Options, networks, strengths, study
from alphaomega.study.files import write_summary

NAMES = ["none", "L2", "L1", "input groups"]


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """A few epochs and alphas are enough for these tests."""
    monkeypatch.setattr(networks, "EPOCHS", 15)
    monkeypatch.setattr(networks, "STEP_EPOCHS", 2)
    monkeypatch.setattr(networks, "N_ALPHAS", 3)
    monkeypatch.setattr(strengths, "LARGE_WORK", 0)


def table(y, **columns) -> Table:
    return Table("data.csv", polars.DataFrame({**columns, "y": y}), target="y")


def curved(n=300, seed=0) -> Table:
    """A target that no line can follow."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-2, 2, n), rng.standard_normal(n)
    return table(10 * a**2 + 50, a=a, b=b)


def small(family, n=120) -> tuple[Table, Options]:
    """A small table of one family, and the options it needs."""
    rng = np.random.default_rng(4)
    a, b, e = rng.standard_normal(n), rng.standard_normal(n), rng.uniform(0.5, 2, n)
    eta = a + 0.3 * b + 0.3 * rng.standard_normal(n)
    y = {
        "gaussian": 100 + 20 * eta,
        "binomial": np.where(eta > 0, "yes", "no"),
        "multinomial": np.array(["a", "b", "c"])[np.digitize(eta, [-0.5, 0.5])],
        "poisson": rng.poisson(e * np.exp(a)),
    }[family]
    if family == "poisson":
        return table(y, a=a, b=b, e=e), Options(folds=3, exposure="e")
    return table(y, a=a, b=b), Options(folds=3)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "multinomial", "poisson"])
def test_networks_are_tested_on_the_same_rows_as_every_fit(family):
    pytest.importorskip("torch")
    found = study(*small(family))
    assert found.understanding.family == family
    assert [row.name for row in found.networks] == NAMES
    for row in found.networks:
        assert row.deviances.shape == (len(found.test.y),)
        assert row.test.deviance == pytest.approx(row.deviances.mean())
        assert np.isnan(row.test.misclassified) != found.loss.classifies
        assert 0 < row.n_nonzero <= 2
        assert row.n_used <= row.n_weights == 2 * 32 + 32 * (3 if family == "multinomial" else 1)
    assert min(row.test.deviance for row in found.networks) < found.baseline.test.deviance


def test_a_network_sees_what_a_line_cannot_and_the_study_says_so():
    """M22: where the structure is curved, a network under a penalty is worth its cost."""
    pytest.importorskip("torch")
    found = study(curved(), Options(folds=3))
    assert "a linear model misses structure" in found.network_notes[-1]
    assert found.networks[1].test.deviance < 0.5 * found.chosen.test.deviance


def test_the_same_seed_gives_the_same_summary(tmp_path):
    pytest.importorskip("torch")
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        write_summary(study(curved(80), Options(folds=3, seed=seed)), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes() != (tmp_path / "other").read_bytes()
    assert '"input groups"' in (tmp_path / "one").read_text()


def test_networks_read_sparse_columns_and_show_in_the_report():
    pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    X = scipy.sparse.random_array((90, 6), density=0.5, rng=rng, format="csr")
    found = study(Table("x.libsvm", matrix=X, y=X @ np.arange(6.0), target="y"), Options(folds=3))
    assert [row.name for row in found.networks] == NAMES
    page = report.render(found)
    assert all(row.label in page for row in found.networks)
    assert found.network_notes[0] in page


def test_many_rows_are_sampled_and_too_many_cells_refused(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(networks, "MOST_CELLS", 200)
    monkeypatch.setattr(networks, "FEWEST_ROWS", 50)
    found = study(curved(), Options(folds=3))
    assert len(found.networks) == 4
    assert "trained on 100 of the 240 training rows" in found.network_notes[0]
    monkeypatch.setattr(networks, "FEWEST_ROWS", 150)
    found = study(curved(), Options(folds=3))
    assert not found.networks
    assert "240 rows x 2 features are more" in found.network_notes[0]


def test_without_pytorch_the_study_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(networks, "available", lambda: False)
    found = study(curved(60), Options(folds=3))
    assert not found.networks
    assert 'pip install "alphaomega[networks]"' in found.network_notes[0]


def test_networks_can_be_left_out():
    found = study(curved(60), Options(folds=3, networks=False))
    assert not found.networks and not found.network_notes


def test_a_loss_that_is_not_finite_ends_the_networks_and_nothing_else(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(networks, "LEARNING_RATE", 1e30)
    found = study(curved(60), Options(folds=3))
    assert not found.interrupted and found.chosen is not None
    assert "networks: stopped, as the loss was" in found.network_notes[1]
