"""The order of the gallery: the linear models from easy to hard, then the networks."""

from __future__ import annotations

FIRST = [
    "plot_lasso_path.py",
    "plot_cross_validation.py",
    "plot_errors.py",
    "plot_diamond_and_disc.py",
    "plot_group_lasso.py",
    "plot_poisson_offset.py",
    "plot_weights_bounds_sums.py",
    "plot_own_penalty.py",
]


def place(file_name: str) -> tuple[int, str]:
    """Where an example stands; those not listed follow by name."""
    return (FIRST.index(file_name) if file_name in FIRST else len(FIRST), file_name)


class Order:
    """What sphinx-gallery calls with a folder, then with each file name."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, file_name: str) -> tuple[int, str]:
        return place(file_name)
