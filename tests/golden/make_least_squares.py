"""Rewrite least_squares.json with R's lm, MASS and glmnet: `python tests/golden/make_least_squares.py`."""

import json
import subprocess
import tempfile
from pathlib import Path

import pandas
from sklearn import datasets

HERE = Path(__file__).parent
VERSIONS = 'cat(R.version.string, "MASS", format(packageVersion("MASS")), "glmnet", format(packageVersion("glmnet")))'


def run(*arguments):
    return subprocess.run(["Rscript", *arguments], check=True, capture_output=True, text=True).stdout


with tempfile.TemporaryDirectory() as folder:
    data = datasets.load_diabetes()
    pandas.DataFrame(data.data).to_csv(f"{folder}/diabetes_x.csv", index=False)
    pandas.DataFrame({"y": data.target}).to_csv(f"{folder}/diabetes_y.csv", index=False)
    golden = json.loads(run(HERE / "least_squares.R", folder))

golden["source"] = f"{run('-e', VERSIONS)}; written by make_least_squares.py"
(HERE / "least_squares.json").write_text(json.dumps(golden, indent=0) + "\n")
