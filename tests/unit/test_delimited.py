"""Delimited files of producers: what is read, and what is told of a bad one."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from geo_matcher.errors import SourceError
from geo_matcher.sources import delimited
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.source import Fetched

LAYOUT = Layout(
    source="Institut des villages",
    fields=(
        Field("code_insee", "code", into="insee_code"),
        Field("nom"),
        Field("nbr", "count", aliases=("nombre",)),
        Field("loyer", "number", missing=("", "s")),
        Field("date", "day"),
    ),
    decimal=",",
)
HEAD = "date;nom;code_insee;loyer;nbr;autre"
ROWS = ("2026-06-30;Bélaye;46022;8,25;140;x", "2026-06-30;Ambérieu;1004;s;9000;y")


def fetched(folder: Path, content: bytes, name: str = "villages.csv") -> Fetched:
    path = folder / "kept"
    path.write_bytes(content)
    return Fetched(
        path=path,
        url=f"https://example.test/last/{name}?x=1",
        final_url="",
        etag="",
        last_modified="",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        day=dt.date(2026, 11, 26),
    )


def text(*rows: str, end: str = "\r\n") -> str:
    return end.join((HEAD, *rows)) + end


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_csv", ".csv"), data)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        text(*ROWS).encode(),
        text(*ROWS, end="\n").encode("utf-8-sig"),
        text(*ROWS).encode("cp1252"),
        gzip.compress(text(*ROWS).encode()),
        zipped(villages_csv=text(*ROWS).encode("cp1252")),
    ],
    ids=["utf-8", "byte order mark", "cp1252", "gzip", "zip"],
)
def test_one_table_whatever_it_is_wrapped_in(tmp_path: Path, content: bytes) -> None:
    frame = read_delimited(fetched(tmp_path, content), LAYOUT)
    assert list(frame) == ["insee_code", "nom", "nbr", "loyer", "date"]
    assert frame["insee_code"].tolist() == ["46022", "01004"]
    assert frame["nom"].tolist() == ["Bélaye", "Ambérieu"]
    assert frame["nbr"].tolist() == [140, 9000]
    assert frame["nbr"].dtype == np.int64
    assert frame["loyer"].tolist()[0] == 8.25
    assert np.isnan(frame["loyer"].tolist()[1])


def test_an_old_name_of_a_column_is_known(tmp_path: Path) -> None:
    content = text(*ROWS).replace("nbr", "nombre").encode()
    assert read_delimited(fetched(tmp_path, content), LAYOUT)["nbr"].sum() == 9140


def test_rows_are_kept_by_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 200)  # many blocks
    rows = [f"2026-06-30;Village;{code};1,5;{code};x" for code in range(1001, 1400)]
    rows += [f"2026-06-30;Village;{code};1,5;{code};x" for code in range(46001, 46100)]
    file = fetched(tmp_path, text(*rows).encode())
    kept = read_delimited(file, LAYOUT, where=[Where("insee_code", {"01001", "46001", "46099"})])
    assert kept["insee_code"].tolist() == ["01001", "46001", "46099"]
    none = read_delimited(file, LAYOUT, where=[Where("insee_code", {"75056"})])
    assert none.empty
    assert list(none) == list(kept)


def test_bad_cells_of_rows_that_are_kept_are_all_told_with_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 120)
    bad = (
        "2026-06-30;Bélaye;46022;8,25;140;x",
        "",
        "30/06/2026;Cabrerets;46040;8.25;-3;x",
        "2026-06-30;Ailleurs;99000;beaucoup;140;x",
        "2026-06-30;Cahors;46042;;inf;x",
    )
    with pytest.raises(SourceError) as caught:
        read_delimited(
            fetched(tmp_path, text(*bad).encode()),
            LAYOUT,
            where=[Where("insee_code", {"46022", "46040", "46042"})],
        )
    assert caught.value.problems == (
        "Institut des villages: villages.csv, line 4, column 'date': '30/06/2026' is no day such "
        "as 2026-06-30",
        "Institut des villages: villages.csv, line 4, column 'loyer': '8.25' is no number",
        "Institut des villages: villages.csv, line 4, column 'nbr': '-3' is no whole number",
        "Institut des villages: villages.csv, line 6, column 'nbr': 'inf' is no whole number",
    )
    assert "https://example.test/last/villages.csv" in str(caught.value)


def test_a_cell_between_quotes_may_hold_lines_however_long_the_file(tmp_path: Path) -> None:
    row = '2026-06-30;"Le Bourg\n' + "de Bélaye\n" * 20 + '";46022;8,25;140;x'
    count = 2 * delimited.BLOCK_BYTES // len(row)
    content = text(*[row] * count, end="\n").encode()
    assert len(content) > 2 * delimited.BLOCK_BYTES
    frame = read_delimited(fetched(tmp_path, content), LAYOUT)
    assert len(frame) == count
    assert set(frame["nom"].str.count("\n")) == {20}
    wrong = text(*[row] * count, row.replace("140", "beaucoup"), end="\n").encode()
    with pytest.raises(SourceError, match=f"line {count * 22 + 2}, column 'nbr': 'beaucoup'"):
        read_delimited(fetched(tmp_path, wrong), LAYOUT)


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path) -> None:
    rows = [*ROWS, '2026-06-30;"Bélaye;46022;8,25;140;x', *ROWS * 2000]
    with pytest.raises(SourceError, match="line 4: not 6 cells, as the header, but 2 cells"):
        read_delimited(fetched(tmp_path, text(*rows).encode()), LAYOUT)
    rows += ROWS * (delimited.BLOCK_BYTES // 20)
    with pytest.raises(SourceError, match="a row is longer than 1,048,576 bytes: a quote may not"):
        read_delimited(fetched(tmp_path, text(*rows).encode()), LAYOUT)


def test_a_line_that_cannot_be_found_again_is_not_called_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited._Reading, "_cells", lambda _: iter(()))
    with pytest.raises(SourceError, match="a line: not 6 cells") as caught:
        read_delimited(fetched(tmp_path, text(*ROWS, "46022;3").encode()), LAYOUT)
    assert "line 0" not in str(caught.value)


def test_problems_are_bounded(tmp_path: Path) -> None:
    rows = ["2026-06-30;Bélaye;46022;8,25;beaucoup trop de mots pour une seule cellule ici;x"] * 500
    with pytest.raises(SourceError, match="and 480 more") as caught:
        read_delimited(fetched(tmp_path, text(*rows).encode()), LAYOUT)
    assert len(caught.value.problems) == delimited.MAX_PROBLEMS + 1
    assert len(str(caught.value)) < 4000


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            text(*ROWS).replace(";nbr", ";nbr_locaux").encode(),
            "line 1: the column 'nbr' is missing",
        ),
        (text(*ROWS).replace("loyer", "Loyers").encode(), "'loyer' is missing; near names: Loyers"),
        (text(*ROWS).replace(";autre", ";nom").encode(), "the column 'nom' is named twice"),
        (text(*ROWS).encode()[:-12], "line 3: not 6 cells, as the header, but 3"),
        (b"<!DOCTYPE html><html>", "a page of HTML"),
        (gzip.compress(text(*ROWS * 900).encode())[:-20], "cut off or damaged"),
        (zipped(a_csv=b"", b_csv=b""), r"found 2 \(it holds a.csv, b.csv\)"),
        (b"PK\x03\x04 and no more", "damaged zip"),
        (b"", "is missing"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        read_delimited(fetched(tmp_path, content), LAYOUT)
    assert "Institut des villages: villages.csv" in str(caught.value)


def test_no_encoding_fits(tmp_path: Path) -> None:
    strict = Layout(LAYOUT.source, LAYOUT.fields, decimal=",", encodings=("utf-8",))
    with pytest.raises(SourceError, match="none of the encodings utf-8"):
        read_delimited(fetched(tmp_path, text(*ROWS).encode("cp1252")), strict)


def test_quotes_are_text_where_the_producer_does_not_quote(tmp_path: Path) -> None:
    rows = ('2026-06-30;Le "Bourg;46022;8,25;140;x',)
    plain = Layout(LAYOUT.source, LAYOUT.fields, decimal=",", is_quoted=False)
    frame = read_delimited(fetched(tmp_path, text(*rows).encode()), plain)
    assert frame["nom"].tolist() == ['Le "Bourg']
