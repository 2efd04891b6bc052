"""One département cut out of a national file: the product's reader, DuckDB, polars, pyarrow.

``python -m tests.benchmarks.bench_sources --mb 500`` writes the files (invented) into a temporary
folder, lets each reader cut the same département out of the same file in a process of its own, one
after the other, and prints MB/s and peak memory. The full sizes, some minutes and 6 GB of disk::

    python -m tests.benchmarks.bench_sources --facilities-mb 1500 --buildings-mb 4500

Files are read once before the clock starts, so that the disk's cache serves all alike.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.source import Fetched
from tests.benchmarks.measure import Row

__all__ = ["run"]

DEPARTEMENT = "32"
MEMORY_MB = 500.0
"""Most memory that a cut may take, in MB."""

SPEED_MB_S = 100.0
"""Least speed of a cut: that of a plain disk, in MB/s."""

FACILITY_COLUMNS = (
    "AN", "NOMRS", "CNOMRS", "NUMVOIE", "INDREP", "TYPVOIE", "LIBVOIE", "CADR", "CODPOS", "DEPCOM",
    "DEP", "REG", "LIBCOM", "DOM", "SDOM", "TYPEQU", "SIRET", "STATUT_DIFFUSION",
    *(f"DETAIL_{k}" for k in range(66)),
    "LAMBERT_X", "LAMBERT_Y", "LONGITUDE", "LATITUDE", "QUALITE_XY", "EPSG", "QUALITE_GEOLOC",
    "DCIRIS", "QUALI_IRIS", "EPCI", "UU2020",
)  # fmt: skip
"""Columns of the BPE of 2025: 95, every cell of which stands between quotes, figures too."""


def _quoted(cells: Iterable[str]) -> str:
    return ";".join(f'"{cell}"' for cell in cells) + "\n"


FACILITY_HEAD = _quoted(FACILITY_COLUMNS)
BUILDING_HEAD = (
    "x,y,imb_id,num_voie,cp_no_voie,type_voie,nom_voie,batiment,code_insee,code_poste,nom_com,"
    "catg_loc_imb,imb_etat,pm_ref,pm_etat,pm_date_mad,code_l331,type_imb,date_completude,"
    "date_completude_manquante\n"
)

FACILITIES = Layout(
    "facilities",
    (
        Field("AN"),
        Field("DEPCOM", "code"),
        Field("TYPEQU"),
        Field("QUALITE_XY"),
        Field("LONGITUDE", "number", missing=("",)),
        Field("LATITUDE", "number", missing=("",)),
    ),
)
BUILDINGS = Layout(
    "buildings",
    (
        Field("code_insee", "code"),
        Field("x", "number"),
        Field("y", "number"),
        Field("imb_etat"),
        Field("type_imb"),
    ),
    delimiter=",",
)


@dataclass(frozen=True)
class File:
    """A national file: how it is written, and which column names the commune."""

    path: Path
    layout: Layout
    code: str

    @property
    def columns(self) -> list[str]:
        return [field.name for field in self.layout.fields]


# --- Files -----------------------------------------------------------------------------------


def _codes() -> list[str]:
    """Return the communes of an invented France, in the order of official files: by code."""
    return [f"{dep:02d}{k:03d}" for dep in range(1, 96) if dep != 20 for k in range(1, 373)]


OWN = frozenset(code for code in _codes() if code.startswith(DEPARTEMENT))


def _facility(code: str, serial: int) -> str:
    name = 'L\'ÉPICERIE ; ""du\ncoin""' if serial % 7 == 0 else "SANS NOM"
    place = (f"{0.1 + serial % 97 / 100}", f"{43.5 + serial % 89 / 100}")
    kind = ("B207", "B202", "A206", "D265", "F121", "A504")[serial % 6]
    return _quoted(
        (
            "2025", name, "", f"{serial % 90}", "", "RUE", "DE LA REPUBLIQUE", "", code, code,
            code[:2], "76", f"COMMUNE {code}", "B", "B2", kind, f"{10**13 + serial}", "O",
            *["_Z"] * 66, "512345.6", "6281234.5", *(("", "") if serial % 50 == 0 else place),
            "B", "2154", "11", f"{code}0000", "1", "200066926", "00000",
        )
    )  # fmt: skip


def _building(code: str, serial: int) -> str:
    return (
        f"{0.1 + serial % 97 / 100},{43.5 + serial % 89 / 100},IMB/{code}/{serial:08d},"
        f"{serial % 90},,RUE,DE LA REPUBLIQUE,,{code},{code},COMMUNE {code},2,"
        f"{('deploye', 'cible', 'signe')[serial % 3]},FI-{code}-0001,deploye,2021-05-12,GERN,"
        f"{('pavillon', 'immeuble')[serial % 5 == 0]},2022-01-01,\n"
    )


def _write(path: Path, head: str, line: Callable[[str, int], str], megabytes: float) -> Path:
    """Write whole communes, each with as many rows as it takes to reach the size."""
    codes = _codes()
    each = max(1, round(megabytes * 1e6 / len(codes) / len(line(codes[0], 1).encode())))
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(head)
        for place, code in enumerate(codes):
            out.write("".join(line(code, place * each + k) for k in range(each)))
    return path


def _zip(path: Path) -> Path:
    target = path.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(path, "BPE25.csv")
    return target


# --- Readers ---------------------------------------------------------------------------------


def with_product(file: File) -> int:
    """Cut with the product's own reader, cells checked and converted."""
    fetched = Fetched(
        file.path,
        f"https://example.test/{file.path.name}",
        "",
        "",
        "",
        0,
        "",
        dt.date(2026, 11, 26),
    )
    return len(
        read_delimited(fetched, file.layout, where=[Where(file.code, OWN)], member=r"\.csv$")
    )


