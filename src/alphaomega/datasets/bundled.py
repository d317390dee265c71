"""Data sets that can be named instead of a file: scikit-learn's, read without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .table import DataError, Table

DEFAULT = "diabetes"


@dataclass(frozen=True)
class Bundled:
    """How a bundled data set is called and loaded."""

    loader: str
    target: str
    family: str
    description: str


BUNDLED = {
    "diabetes": Bundled(
        "load_diabetes",
        "progression",
        "gaussian",
        "disease progression after a year from 10 baseline measurements (Efron et al. 2004)",
    ),
    "breast_cancer": Bundled(
        "load_breast_cancer",
        "diagnosis",
        "binomial",
        "malignant or benign from 30 measurements of cell nuclei (Wisconsin, 1995)",
    ),
    "wine": Bundled("load_wine", "cultivar", "multinomial", "three cultivars from 13 chemical measurements (1991)"),
    "digits": Bundled("load_digits", "digit", "multinomial", "handwritten digits from 8 x 8 pixels (1998)"),
    "iris": Bundled("load_iris", "species", "multinomial", "three iris species from 4 measurements (Fisher 1936)"),
}


def names() -> list[str]:
    """The names of the bundled data sets.

    Examples
    --------
    >>> names()
    ['diabetes', 'breast_cancer', 'wine', 'digits', 'iris']
    """
    return list(BUNDLED)


def load(name: str = DEFAULT) -> Table:
    """A bundled data set by name.

    Raises
    ------
    DataError
        If there is no such name.

    Examples
    --------
    >>> load("iris").frame["species"].unique(maintain_order=True).to_list()
    ['setosa', 'versicolor', 'virginica']
    """
    import polars
    from sklearn import datasets as sklearn_datasets

    if name not in BUNDLED:
        raise DataError(f"there is no bundled data set {name!r}; choose one of {', '.join(BUNDLED)}")
    entry = BUNDLED[name]
    bunch = getattr(sklearn_datasets, entry.loader)()
    values, columns = bunch.data, [str(column) for column in bunch.feature_names]
    if name == "diabetes":
        bunch = sklearn_datasets.load_diabetes(scaled=False)
        values = bunch.data
    data: dict[str, Any] = {column: values[:, j] for j, column in enumerate(columns)}
    target = bunch.target
    if entry.family != "gaussian":
        labels = [str(label) for label in bunch.target_names]
        target = [labels[code] for code in bunch.target]
    data[entry.target] = target
    return Table(name, polars.DataFrame(data), target=entry.target, family=entry.family, description=entry.description)
