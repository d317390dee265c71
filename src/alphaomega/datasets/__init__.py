"""Small bundled data, and readers for the files that people have."""

from .bundled import BUNDLED, DEFAULT, load, names
from .readers import FORMATS, read
from .table import DataError, Table

__all__ = ["BUNDLED", "DEFAULT", "FORMATS", "DataError", "Table", "load", "names", "read"]
