"""Run the command line: as ``geo-matcher``, or as ``python -m geo_matcher``.

Hides that Ctrl-C may come while the program is still being loaded, which takes a second or two.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

EXIT_STOPPED = 130
"""Exit code of a call that Ctrl-C stopped, as shells have it."""


def main() -> None:
    """Load the command line and run it; Ctrl-C at any moment ends with one line."""
    try:
        from geo_matcher.cli import main as run

        run()
    except KeyboardInterrupt:
        _stop()
    except SystemExit as end:
        if end.code != EXIT_STOPPED:
            raise
        _stop()


def _stop() -> None:
    sys.stderr.write("Stopped.\n")
    sys.exit(EXIT_STOPPED)


if __name__ == "__main__":
    main()
