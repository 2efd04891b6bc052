"""Run the command line as ``python -m geo_matcher``."""

from __future__ import annotations

from geo_matcher.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
