"""Every official file about one invented département: that of ``villages``, 46.

The files of ``lomagnol`` are about three other communes: here they are moved to 46001, 46002 and
46003, which are laid out where those stand. Each file keeps its format and its traps.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Sequence

import pytest

from geo_matcher.sources.dgfip import sales_url
from geo_matcher.sources.education import schools_url
from geo_matcher.sources.georisques import RADON_URL
from tests.integration.upstream import lomagnol, villages
from tests.integration.upstream.server import Upstream

__all__ = ["DEPARTEMENT", "put_causse"]

DEPARTEMENT = villages.DEPARTEMENT

FORMER = "46950"
"""A commune that 46001 took in."""

MOVES = (
    (rb"\b0?990([123])\b", rb"4600\1"),
    (rb"\b0?9950\b", FORMER.encode()),
    (rb"\b31901\b", b"82001"),
    (rb"\b009\b", b"046"),
    (rb'(?<=[,;"])09(?=[,;"])', b"46"),
)
MORE_RADON = (
    b"LOT;Occitanie;46004;L'ESTELE;1\r\nLOT;Occitanie;46005;ILOT;2\r\nLOT;Occitanie;46006;VAL;1\r\n"
)


def put_causse(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, more: Sequence[villages.Village] = ()
) -> None:
    """Give out all files, all of them about the same communes, and some about more of them."""
    monkeypatch.setattr(villages, "SIDE_M", 8_100)
    monkeypatch.setattr(villages, "WEST_M", 537_300)
    monkeypatch.setattr(villages, "SOUTH_M", 6_213_400)
    near = [v for v in villages.VILLAGES if v.code != "82001"]
    monkeypatch.setattr(
        villages,
        "VILLAGES",
        (*near, villages.Village("82001", "Montfauch", 3, 0, 150, 120), *more),
    )
    monkeypatch.setattr(villages, "FORMER", {**villages.FORMER, FORMER: "46001"})
    villages.put_villages(upstream)
    addresses = {schools_url("09"): schools_url(DEPARTEMENT)}
    addresses |= {sales_url(year, "09"): sales_url(year, DEPARTEMENT) for year in range(2021, 2026)}
    radon = MORE_RADON + b"".join(f"LOT;Occitanie;{v.code};X;1\r\n".encode() for v in more)
    for url, body in lomagnol.OFFICIAL.items():
        upstream.put(addresses.get(url, url), moved(body) + (radon if url == RADON_URL else b""))


def moved(body: bytes) -> bytes:
    """Return a file about the other communes; what is packed is packed again."""
    if body.startswith(b"\x1f\x8b"):
        return gzip.compress(moved(gzip.decompress(body)), mtime=0)
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return lomagnol.zipped({name: moved(archive.read(name)) for name in archive.namelist()})
    for old, new in MOVES:
        body = re.sub(old, new, body)
    return body
