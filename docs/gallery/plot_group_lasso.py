"""
Group lasso on categorical data
===============================

A categorical column is several indicator columns. L1 may keep some of them and drop others; the group lasso keeps or
drops the column as a whole. The data are simulated, so that the truth is known: the price of a flat depends on its area
and its district, not on the month, the agent or the colour of the door.
"""

import numpy as np
import polars as pl

import alphaomega as ao

rng = np.random.default_rng(1)
n = 300
levels = {"district": 8, "month": 12, "agent": 10, "door": 6}
columns = {name: [f"{name[0]}{code:02d}" for code in rng.integers(0, size, n)] for name, size in levels.items()}
area = rng.uniform(30, 120, n)
worth = dict(zip([f"d{code:02d}" for code in range(8)], rng.normal(0, 30, 8), strict=True))
price = 3 * area + [worth[district] for district in columns["district"]] + rng.normal(0, 40, n)
flats = pl.DataFrame({"area": area, **columns})

# %%
# Any dataframe will do (pandas, polars, pyarrow): text becomes indicator columns, and the encoder knows which of them
# belong to one source column. Those groups are all that the penalty needs.

encoder = ao.Encoder.fit(flats)
groups = encoder.groups
print(f"{len(encoder.columns)} columns become {len(encoder.names)}: {', '.join(encoder.names[:4])}, ...")

# %%
# Both penalties are cross-validated on the same folds.

fits = {}
for name, penalty in (("L1", ao.L1()), ("GroupL1", ao.GroupL1(groups))):
    cv = ao.cross_validate(flats, price, penalty=penalty, standardize=True, seed=0)
    coef = cv.path.coef_standardized[cv.index_1se]
    fits[name] = coef
    for source, label in enumerate(encoder.columns):
        inside = coef[np.array(groups) == source]
        used, norm = np.count_nonzero(inside), np.sqrt(inside @ inside)
        print(f"{name:>8} {label:>9}: {used} of {len(inside)} columns, norm {norm:.1f}")

# %%
# The same as a picture: hollow points are exact zeros.

from alphaomega.plotting import coefficients_figure

coefficients_figure(fits, encoder.names)
