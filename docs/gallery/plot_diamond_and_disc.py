"""
The L1 diamond and the L2 disc
==============================

Why L1 sets coefficients to zero and L2 does not, drawn with the real loss of two features. Of all pairs of coefficients
that fit equally well (the bold contour), L1 takes the one with the smallest sum of absolute values, L2 the one with the
smallest sum of squares. A diamond has corners on the axes; a disc has none.
"""

import alphaomega as ao
from alphaomega.plotting import touching, touching_figure

data = ao.datasets.load("diabetes").frame
names = ["bmi", "s6"]
found = touching(data.select(names).to_numpy(), data["progression"].to_numpy())
touching_figure(found, names=names)

# %%
# Both points fit equally well: they lie on one contour.

for name, w in (("L1", found.l1), ("L2", found.l2)):
    print(f"{name}: bmi {w[0]:.3f}, s6 {w[1]:.3f} (per standard deviation), ||w||_1 {abs(w).sum():.2f}")
