"""Files served as they are: our own, Leaflet's and Swagger UI's, from what is installed here.

Hides under which address a file may be kept for how long. Each folder is served twice: as it is, to
be asked about at each use, and under a segment made of its content, to be kept for a year
(``/static/v-1a2b3c4d/app.js``). Pages name the second, so that a visitor loads a file once and
never an old one; files that name one another by relative addresses stay together.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path, PurePath
from types import MappingProxyType

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["FOLDERS", "asset", "serve_files"]

FOLDERS: Mapping[str, Path] = MappingProxyType(
    {
        "/static": Path(__file__).parent / "static",
        "/vendor/leaflet": Path(str(files("xstatic.pkg.leaflet"))) / "data",
        "/vendor/swagger-ui": Path(str(files("fastapi_offline"))) / "static",
    }
)
"""Addresses and the folders behind them."""

FOR_A_YEAR = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
_VERSION = re.compile(r"v-[0-9a-f]{8}")


@lru_cache(maxsize=8)
def _version(folder: Path) -> str:
    """Return the segment that stands for what a folder holds."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return f"v-{digest.hexdigest()[:8]}"


@lru_cache(maxsize=64)
def asset(address: str) -> str:
    """Return the address under which a file may be kept for a year.

    Parameters
    ----------
    address
        Its plain address, for instance ``/static/app.js``.

    Raises
    ------
    LookupError
        If there is no such file: a page must not name it.
    """
    for prefix, folder in FOLDERS.items():
        name = address.removeprefix(f"{prefix}/")
        if name != address and (folder / name).is_file():
            return f"{prefix}/{_version(folder)}/{name}"
    raise LookupError(f"A page names {address}, and no folder of api/assets.py holds it.")


class _Files(StaticFiles):
    """Serves a folder, under its version too."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self.version = _version(folder)

    async def get_response(self, path: str, scope: Scope) -> Response:
        first, *rest = PurePath(path).parts
        is_versioned = bool(rest) and _VERSION.fullmatch(first) is not None
        response = await super().get_response("/".join(rest) if is_versioned else path, scope)
        # A page of an earlier version may still ask for its files: it gets today's, not to keep.
        response.headers["Cache-Control"] = FOR_A_YEAR if first == self.version else ASK_FIRST
        return response


def serve_files(app: Starlette) -> None:
    """Let an application serve every folder."""
    for prefix, folder in FOLDERS.items():
        app.mount(prefix, _Files(folder), name=prefix.strip("/").replace("/", "-"))
