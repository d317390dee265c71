"""What a penalty does to the error, measured: bias and variance, processes with a known truth, the summary table."""

from .bias_variance import BiasVariance, bias_variance
from .comparison import Line, SummaryTable, summary_table
from .simulators import REGISTRY, Process, contaminated, correlated, dense_equal, grouped, nonlinear, sparse

__all__ = [
    "REGISTRY",
    "BiasVariance",
    "Line",
    "Process",
    "SummaryTable",
    "bias_variance",
    "contaminated",
    "correlated",
    "dense_equal",
    "grouped",
    "nonlinear",
    "sparse",
    "summary_table",
]
