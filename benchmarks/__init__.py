"""Benchmarks against other packages, one command: `python -m benchmarks --help`.

`problems.py` and `peers.py` are registries: what is solved, and who solves it. `certify.py` recomputes the duality gap
of everybody's solutions with one function. `runner.py` times all in turn, each in a process of its own (`worker.py`).
`scaling.py`, `memory.py` and `warmup.py` measure what concerns this package alone; `report.py` writes tables, and
`pictures.py` pictures.
"""
