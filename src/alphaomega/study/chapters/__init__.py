"""The chapters that `alphaomega study --thorough` adds: one file each, one line in `REGISTRY`."""

from .base import Chapter, Entry, Grid, Material, Picture
from .run import material_of, run_chapters

#: In the order in which they are told: the module of this package, what the progress bar says, its share of the work.
REGISTRY = (
    Entry("summary", "the table of L1 and L2", 3.0),
    Entry("bias_variance", "bias and variance", 4.0),
    Entry("strengths", "choices of alpha", 1.0),
    Entry("stability", "stability", 1.0),
    Entry("ensembles", "the ensemble", 1.0),
    Entry("significance", "significance", 2.0),
    Entry("posterior", "posterior intervals", 3.0),
    Entry("outliers", "outliers", 3.0),
    Entry("dropout", "iterative dropout", 3.0),
)

__all__ = ["REGISTRY", "Chapter", "Entry", "Grid", "Material", "Picture", "material_of", "run_chapters"]
