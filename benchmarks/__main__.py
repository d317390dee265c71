"""The command line: `python -m benchmarks path --peers-python PYTHON`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import memory, report, scaling, warmup
from .peers import PEERS
from .problems import DATA, SUITES, available
from .results import Results
from .runner import Control, run

OWN = {
    "scaling-p": lambda: scaling.run("p"),
    "scaling-n": lambda: scaling.run("n"),
    "memory": memory.run,
    "warmup": warmup.run,
}


def options() -> argparse.Namespace:
    """What was asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = (*SUITES, *OWN, "report")
    parser.add_argument("what", nargs="*", choices=[*names, []], help=f"any of {', '.join(names)}; default: all")
    parser.add_argument("--problems", help="some problems only, separated by commas")
    parser.add_argument("--solvers", help="some solvers only, separated by commas: " + ", ".join(PEERS))
    parser.add_argument("--peers-python", default=sys.executable, help="a Python that holds the peers")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved runs of each")
    parser.add_argument("--limit", type=float, default=60.0, help="longest run in seconds")
    parser.add_argument("--seed", type=int, default=0, help="another draw of the generated problems")
    parser.add_argument("--reuse", action="store_true", help="take the tolerances from the results at hand")
    parser.add_argument("--docs", type=Path, default=Path("docs/benchmarks"), help="where results and tables go")
    asked = parser.parse_args()
    asked.what = asked.what or names
    return asked


def main() -> None:
    """Measure what was asked, then write tables and pictures of all results."""
    asked = options()
    results = Results(asked.docs / "results.json")
    only = tuple(asked.solvers.split(",")) if asked.solvers else tuple(PEERS)
    control = Control(asked.peers_python, asked.rounds, asked.limit, asked.seed, only=only)
    for name in asked.what:
        if name in OWN:
            print(name)
            results.put(name, OWN[name]())
        elif name in SUITES:
            for problem in SUITES[name].problems:
                if asked.problems and problem not in asked.problems.split(","):
                    continue
                if not available(problem):
                    print(f"{name}: {problem} left out, its data are not in {DATA}")
                    continue
                print(f"{name}: {problem}", flush=True)
                earlier = results.rows(name, problem) if asked.reuse else []
                results.put_race(name, problem, run(name, problem, control, earlier))
    report.write(results, asked.docs)


if __name__ == "__main__":
    main()
