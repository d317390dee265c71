"""The study of a file that would not fit in memory: the same comparison, X read in batches."""

from .reading import understand_large
from .run import study_large
from .sizes import budget, too_large

__all__ = ["budget", "study_large", "too_large", "understand_large"]
