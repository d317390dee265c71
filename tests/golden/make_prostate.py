"""The inner products of ESL's prostate data that its published tests depend on, as one JSON file.

Usage: python make_prostate.py PROSTATE_CSV > prostate.json. The columns are those of the 67 training rows, standardised
on them (1/n deviations), then lpsa, centred; products over n. Least angle regression and all that is said along it
depend on these numbers alone, and on n. Data: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning.
"""

from __future__ import annotations

import csv
import json
import sys

import numpy as np

NAMES = ["lcavol", "lweight", "age", "lbph", "svi", "lcp", "gleason", "pgg45"]


def main(path: str) -> None:
    """Print the file."""
    with open(path) as file:
        rows = [row for row in csv.DictReader(file) if row["train"].startswith("T")]
    X = np.array([[float(row[name]) for name in NAMES] for row in rows])
    X = (X - X.mean(0)) / X.std(0)
    y = np.array([float(row["lpsa"]) for row in rows])
    table = np.column_stack([X, y - y.mean()])
    products = (table.T @ table / len(rows)).tolist()
    print(json.dumps({"rows": len(rows), "names": NAMES, "mean": y.mean(), "products": products}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1])
