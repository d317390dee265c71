"""The squared loss from sums alone: one pass over X gives what a path, its folds and their held-out errors need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..designs.base import GramParts
from ..problem import NullModel, Problem
from .frame import Frame, check_finite, moments_of, whole_frame
from .raw import RawPath

Floats = NDArray[np.float64]
STEADY = 1e-12  # a variance of y below this share of all rows' may be rounding: the lane's rows are looked at
LOST = 1e-8  # nor is an error below this share of the variance of y taken from sums


@dataclass(frozen=True)
class FoldSums:
    """The Grams of [X - shift, target, 1] over the rows of each fold; target = y - offset - mean."""

    problem: Problem
    folds: NDArray[np.intp] | None
    passed: GramParts
    mean: float

    @classmethod
    def of(cls, problem: Problem, folds: NDArray[np.intp] | None) -> FoldSums:
        """One read of X; beside it a few vectors of n numbers."""
        share = problem.weights / problem.total
        target = problem.y if problem.offset is None else problem.y - problem.base_eta()
        mean = float(share @ target) if problem.intercept else 0.0
        labels = np.zeros(len(share), dtype=np.intp) if folds is None else folds
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused by name
            passed = problem.design.gram_parts(labels, share, (target - mean)[:, None])
        check_finite(problem, passed.parts[:, : len(passed.shift), -1].T)
        return cls(problem, folds, passed, mean)

    def frame(self) -> Frame:
        """All rows, and all but each fold: totals minus parts."""
        parts = self.passed.parts
        total = parts.sum(0)
        sums = [total] + ([] if self.folds is None else [total - part for part in parts])
        lanes = [partial(self._lane, number - 1) for number in range(len(sums))]
        moments = [moments_of(self.problem, own, self.passed, lane) for own, lane in zip(sums, lanes)]
        spread = total[-2, -2] / total[-1, -1]
        targets, nulls = [], []
        for own, lane in zip(sums, lanes):
            mean = own[-2, -1] / own[-1, -1] if self.problem.intercept else 0.0
            energy = max(own[-2, -2] / own[-1, -1] - mean**2, 0.0)
            null = NullModel(np.asarray(self.mean + mean), np.empty(0), energy / 2)
            if energy <= STEADY * (spread + self.mean**2):
                null = replace(NullModel.of(lane()), eta=np.empty(0))
            nulls.append(null)
            targets.append((self.mean + mean, energy))
        return whole_frame(self.problem, nulls, moments, targets)

    def _lane(self, fold: int) -> Problem:
        """The problem without a fold; of all rows for fold -1."""
        if fold < 0:
            return self.problem
        return replace(self.problem, weights=np.where(self.folds == fold, 0.0, self.problem.weights))

    def held_out(self, fold: int, path: RawPath) -> Floats | None:
        """The mean squared error of a fold's rows at every alpha; None where rounding would show."""
        own, total = self.passed.parts[fold], self.passed.parts.sum(0)
        columns, values = path.table.columns, path.table.values
        shift = path.intercept - self.mean + values @ self.passed.shift[columns]
        residual = np.column_stack([-values, np.ones(len(shift)), -shift])
        used = np.append(columns, [len(own) - 2, len(own) - 1])
        error = np.vecdot(residual @ own[np.ix_(used, used)], residual) / (own[-1, -1] or 1.0)
        return error if (error > LOST * total[-2, -2] / total[-1, -1]).all() else None
