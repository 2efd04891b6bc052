"""Run every benchmark and print one table: ``python -m tests.benchmarks [NAME…]``."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    bench_access,
    bench_departement,
    bench_desk,
    bench_interview,
    bench_lift,
    bench_maps,
    bench_page,
    bench_planning,
    bench_ranking,
    bench_robustness,
    bench_service,
    bench_sources,
)
from tests.benchmarks.measure import Row

BENCHMARKS = {
    "ranking": bench_ranking.run,
    "robustness": bench_robustness.run,
    "interview": bench_interview.run,
    "lift": bench_lift.run,
    "service": bench_service.run,
    "page": bench_page.run,
    "planning": bench_planning.run,
    "maps": bench_maps.run,
    "access": bench_access.run,
    "desk": bench_desk.run,
    "sources": bench_sources.run,
    "departement": bench_departement.run,
}


def main() -> int:
    """Run the benchmarks named on the command line, or all of them."""
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"unknown benchmark {unknown[0]!r}: choose among {', '.join(BENCHMARKS)}")
        return 2
    rows: list[Row] = [row for name in names for row in BENCHMARKS[name]()]
    packages = ("numpy", "fastapi", "uvicorn", "folium", "scikit-criteria", "scipy")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in packages)
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "measured", "target", "peer", "peer measured", "ratio"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*row.cells())
    Console(width=150).print(table)
    missed = [row.what for row in rows if not row.is_met]
    print("every target met" if not missed else "targets missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
