"""A column of text as a bag of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..datasets import DataError

MIN_ROWS_PER_WORD = 2
TOKEN = r"(?u)\b\w\w+\b"


@dataclass(frozen=True, eq=False)
class BagOfWords:
    """log(1 + how often a word occurs), a sparse column for each word that at least two training texts share.

    Attributes
    ----------
    column : the column of text.
    names : the words, in alphabetical order.

    Examples
    --------
    >>> import polars
    >>> texts = polars.DataFrame({"message": ["free prize", "free lunch", "lunch at noon"]})
    >>> BagOfWords.fit(texts).names
    ('free', 'lunch')
    """

    column: str
    names: tuple[str, ...]

    @classmethod
    def fit(cls, frame: Any) -> BagOfWords:
        """Learn the words of a frame of one column of text.

        Raises
        ------
        DataError
            If no word occurs in two texts.
        """
        (column,) = frame.columns
        vectorizer = _vectorizer(min_df=MIN_ROWS_PER_WORD)
        try:
            vectorizer.fit(_texts(frame, column))
        except ValueError as error:
            raise DataError(f"no word of column {column!r} occurs in two texts; is it text?") from error
        return cls(column, tuple(vectorizer.get_feature_names_out().tolist()))

    @property
    def sources(self) -> tuple[str, ...]:
        """The column each word came from."""
        return (self.column,) * len(self.names)

    def transform(self, frame: Any) -> Any:
        """The sparse matrix (n, words) of a frame that holds the column."""
        counts = _vectorizer(vocabulary=list(self.names)).transform(_texts(frame, self.column))
        return counts.log1p().tocsc()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a model file."""
        return {"column": self.column, "names": list(self.names)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> BagOfWords:
        """The inverse of `to_dict`."""
        return cls(data["column"], tuple(data["names"]))


def _vectorizer(**options: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(token_pattern=TOKEN, dtype=float, **options)


def _texts(frame: Any, column: str) -> list[str]:
    if column not in frame.columns:
        raise DataError(f"the data lack the column {column!r}, which the model reads as text")
    return frame[column].cast(str).fill_null("").to_list()
