from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from geo_matcher.catalog import Catalog, complete_catalog, file_sha256
from geo_matcher.errors import DataError

HEAD = """\
# A catalogue for tests.
[release]
territory = "here"
name_fr = "Ici"
name_en = "Here"
vintage = "2026-06"
cog_year = 2026
communes = 3   # counted by hand
"""
TABLE = """
[[table]]
name = "hubs"
path = "source/hubs.csv"
kind = "source"
title_fr = "Gares"
title_en = "Stations"
producer = "us"
vintage = "2026"
licence = "none"
licence_url = ""
url = ""
quality = "declared"
credit_fr = "nous"
credit_en = "us"
note_fr = ""
note_en = ""
rows = 0
bytes = 0
sha256 = ""
"""
MEND = """
[[mend]]
rule = "fill_hole"
insee_code = "32365"
text_fr = "rendu"
text_en = "given back"
"""


@pytest.fixture
def release(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "catalog.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def problems_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(DataError) as refusal:
        Catalog.read(folder)
    return refusal.value.problems


def test_a_catalog_is_read_as_values(release: Callable[[str], Path]) -> None:
    catalog = Catalog.read(release(HEAD + TABLE + MEND))
    assert catalog.communes == 3
    assert [table.name for table in catalog.tables] == ["hubs"]
    assert catalog["hubs"].path == "source/hubs.csv"
    assert "hubs" in catalog
    assert "shops" not in catalog
    assert catalog.gaps == ()
    assert catalog.mended("fill_hole") == {"32365"}
    assert catalog.mended("area_incomplete") == frozenset()


def test_asking_for_a_table_that_is_not_described_is_a_key_error(
    release: Callable[[str], Path],
) -> None:
    catalog = Catalog.read(release(HEAD))
    with pytest.raises(KeyError, match="hubs"):
        catalog["hubs"]


def test_a_folder_without_catalog_is_no_release(tmp_path: Path) -> None:
    (sentence,) = problems_of(tmp_path)
    assert sentence == (
        f"{tmp_path} holds no catalog.toml, so it is not a data release. "
        "Give the folder of a release, for example data/communes."
    )


@pytest.mark.parametrize("content", [b"[release\n", b'territory = "\xff"\n'])
def test_what_is_not_toml_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "catalog.toml").write_bytes(content)
    (sentence,) = problems_of(tmp_path)
    assert "is not valid TOML" in sentence
    assert sentence.endswith("Restore it from the last good release.")


def test_a_catalog_without_its_first_table_names_every_key_it_lacks(
    release: Callable[[str], Path],
) -> None:
    problems = problems_of(release(TABLE))
    assert problems[0] == "catalog.toml: table [release] is missing"
    assert "catalog.toml: [release] lacks 'vintage'" in problems
    assert len(problems) == 7


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name_fr = "Ici"\n', "", "[release] lacks 'name_fr'"),
        ("communes = 3", "communes = 3\nvillages = 3", "[release] has unknown key 'villages'"),
        ("communes = 3", 'communes = "3"', "[release] communes = '3' must be int"),
        ("communes = 3", "communes = true", "[release] communes = True must be int"),
        ('"2026-06"', '"June 2026"', "[release] vintage = 'June 2026' must be a year and a month, "
         "for example '2026-06'"),
        ('"2026-06"', '"2026-13"', "[release] vintage = '2026-13' must be a year and a month, "
         "for example '2026-06'"),
        ('producer = "us"\n', "", "[[table]] hubs lacks 'producer'"),
        ("rows = 0", "rows = 0.5", "[[table]] hubs rows = 0.5 must be int"),
        ('kind = "source"', 'kind = "raw"', "hubs: kind 'raw' is not in ('source', 'derived')"),
        ('"declared"', '"certain"', "hubs: quality 'certain' is not in "
         "('measured', 'declared', 'estimated')"),
        ('"fill_hole"', '"repaint"', "[[mend]] 32365: rule 'repaint' is not in "
         "('fill_hole', 'area_incomplete')"),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(
    release: Callable[[str], Path], old: str, new: str, sentence: str
) -> None:
    text = HEAD + TABLE + MEND
    assert text.count(old) == 1
    assert problems_of(release(text.replace(old, new))) == (f"catalog.toml: {sentence}",)


