"""The report: every figure of the audit, nothing from outside, no name that could run."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from geo_matcher import audit_report
from geo_matcher.audit import Absence, Audit, audit
from geo_matcher.audit_report import MAX_BARS, audit_html
from geo_matcher.criteria import CRITERIA
from geo_matcher.numbers import format_number
from geo_matcher.sentences import listed
from geo_matcher.territory import Territory

VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = "<script>alert('$x_1$')</script> & \"co\""


class Page(HTMLParser):
    """A page as its tags, its attributes and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags = Counter[str]()
        self.attributes: list[tuple[str, str]] = []
        self.parts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).split())

    def values(self, *names: str) -> list[str]:
        return [value for name, value in self.attributes if name in names]


@pytest.fixture(scope="module")
def found(territory: Territory) -> Audit:
    return audit(territory, size=40, seed=7)


@pytest.fixture(scope="module")
def html(found: Audit) -> str:
    return audit_html(found)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch, pictures: dict[str, str]) -> None:
    """Let a page have pictures made before, where only its words count."""
    monkeypatch.setattr(audit_report, "_pictures", lambda _: pictures)


@pytest.fixture(scope="module")
def pictures(found: Audit) -> dict[str, str]:
    return audit_report._pictures(found)


def plain(text: str) -> str:
    return " ".join(text.split())


def headline(result: Audit) -> str:
    match = re.search(r"<h1>(.*?)</h1>", audit_html(result), re.DOTALL)
    assert match is not None
    return plain(match[1].replace("&#39;", "'"))


def percent(share: float) -> str:
    return plain(format_number(share, "fr", "%"))


# --- What the page is -------------------------------------------------------------------------


def test_the_page_needs_nothing_from_outside(html: str, page: Page) -> None:
    assert len(html.encode()) < 1_000_000
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
    outside = [v for v in page.values("src", "href", "xlink:href") if not v.startswith("#")]
    assert outside == []
    assert re.findall(r"url\((?!#)", html) == []
    assert "@import" not in html
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert html.startswith("<!doctype html>")


def test_every_name_inside_is_used_once_and_every_link_leads_somewhere(page: Page) -> None:
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    links = {value.removeprefix("#") for value in page.values("href", "xlink:href")}
    clips = {re.sub(r"url\(#(.*)\)", r"\1", v) for v in page.values("clip-path")}
    assert links | clips <= set(ids)
    assert {"vus", "epci", "poids"} <= links


def test_the_pictures_are_drawings_with_text_and_a_title(html: str, found: Audit) -> None:
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    titles = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    assert len(drawings) == len(titles) == 4
    texts = []
    for drawing, title in zip(drawings, titles, strict=True):
        root = ET.fromstring(drawing)
        assert root.get("role") == "img"
        assert plain(root.get("aria-label") or "") == plain(title.replace("&#39;", "'"))
        texts.append({"".join(node.itertext()) for node in root.iter() if "text" in node.tag})
        assert b"<style" not in drawing.encode()
    for item in found.exposures:
        name = item.name + ("*" if item.evidence == "sourced" else "")
        assert name in texts[0]
    assert sum(item.share_top == 0 for item in found.exposures) == len(found.absences)
    bars = re.findall(r">jamais<", drawings[0])
    assert len(bars) == len(found.absences)
    assert "Fibre" in texts[3]


def test_drawing_is_repeatable_and_leaves_the_library_as_it_was(found: Audit, html: str) -> None:
    before = dict(mpl.rcParams)
    assert audit_html(found) == html
    assert dict(mpl.rcParams) == before


# --- What the page says -----------------------------------------------------------------------


@pytest.mark.usefixtures("drawn_once")
def test_the_result_comes_first(found: Audit) -> None:
    never = len(found.absences)
    assert headline(found) == (
        f"{never} villages partenaires sur 47 ne sont jamais dans les 5 premiers de personne"
    )
    one = replace(found, absences=found.absences[:1])
    assert headline(one) == (
        "1 village partenaire sur 47 n'est jamais dans les 5 premiers de personne"
    )
    assert headline(replace(found, absences=())) == (
        "Les 47 villages partenaires sont tous dans les 5 premiers de quelqu'un"
    )
    assert headline(replace(found, absences=(), scope="network", top=1)) == (
        "Les 47 communes du réseau sont toutes au premier rang de quelqu'un"
    )


