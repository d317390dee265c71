"""Rewrite glmnet.json with R's glmnet: `python tests/golden/make_glmnet.py [FOLDER with glmnet's example data]`.

diabetes, breast_cancer and wine come with scikit-learn. FOLDER may hold glmnet's own QuickStart, Binomial and Poisson
examples as NAME_x.csv.gz and NAME_y.csv; of those only the solutions are kept here.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas
from sklearn import datasets

HERE = Path(__file__).parent

with tempfile.TemporaryDirectory() as folder:
    for name in ("diabetes", "breast_cancer", "wine"):
        data = getattr(datasets, f"load_{name}")()
        pandas.DataFrame(data.data).to_csv(f"{folder}/{name}_x.csv", index=False)
        pandas.DataFrame({"y": data.target}).to_csv(f"{folder}/{name}_y.csv", index=False)
    for name in ("QuickStart", "Binomial", "Poisson") if len(sys.argv) > 1 else ():
        for part, suffix in (("x", ".csv.gz"), ("y", ".csv")):
            frame = pandas.read_csv(f"{sys.argv[1]}/{name}_{part}{suffix}")
            frame.to_csv(f"{folder}/{name}_{part}.csv", index=False)
    lines = subprocess.run(["Rscript", HERE / "glmnet.R", folder], check=True, capture_output=True, text=True).stdout
    version = subprocess.run(
        ["Rscript", "-e", "cat(as.character(packageVersion('glmnet')))"], check=True, capture_output=True, text=True
    ).stdout

golden = {
    "source": f"R glmnet {version}, thresh 1e-16, standardize=TRUE; written by make_glmnet.py",
    "records": [json.loads(line) for line in lines.splitlines()],
}
(HERE / "glmnet.json").write_text(json.dumps(golden, indent=0) + "\n")