def test_a_table_described_twice_is_refused(release: Callable[[str], Path]) -> None:
    assert problems_of(release(HEAD + TABLE + TABLE)) == (
        "catalog.toml: table hubs is described twice",
    )


@pytest.mark.parametrize("entries", ["table = 3\n", 'gap = ["noise"]\n', "[mend]\nrule = 1\n"])
def test_entries_must_be_arrays_of_tables(release: Callable[[str], Path], entries: str) -> None:
    before, after = ("", entries) if entries.startswith("[") else (entries, "")
    key = entries.strip("[").split(" ")[0].split("]")[0]
    assert problems_of(release(before + HEAD + after)) == (
        f"catalog.toml: {key} must be an array of tables, written [[{key}]]",
    )


def test_several_faults_are_told_together(release: Callable[[str], Path]) -> None:
    text = (HEAD + TABLE).replace('"declared"', '"certain"').replace('name_fr = "Ici"\n', "")
    assert len(problems_of(release(text))) == 2


def test_the_release_id_follows_the_content_and_nothing_else(
    release: Callable[[str], Path],
) -> None:
    catalog = Catalog.read(release(HEAD + TABLE + TABLE.replace("hubs", "shops")))
    assert catalog.release_id.startswith("here-2026-06-")
    assert len(catalog.release_id) == len("here-2026-06-") + 12
    backwards = replace(catalog, tables=catalog.tables[::-1])
    assert backwards.release_id == catalog.release_id
    told = replace(catalog.tables[0], note_en="said otherwise")
    assert replace(catalog, tables=(told, catalog.tables[1])).release_id == catalog.release_id
    changed = replace(catalog.tables[0], sha256="0" * 64)
    assert replace(catalog, tables=(changed, catalog.tables[1])).release_id != catalog.release_id


def test_the_checksum_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_bytes(b"a,b\n1,2\n")
    assert file_sha256(file) == hashlib.sha256(b"a,b\n1,2\n").hexdigest()


def test_completing_writes_rows_bytes_and_checksum_and_keeps_the_comments(
    release: Callable[[str], Path],
) -> None:
    folder = release(HEAD + TABLE)
    (folder / "source").mkdir()
    (folder / "source/hubs.csv").write_bytes(b"kind\nstation\n")
    complete_catalog(folder, {"hubs": 1})
    text = (folder / "catalog.toml").read_text(encoding="utf-8")
    assert text.startswith("# A catalogue for tests.")
    assert "communes = 3   # counted by hand" in text
    table = Catalog.read(folder)["hubs"]
    assert (table.rows, table.bytes) == (1, 13)
    assert table.sha256 == hashlib.sha256(b"kind\nstation\n").hexdigest()


def test_completing_names_every_file_that_is_absent_or_made_by_nobody(
    release: Callable[[str], Path],
) -> None:
    text = HEAD + TABLE + TABLE.replace("hubs", "shops")
    folder = release(text)
    (folder / "source").mkdir()
    (folder / "source/shops.csv").write_bytes(b"kind\n")
    with pytest.raises(DataError) as refusal:
        complete_catalog(folder, {"hubs": 1})
    assert refusal.value.problems == (
        "source/hubs.csv is described in the catalog but absent",
        "source/shops.csv is described in the catalog but nothing makes it",
    )
    assert (folder / "catalog.toml").read_text(encoding="utf-8") == text


def test_a_catalog_without_tables_cannot_be_completed(release: Callable[[str], Path]) -> None:
    with pytest.raises(DataError, match=r"written \[\[table\]\]"):
        complete_catalog(release(HEAD), {})