def test_what_is_reconstructed_and_how_it_was_made_are_said(found: Audit, page: Page) -> None:
    assert f"{found.reconstructed} des 47 villages partenaires sont reconstitués." in page.text
    barely = sum(0 < item.share_top <= found.unseen_bound for item in found.exposures)
    assert barely > 1
    assert f"Plus que zéro, mais sous ce seuil : {barely} villages." in page.text
    sourced = sorted(item.name for item in found.exposures if item.evidence == "sourced")
    assert len(sourced) == 3
    assert f"Version des données {found.release} · 40 profils · graine 7" in page.text
    assert "La population est supposée." in page.text
    assert f"sous {percent(found.unseen_bound)}" in page.text
    assert f"{listed(sourced, 'et')} comptent pleinement comme partenaires" in page.text
    partner = next(w.nominal for w in found.weights if w.criterion == "partner_village")
    assert f"L'écart vaut {format_number(partner * 50, 'fr', '.1')} points" in page.text


def test_every_figure_of_the_tables_is_the_audits(found: Audit, html: str) -> None:
    rows = [
        [plain(re.sub("<.*?>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", html.replace("&#39;", "'"), re.DOTALL)
    ]
    for item in found.exposures:
        how = {"sourced": "attesté", "reconstructed": "reconstitué"}[item.evidence or ""]
        shares = [percent(item.share_top), percent(item.share_listed), str(item.best_rank)]
        assert [item.name, item.epci, how, *shares] in rows
    for group in found.epcis:
        mean = percent(group.exposure_mean)
        total = f"{group.exposure_sum:.2f}".replace(".", ",")
        assert [group.name, str(group.communes), str(group.never), total, mean] in rows
    for weight in found.weights:
        row = next(r for r in rows if len(r) == 4 and r[0] == CRITERIA[weight.criterion].label_fr)
        assert "−0,0" not in row
        told = [float(cell.replace(",", ".").replace("−", "-")) / 100 for cell in row[1:3]]
        assert told == pytest.approx([weight.nominal, weight.effective], abs=0.000501)
    for pair in found.pairs:
        start = [CRITERIA[pair.first].label_fr, CRITERIA[pair.second].label_fr]
        r = f"{pair.r:.2f}".replace("-", "−").replace(".", ",")
        assert [*start, r, str(pair.communes), "oui" if pair.same_family else "non"] in rows
    for choice in found.make_up:
        ends = [percent(choice.assumed), percent(choice.drawn)]
        assert any(row[1:] == ends for row in rows)


def test_every_absence_is_explained_by_its_figures(found: Audit, html: str) -> None:
    articles = dict(
        re.findall(
            r"<article>\s*<h3>(.*?)</h3>(.*?)</article>", html.replace("&#39;", "'"), re.DOTALL
        )
    )
    assert list(articles) == [item.name for item in found.absences]
    for item in found.absences:
        text = plain(articles[item.name])
        assert f"Meilleur rang {item.best_rank} ;" in text
        assert text.count("<li>") == len(item.reasons)
        if "missing" in item.reasons:
            assert f"{percent(item.missing_share)} des profils" in text
        if "behind" in item.reasons:
            assert f"{item.behind} passe devant pour chacun des profils" in text


def absence(**fields: Any) -> Absence:
    nothing: dict[str, Any] = {
        "insee_code": "32000", "name": "Ici", "best_rank": 9, "gap_points": 2.5,
        "reasons": ("middling",), "dominated_by": None, "dominators": 0, "missing": (),
        "bounded": (), "missing_share": 0.0, "check_first": None, "weak": None, "weak_raw": None,
        "weak_share": 0.0, "limit": None, "limit_share": 0.0, "limit_freed_share": 0.0,
        "behind": None, "ahead_always": 0,
    }  # fmt: skip
    return Absence(**nothing | fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Proche partout, premier nulle part."),
        ({}, "Meilleur rang 9 ; au plus près, à 2,5 points. Limite qui l'écarte le plus : aucune."),
        ({"gap_points": 1.0}, "à 1,0 point."),
        ({"best_rank": None, "gap_points": None}, "Jamais sur une liste."),
        (
            {"reasons": ("dominated",), "dominated_by": "Là", "dominators": 3},
            "Sur tous les critères, Là fait au moins aussi bien, ainsi que 2 autres.",
        ),
        (
            {"reasons": ("dominated",), "dominated_by": "Là", "dominators": 1},
            "Sur tous les critères, Là fait au moins aussi bien.",
        ),
        (
            {
                "reasons": ("limit",),
                "limit": "station_min",
                "limit_share": 0.25,
                "limit_freed_share": 0.125,
            },
            "Sans la limite posée sur « Gare » : dans les 5 premiers de 12,5 % des profils.",
        ),
        ({"limit": "station_min", "limit_share": 0.25}, "le plus : Gare (25 % des profils)."),
        (
            {"reasons": ("weak",), "weak": "doctor_min", "weak_raw": 17.0, "weak_share": 0.05},
            "médecin généraliste, 17 min aujourd'hui. Au mieux de son échelle : dans les 5 "
            "premiers de 5 % des profils.",
        ),
        (
            {"reasons": ("weak",), "weak": "doctor_min", "weak_share": 0.05},
            "médecin généraliste, hors d'atteinte aujourd'hui.",
        ),
        (
            {"reasons": ("missing",), "missing": ("density_km2",), "missing_share": 0.5},
            "dans les 5 premiers de 50 % des profils (inconnu : espace autour de vous).",
        ),
        (
            {
                "reasons": ("missing",),
                "bounded": tuple(f"{name}_min" for name in
                                 ("station", "doctor", "cinema", "museum", "lycee", "hospital")),
                "missing_share": 0.5,
            },
            "(connu « au plus » : gare, médecin généraliste, cinéma, musée et 2 autres).",
        ),
        (
            {"reasons": ("behind",), "behind": "Là", "ahead_always": 2},
            "Là passe devant pour chacun des profils, ainsi que 1 autre.",
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("drawn_once")
def test_reasons_are_said_in_words(found: Audit, fields: dict[str, Any], sentence: str) -> None:
    page = Page(audit_html(replace(found, absences=(absence(**fields),))))
    assert sentence in page.text


def test_names_cannot_become_code(found: Audit) -> None:
    first, *others = found.exposures
    bad = replace(first, name=HOSTILE, epci=HOSTILE)
    result = replace(
        found,
        exposures=(bad, *others),
        epcis=(replace(found.epcis[0], name=HOSTILE), *found.epcis[1:]),
        absences=(absence(name=HOSTILE, reasons=("behind",), behind=HOSTILE, ahead_always=1),),
    )
    html = audit_html(result)
    page = Page(html)
    assert page.tags["script"] == 0
    assert "<script" not in html
    assert page.text.count(HOSTILE) >= 5  # title, pictures, tables and reason, as text
    for drawing in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(drawing)


def test_a_wide_scope_keeps_its_picture_short_and_its_table_whole(territory: Territory) -> None:
    result = audit(territory, "network", size=10, seed=1)
    html = audit_html(result)
    page = Page(html)
    assert f"Les {MAX_BARS} plus vus seulement." in page.text
    assert f"communes du réseau sur {len(result.exposures)}" in page.text
    assert (
        f"{result.reconstructed} des {len(result.exposures)} communes du réseau sont" in page.text
    )
    assert result.reconstructed > 0
    assert "sont des partenaires reconstitués." in page.text
    for item in result.exposures:
        assert item.name in page.text
    first = re.search(r"<svg.*?</svg>", html, re.DOTALL)
    assert first is not None
    assert result.exposures[MAX_BARS - 1].name in first[0]
    assert len(html.encode()) < 1_000_000


def test_a_report_without_anything_to_tell_still_stands(found: Audit) -> None:
    nobody = replace(
        found,
        exposures=tuple(
            replace(item, share_top=0.0, evidence="sourced") for item in found.exposures
        ),
        epcis=tuple(replace(e, exposure_sum=0.0, exposure_mean=0.0) for e in found.epcis),
        absences=(),
        gini=None,
        pairs=(),
    )
    page = Page(audit_html(nobody))
    assert page.tags["svg"] == 3
    assert "reconstitués." not in page.text
    assert "Aucune paire de critères ne se ressemble beaucoup" in page.text
    assert "Indice de Gini :" not in page.text
    assert "À vérifier d'abord" not in page.text


@pytest.mark.usefixtures("drawn_once")
@pytest.mark.parametrize(
    ("sourced", "words"),
    [(0, "Donner sa liste. Compléter"), (1, "compte pleinement"),
     (9, "Les 9 partenaires attestés comptent pleinement")],
)  # fmt: skip
def test_the_partners_we_are_sure_of_are_named(found: Audit, sourced: int, words: str) -> None:
    exposures = tuple(
        replace(item, evidence="sourced" if place < sourced else "reconstructed")
        for place, item in enumerate(found.exposures)
    )
    page = Page(audit_html(replace(found, exposures=exposures)))
    assert words in page.text