def with_pyarrow(file: File) -> int:
    """Cut with pyarrow's data set, everything text."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    from pyarrow import csv

    layout = ds.CsvFileFormat(
        parse_options=csv.ParseOptions(
            delimiter=file.layout.delimiter, newlines_in_values=file.layout.is_quoted
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(file.columns, pa.string()), strings_can_be_null=False
        ),
    )
    data = ds.dataset(file.path, format=layout)
    return int(
        data.to_table(
            columns=file.columns, filter=pc.starts_with(ds.field(file.code), DEPARTEMENT)
        ).num_rows
    )


def with_duckdb(file: File) -> int:
    """Cut with DuckDB, everything text."""
    import duckdb

    columns = ", ".join(f'"{name}"' for name in file.columns)
    with duckdb.connect() as connection:
        found: Any = connection.execute(
            f"select {columns} from read_csv(?, delim=?, header=true, all_varchar=true, "
            f"quote='\"', escape='\"') where \"{file.code}\" like ?",
            [str(file.path), file.layout.delimiter, f"{DEPARTEMENT}%"],
        ).to_arrow_table()
    return len(found)


def with_polars(file: File) -> int:
    """Cut with polars' streaming engine, everything text."""
    import polars as pl

    scan = pl.scan_csv(file.path, separator=file.layout.delimiter, infer_schema=False)
    cut = scan.select(file.columns).filter(pl.col(file.code).str.starts_with(DEPARTEMENT))
    return len(cut.collect(engine="streaming"))


READERS: dict[str, Callable[[File], int]] = {
    "pyarrow data set": with_pyarrow,
    "DuckDB": with_duckdb,
    "polars": with_polars,
}


# --- Measure ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cut:
    """What a cut took."""

    seconds: float
    peak_mb: float
    rows: int


def _alone(reader: Callable[[File], int], file: File, sender: Any) -> None:
    process = psutil.Process()
    reader(File(_tiny(file), file.layout, file.code))  # imports, and threads begun
    peak = [process.memory_info().rss]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    rows = reader(file)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    sender.send(Cut(seconds, peak[0] / 1e6, rows))


def _tiny(file: File) -> Path:
    with file.path.open("rb") as stream:
        if stream.read(2) == b"PK":
            return file.path.with_name("tiny.zip")
    return file.path.with_name(f"tiny-{file.path.name}")


def measured(reader: Callable[[File], int], file: File) -> Cut:
    """Return time and peak memory of a whole process that cuts, what it imports included."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_alone, args=(reader, file, sender))
    process.start()
    sender.close()
    try:
        cut: Cut = receiver.recv()
    finally:
        process.join()
    return cut


def rows_of(name: str, file: File, size_mb: float, readers: dict[str, Any]) -> list[Row]:
    """Measure the product beside each reader that can read the file."""
    with file.path.open("rb") as stream:
        while stream.read(1 << 24):
            pass
    own = measured(with_product, file)
    rows = [
        Row(f"{name}: memory at most", own.peak_mb, "MB", MEMORY_MB),
        Row(f"{name}: speed", size_mb / own.seconds, "MB/s", SPEED_MB_S, larger_is_better=True),
    ]
    for peer, reader in readers.items():
        other = measured(reader, file)
        if other.rows != own.rows:
            raise RuntimeError(
                f"{peer} found {other.rows} rows of {file.path.name}, not {own.rows}"
            )
        rows += [
            Row(f"{name}: memory", own.peak_mb, "MB", None, peer, other.peak_mb),
            Row(
                f"{name}: speed", size_mb / own.seconds, "MB/s", None, peer,
                size_mb / other.seconds, larger_is_better=True,
            ),
        ]  # fmt: skip
    return rows


def run(facilities_mb: float = 150.0, buildings_mb: float = 150.0) -> list[Row]:
    """Write both files, measure, and delete them."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        text = _write(folder / "BPE25.csv", FACILITY_HEAD, _facility, facilities_mb)
        tiny = _write(folder / "tiny-BPE25.csv", FACILITY_HEAD, _facility, 0.01)
        _zip(tiny).rename(folder / "tiny.zip")
        size = text.stat().st_size / 1e6
        rows = rows_of(
            f"facilities, {size:,.0f} MB", File(text, FACILITIES, "DEPCOM"), size, READERS
        )
        packed = _zip(text)
        text.unlink()
        rows += rows_of(
            f"the same in a zip of {packed.stat().st_size / 1e6:,.0f} MB",
            File(packed, FACILITIES, "DEPCOM"), size, {},
        )  # fmt: skip
        packed.unlink()
        _write(folder / "tiny-immeubles.csv", BUILDING_HEAD, _building, 0.01)
        text = _write(folder / "immeubles.csv", BUILDING_HEAD, _building, buildings_mb)
        size = text.stat().st_size / 1e6
        rows += rows_of(
            f"buildings, {size:,.0f} MB", File(text, BUILDINGS, "code_insee"), size, READERS
        )
    return rows


def main() -> None:
    """Measure files of a chosen size and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=150.0, help="size of each file, MB")
    parser.add_argument("--facilities-mb", type=float)
    parser.add_argument("--buildings-mb", type=float)
    asked = parser.parse_args()
    for row in run(asked.facilities_mb or asked.mb, asked.buildings_mb or asked.mb):
        print("  ".join(cell.ljust(24) for cell in row.cells()).rstrip())


if __name__ == "__main__":
    main()
