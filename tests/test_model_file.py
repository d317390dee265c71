"""model.json: what is written predicts the same numbers when read; what is no model is refused in one message."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import polars
import pytest
import scipy.sparse

from alphaomega.datasets import DataError, Table
from alphaomega.frames import Encoder
from alphaomega.study import Model, ModelError, read_model, write_model
from alphaomega.study.text import BagOfWords

ROWS = polars.DataFrame(
    {
        "size": [0.1, 2.0, -3.25, None],
        "colour": ["red", "blue", "red", "green"],
        "exposure": [1.0, 0.5, 2.0, 1 / 3],
        "message": ["free prize now", "lunch now", "free lunch", "nothing"],
    }
)
TABLE = Table("rows.csv", ROWS)


def models(rng) -> dict[str, Model]:
    """A model of every family and kind of encoder, with coefficients that are not round."""
    encoder = Encoder.fit(ROWS.select("size", "colour"), impute="mean", unseen="reference")
    words = BagOfWords.fit(ROWS.select("message"))
    nameless = Encoder.fit(scipy.sparse.csr_array(np.ones((2, 5))))

    def model(family, encoder, n_features, classes=(), **columns):
        shape = (len(classes), n_features) if family == "multinomial" else (n_features,)
        return Model(
            target="y",
            family=family,
            penalty={"name": "L1", "l1_ratio": None, "rule": "min"},
            alpha=1 / 3,
            coef=rng.standard_normal(shape),
            intercept=rng.standard_normal(shape[:-1]),
            feature_names=encoder.names or tuple(f"x{j + 1}" for j in range(n_features)),
            encoder=encoder,
            classes=classes,
            **columns,
        )

    return {
        "gaussian": model("gaussian", encoder, 3),
        "binomial": model("binomial", encoder, 3, ("no", "yes")),
        "multinomial": model("multinomial", encoder, 3, (1, 2, 5)),
        "poisson": model("poisson", encoder, 3, exposure="exposure"),
        "offset": model("gaussian", encoder, 3, offset="exposure"),
        "text": model("binomial", words, len(words.names), (False, True)),
        "nameless": model("gaussian", nameless, 5),
    }


KINDS = ("gaussian", "binomial", "multinomial", "poisson", "offset", "text", "nameless")


def rows_for(kind: str) -> Table:
    return (
        Table("rows.libsvm", matrix=scipy.sparse.csr_array(np.eye(4)), y=np.zeros(4)) if kind == "nameless" else TABLE
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_read_back_predicts_the_same_numbers(tmp_path, rng, kind):
    model = models(rng)[kind]
    write_model(model, tmp_path / "model.json")
    again = read_model(tmp_path / "model.json")
    assert (again.decision(rows_for(kind)) == model.decision(rows_for(kind))).all()
    assert again.predict(rows_for(kind)).equals(model.predict(rows_for(kind)))
    write_model(again, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "model.json").read_bytes()


def test_another_process_predicts_the_same_numbers(tmp_path, rng):
    model = models(rng)["poisson"]
    write_model(model, tmp_path / "model.json")
    ROWS.write_parquet(tmp_path / "rows.parquet")
    command = [sys.executable, "-m", "alphaomega.cli", "predict", "model.json", "rows.parquet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = polars.read_csv(done.stdout.encode())["prediction"].to_numpy()
    assert np.allclose(printed, model.predict(TABLE)["prediction"].to_numpy(), rtol=1e-12, atol=0)


def test_predictions_are_the_formula(rng):
    model = models(rng)["poisson"]
    size = np.array([0.1, 2.0, -3.25, (0.1 + 2.0 - 3.25) / 3])
    design = np.column_stack([size, [0, 0, 0, 1], [1, 0, 1, 0]])
    expected = ROWS["exposure"].to_numpy() * np.exp(design @ model.coef + model.intercept)
    assert model.feature_names == ("size", "colour=green", "colour=red")
    assert np.allclose(model.predict(TABLE)["prediction"], expected, rtol=1e-12)


def test_probabilities_sum_to_one_and_agree_with_the_class(rng):
    for kind in ("binomial", "multinomial"):
        model = models(rng)[kind]
        found = model.predict(TABLE)
        shares = found.select(f"probability {label}" for label in model.classes).to_numpy()
        assert np.allclose(shares.sum(1), 1)
        assert [model.classes[k] for k in shares.argmax(1)] == found["prediction"].to_list()


def test_columns_are_matched_by_name(rng):
    model = models(rng)["gaussian"]
    shuffled = Table("rows.csv", ROWS.select("message", "colour", "size"))
    assert (model.decision(shuffled) == model.decision(TABLE)).all()


@pytest.mark.parametrize(
    ("kind", "frame", "message"),
    [
        ("gaussian", ROWS.drop("colour"), "lacks the column colour"),
        ("gaussian", ROWS.select("message"), "lacks the columns size, colour"),
        ("poisson", ROWS.drop("exposure"), "lacks the column exposure"),
        ("offset", ROWS.drop("exposure"), "lacks the column exposure"),
        ("text", ROWS.drop("message"), "lacks the column message"),
        ("gaussian", ROWS.with_columns(size=polars.lit("big")), "'size' holds 'big' in row 0"),
        ("gaussian", ROWS.with_columns(size=float("inf")), "'size' holds an infinity"),
        ("poisson", ROWS.with_columns(exposure=0.0), "'exposure' is 0 in row 0"),
    ],
)
def test_unfit_rows_are_refused(rng, kind, frame, message):
    with pytest.raises(DataError, match=message):
        models(rng)[kind].predict(Table("new.csv", frame))


def test_sparse_rows_may_end_early_but_not_late(rng):
    model = models(rng)["nameless"]
    with pytest.raises(DataError, match="7 columns, the model 5"):
        model.predict(Table("new.libsvm", matrix=scipy.sparse.csr_array(np.eye(7)), y=np.zeros(7)))


def test_numbers_that_name_a_category_are_read_as_words(rng):
    rows = polars.DataFrame({"zone": ["1", "2", "3+"]})
    encoder = Encoder.fit(rows, impute="mean", unseen="reference")
    model = Model("y", "gaussian", {}, 0.1, rng.standard_normal(2), np.array(0.5), encoder.names, encoder)
    assert model.decision(Table("new.csv", polars.DataFrame({"zone": [2]})))[0] == model.coef[0] + 0.5


def changed(**fields):
    return lambda data: {**data, **fields}


DAMAGES = {
    "classes of a number": (lambda d: {**d, "classes": ["a", "b"]}, "2 classes, but the gaussian family has 0"),
    "a target that is no text": (lambda d: {**d, "target": 3}, "target is no text"),
    "nothing to fill gaps": (lambda d: {**d, "encoder": {**d["encoder"], "fills": []}}, "0 values fill the gaps"),
    "another format": (changed(format="onnx"), "no alphaomega-model file"),
    "a later version": (changed(version=99), "version 99, this alphaomega reads version 1"),
    "a list": (lambda data: [data], "no alphaomega-model file"),
    "no coef": (lambda data: {name: part for name, part in data.items() if name != "coef"}, "lacks coef"),
    "too few coef": (changed(coef=[1.0]), "does not fit together"),
    "words as coef": (changed(coef=["a", "b", "c"]), "does not fit together"),
    "null coef": (changed(coef=[None, 1.0, 2.0]), "does not fit together"),
    "another family": (changed(family="cauchy"), "does not fit together"),
    "no encoder": (changed(encoder=None), "does not fit together"),
    "another encoder": (changed(encoder={"kind": "pickle"}), "does not fit together"),
    "a number that JSON lacks": (changed(alpha=float("nan")), "is damaged"),
    "renamed features": (changed(feature_names=["a", "b", "c"]), "does not fit together"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_models_are_refused(tmp_path, rng, damage):
    file = tmp_path / "model.json"
    write_model(models(rng)["gaussian"], file)
    change, message = DAMAGES[damage]
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    with pytest.raises(ModelError, match=message):
        read_model(file)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_models_are_refused(tmp_path, rng, share):
    file = tmp_path / "model.json"
    write_model(models(rng)["gaussian"], file)
    content = file.read_bytes().rstrip()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match="damaged"):
        read_model(file)


def test_binary_and_missing_files_are_refused(tmp_path):
    (tmp_path / "model.json").write_bytes(b"\x80\x04\x95pickle\xff")
    with pytest.raises(ModelError, match="damaged"):
        read_model(tmp_path / "model.json")
    (tmp_path / "model.json").write_text("[" * 100_000)
    with pytest.raises(ModelError, match="damaged"):
        read_model(tmp_path / "model.json")
    with pytest.raises(ModelError, match="no file"):
        read_model(tmp_path / "other.json")
