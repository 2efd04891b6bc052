"""Files served as they are: kept for a year under their version, asked about without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.assets import FOLDERS, asset
from tests.integration.reading import Elements, ok

API = Path(__file__).parents[2] / "api"


def test_a_file_is_kept_for_a_year_under_its_version(client: TestClient) -> None:
    address = asset("/static/app.js")
    assert re.fullmatch(r"/static/v-[0-9a-f]{8}/app\.js", address)
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.text == (FOLDERS["/static"] / "app.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("address", ["/static/app.js", "/static/v-00000000/app.js"])
def test_without_its_version_it_is_asked_about_at_each_use(
    client: TestClient, address: str
) -> None:
    answer = client.get(address)
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["Cache-Control"] == "no-cache"
    assert again.content == b""


@pytest.mark.parametrize(
    "address",
    ["/static/none.js", "/static/v-00000000/none.js", "/static/v-00000000", "/static/v-00000000/",
     "/static/v-00000000/../../app.py", "/static/v-00000000/%2e%2e/app.py"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(client: TestClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_a_page_cannot_name_a_file_that_is_not_there() -> None:
    for address in ("/static/none.js", "/elsewhere/app.js"):
        with pytest.raises(LookupError, match="holds it"):
            asset(address)


def test_another_content_gets_another_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {f"/{name}": tmp_path / name for name in ("one", "same", "other")}
    for prefix, folder in folders.items():
        folder.mkdir()
        (folder / "a.js").write_text("2" if prefix == "/other" else "1", encoding="utf-8")
    monkeypatch.setattr("api.assets.FOLDERS", folders)
    one, same, other = (asset(f"{prefix}/a.js").split("/")[2] for prefix in folders)
    assert one == same != other


@pytest.mark.parametrize("path", ["/", "/why?commune=32013", "/docs"])
def test_pages_name_files_by_their_version(client: TestClient, path: str) -> None:
    page = Elements(ok(client.get(path)))
    named = [a["src"] for a in page.all("script") if "src" in a]
    named += [a["href"] for a in page.all("link") if a.get("rel") not in {"canonical", "alternate"}]
    assert named
    for address in named:
        # Two addresses for one script would run it twice.
        assert re.match(r"/(static|vendor/[a-z-]+)/v-[0-9a-f]{8}/", address), address
        assert client.get(address).headers["Cache-Control"].endswith("immutable"), address


def test_our_scripts_name_one_another_by_relative_addresses() -> None:
    for script in API.glob("static/*.js"):
        text = script.read_text(encoding="utf-8")
        for address in re.findall(r"""(?:\bfrom|\bimport\(?)\s*["']([^"']+)["']""", text):
            assert address.startswith("./"), f"{script.name} imports {address}"
