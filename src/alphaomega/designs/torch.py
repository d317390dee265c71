"""PyTorch tensors on a CPU or a GPU: storage as it is, all products accumulated in float64 where the tensor lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .base import Block, Columns, Design, Floats, GramParts
from .dense import SHIFT_ROWS

if TYPE_CHECKING:
    from torch import Tensor

BLOCK_BYTES = 256 << 20  # of float64 made from float32 at a time


class Torch(Design):
    """A two-dimensional tensor; X and the working columns stay on its device, vectors of n and p numbers come back.

    Parameters
    ----------
    tensor : tensor of shape (n, p)
        float32 or float64; other kinds are converted to float64. Nothing of the size of X is copied: float32 becomes
        float64 in blocks of rows, as certificates need sums in float64.

    Examples
    --------
    >>> import numpy as np, torch  # doctest: +SKIP
    >>> Torch(torch.eye(2)).rmatvec(np.array([1.0, 2.0]))  # doctest: +SKIP
    array([1., 2.])
    """

    def __init__(self, tensor: Tensor) -> None:
        import torch

        if tensor.ndim != 2:
            raise ValueError(f"X must be two-dimensional, got shape {tuple(tensor.shape)}")
        if tensor.layout is not torch.strided:
            raise TypeError(f"X is a {tensor.layout} tensor; pass X.to_dense(), or a SciPy sparse matrix")
        if tensor.is_complex():
            raise ValueError("X holds complex numbers; pass real ones, e.g. the real and imaginary parts as columns")
        tensor = tensor.detach()
        self.tensor = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.to(torch.float64)
        self.shape = (tensor.shape[0], tensor.shape[1])

    def __repr__(self) -> str:
        return f"Torch({self.shape[0]} x {self.shape[1]}, {self.tensor.dtype}, {self.tensor.device})"

    def put(self, array: NDArray) -> Tensor:
        """An array on the tensor's device."""
        import torch

        return torch.from_numpy(np.array(array)).to(self.tensor.device)

    def picked(self, columns: Columns | None) -> Tensor:
        """Some columns, as stored."""
        return self.tensor if columns is None else self.tensor.index_select(1, self.put(columns))

    def blocks(self, columns: Columns | None = None) -> Iterator[tuple[slice, Tensor]]:
        """Rows and a float64 block of them; the whole where it is float64 already."""
        import torch

        chosen = self.picked(columns)
        step = max(1, BLOCK_BYTES // (8 * max(1, chosen.shape[1])))
        for start in range(0, len(chosen), step):
            rows = slice(start, min(start + step, len(chosen)))
            yield rows, chosen[rows].to(torch.float64)

    def _added(self, shape: tuple[int, ...], work: Callable[[slice, Any], Any], columns: Columns | None) -> Floats:
        """The sum of work(rows, block) over blocks."""
        import torch

        total = torch.zeros(shape, dtype=torch.float64, device=self.tensor.device)
        for rows, block in self.blocks(columns):
            total += work(rows, block)
        return total.cpu().numpy()

    def take(self, columns: Columns) -> Floats:
        self._count(columns)
        return np.asfortranarray(self.picked(columns).cpu().numpy(), dtype=np.float64)

    def rows(self, index: NDArray[np.intp] | slice) -> Torch:
        return Torch(self.tensor[index if isinstance(index, slice) else self.put(index)])

    def _matvec(self, w: Floats, columns: Columns | None) -> Floats:
        right = self.put(w)
        result = np.empty((self.shape[0], *w.shape[1:]))
        for rows, block in self.blocks(columns):
            result[rows] = (block @ right).cpu().numpy()
        return result

    def _rmatvec(self, r: Floats, columns: Columns | None) -> Floats:
        right = self.put(r)
        width = self.shape[1] if columns is None else len(columns)
        return self._added((width, *r.shape[1:]), lambda rows, block: block.T @ right[rows], columns)

    def _sums(self, vectors: Floats, weights: Floats) -> tuple[Floats, Floats]:
        left, right = self.put(vectors), self.put(weights)
        k = left.shape[1]

        def both(rows: slice, block: Any) -> Any:
            import torch

            return torch.hstack([block.T @ left[rows], (block * block).T @ right[rows]])

        result = self._added((self.shape[1], k + right.shape[1]), both, None)
        return result[:, :k], result[:, k:]

    def _gram(self, columns: Columns | None, weights: Floats | None) -> Floats:
        size = self.shape[1] if columns is None else len(columns)
        if weights is None:
            return self._added((size, size), lambda rows, block: block.T @ block, columns)
        right = self.put(weights)[:, None]
        return self._added((size, size), lambda rows, block: block.T @ (block * right[rows]), columns)

    def gram_parts(self, labels: NDArray[np.intp], weights: Floats, extra: Floats) -> GramParts:
        import torch

        self._count(None)
        n, p = self.shape
        sample = self.tensor[:: max(1, n // SHIFT_ROWS)].to(torch.float64)
        shift = sample.mean(0) if len(sample) else torch.zeros(p, dtype=torch.float64, device=self.tensor.device)
        shift = torch.where(torch.isfinite(shift), shift, 0.0)
        count = int(labels.max(initial=0)) + 1
        side = self.put(np.column_stack([extra, np.ones(n)]))
        root, label = self.put(np.sqrt(weights)), self.put(labels)
        total = torch.zeros((count, p + side.shape[1], p + side.shape[1]), dtype=torch.float64, device=side.device)
        for rows, block in self.blocks():
            whole = torch.hstack([block - shift, side[rows]]) * root[rows, None]
            for number in range(count):
                own = whole if count == 1 else whole[label[rows] == number]
                total[number] += own.T @ own
        return GramParts(total.cpu().numpy(), shift.cpu().numpy())

    def _row_gram(self, weights: Floats, center: Floats) -> Floats:
        import torch

        middle, scale = self.put(center), self.put(weights)
        result = torch.zeros((self.shape[0],) * 2, dtype=torch.float64, device=self.tensor.device)
        step = max(64, BLOCK_BYTES // (8 * max(1, self.shape[0])))
        for start in range(0, self.shape[1], step):
            part = slice(start, start + step)
            block = self.tensor[:, part].to(torch.float64) - middle[part]
            result += (block * scale[part]) @ block.T
        return result.cpu().numpy()

    def block(self, center: Floats, scale: Floats) -> TorchBlock:
        return TorchBlock(self, center, scale)


class TorchBlock(Block):
    """Standardised columns side by side on the design's device; small solves run on the CPU, from Grams."""

    def __init__(self, design: Torch, center: Floats, scale: Floats) -> None:
        import torch

        self.design, self.center, self.scale = design, center, scale
        self.columns = torch.empty((design.shape[0], 0), dtype=torch.float64, device=design.tensor.device)
        self.size = 0

    def append(self, columns: Columns) -> None:
        import torch

        self.design._count(columns)
        fresh = self.design.picked(columns).to(torch.float64)
        fresh = (fresh - self.design.put(self.center[columns])) / self.design.put(self.scale[columns])
        self.columns = torch.hstack([self.columns, fresh])
        self.size += len(columns)

    def matvec(self, w: Floats, places: Columns) -> Floats:
        whole = np.zeros((self.size, *w.shape[1:]))
        whole[places] = w
        return (self.columns @ self.design.put(whole)).cpu().numpy()

    def rmatvec(self, r: Floats) -> Floats:
        return (self.columns.T @ self.design.put(r)).cpu().numpy()

    def gram(self, weights: Floats, left: Columns, right: Columns) -> Floats:
        first = self.columns[:, self.design.put(left)]
        second = self.columns[:, self.design.put(right)] * self.design.put(weights)[:, None]
        return (first.T @ second).cpu().numpy()
