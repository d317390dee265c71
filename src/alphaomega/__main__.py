"""Where the command starts: `alphaomega`, or `python -m alphaomega`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; Ctrl-C is exit code 130 also while it is still being loaded."""
    try:
        from .cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
