"""An invented area with its official files: places, housing, health, stations, risks.

Formats, names of columns and traps are those of the producers; communes and figures are invented.
``OFFICIAL`` holds the bytes of each file by its address.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import shapely

from geo_matcher.errors import AbsentFileError
from geo_matcher.sources.density_grid import density_url
from geo_matcher.sources.dgfip import sales_url
from geo_matcher.sources.dhup import RENT_URLS
from geo_matcher.sources.drees import APL_URL
from geo_matcher.sources.education import schools_url
from geo_matcher.sources.filosofi import FILOSOFI_URL
from geo_matcher.sources.finess import FINESS_URL
from geo_matcher.sources.georisques import GASPAR_URL, RADON_URL
from geo_matcher.sources.insee import bpe_url
from geo_matcher.sources.sncf import STATIONS_URL
from geo_matcher.sources.source import Area, Fetched

__all__ = ["DAY", "OFFICIAL", "Kept", "lomagnol", "rezipped", "text", "workbook", "zipped"]

DAY = dt.date(2026, 11, 26)
NAMES = {"09901": "Lomagnol", "09902": "Fossat-le-Neuf", "09903": "Bélaye-Haute"}
FORMER = {"09950": "09901"}
"""Lomagnol took in a former commune."""
AROUND = {"31901": "Voisine"}


def lomagnol() -> Area:
    """Return three communes of 10 km side by side, with a neighbour in the next département."""
    boxes = [shapely.box(1.0 + 0.1 * k, 43.0, 1.1 + 0.1 * k, 43.1) for k in range(len(NAMES))]
    codes = list(NAMES)
    communes = gpd.GeoDataFrame(
        {"insee_code": codes, "name": list(NAMES.values())}, geometry=boxes, crs="EPSG:4326"
    )
    halls = pd.DataFrame({"insee_code": [*codes, *AROUND]})
    return Area("09", communes, halls, FORMER)


class Kept:
    """Gives out files that stand in a folder: a stand-in for the downloader."""

    def __init__(self, folder: Path, files: Mapping[str, bytes]) -> None:
        self.folder = folder
        self.files = files
        self.expected: dict[str, str] = {}

    def __call__(self, url: str, *, expected: str) -> Fetched:
        self.expected[url] = expected
        if url not in self.files:
            raise AbsentFileError(f"{url} answers 404.")
        body = self.files[url]
        digest = hashlib.sha256(body).hexdigest()
        path = self.folder / digest
        path.write_bytes(body)
        modified = "Wed, 01 Jul 2026 06:00:00 GMT"
        return Fetched(path, url, url, "", modified, len(body), digest, DAY)


def text(*lines: str, encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    """Return lines as a file."""
    return (end.join(lines) + end).encode(encoding)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of some files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            # Of no day, so that the same files always give the same bytes.
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def rezipped(body: bytes, member: str, old: str, new: str) -> bytes:
    """Return a zip in which some text of one file is another, and which did hold it."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (name,) = [name for name in members if name.startswith(member)]
    assert old.encode() in members[name]
    return zipped({**members, name: members[name].replace(old.encode(), new.encode())})


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Return a spreadsheet."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


# --- INSEE ---------------------------------------------------------------------------------

BPE_HEAD = "AN;NOMRS;DEPCOM;DEP;TYPEQU;SIRET;LAMBERT_X;LAMBERT_Y;EPSG;LONGITUDE;LATITUDE;QUALITE_XY;QUALITE_GEOLOC"  # noqa: E501


def _facility(
    code: str, kind: str, lon: str, lat: str, quality: str = "B", name: str = "SANS NOM"
) -> str:
    return (
        f'"2025";"{name}";"{code}";"{code[:2]}";"{kind}";"";600000;6200000;"2154";{lon};{lat};'
        f'"{quality}";"11"'
    )


BPE = zipped(
    {
        "BPE25.csv": text(
            BPE_HEAD,
            _facility("09901", "B207", "1.0512345", "43.0498765", "B", 'LE FOURNIL ; ""DORÉ""'),
            _facility("09901", "B207", "1.051", "43.051", "A"),
            _facility("09950", "B202", "1.02", "43.02"),  # a former code
            _facility("09902", "B207", "1.15", "43.05", "M"),  # a random place of the street
            _facility("09902", "A206", "", ""),  # no position
            _facility("31901", "B316", "1.32", "43.05"),  # 1.6 km beyond the border
            _facility("31901", "B316", "1.45", "43.05"),  # 12 km beyond it
            _facility("09903", "A128", "", "", "_Z"),  # France services
            _facility("09901", "D265", "1.05", "43.05"),
            _facility("09901", "D265", "", "", "M"),
            _facility("31901", "D265", "1.4", "43.05"),
            _facility("09901", "B326", "1.05", "43.05"),  # nothing of ours
            _facility("75056", "B207", "2.35", "48.85"),
        )
    }
)

FILOSOFI = zipped(
    {
        "DS_FILOSOFI_CC_2023_data.csv": text(
            '"GEO";"GEO_OBJECT";"FILOSOFI_MEASURE";"UNIT_MEASURE";"CONF_STATUS";"TIME_PERIOD";"OBS_VALUE"',
            '"09901";"COM";"MED_SL";"EUR_YR";"F";2023;21530.5',
            '"09901";"COM";"PR_MD60";"PT";"F";2023;17',
            '"09902";"COM";"MED_SL";"EUR_YR";"C";2023;',  # secret
            '"09";"DEP";"MED_SL";"EUR_YR";"F";2023;20990',
            '"200066231";"EPCI";"MED_SL";"EUR_YR";"F";2023;20100',
        ),
        "DS_FILOSOFI_CC_2023_metadata.csv": text("COD_VAR;LIB_VAR", "GEO;Code"),
    }
)

DENSITY = workbook(
    {
        "Lisez-moi": [["Grille communale de densité"]],
        "Maille communale": [
            ["Grille de densité 2025"],
            ["Source : Insee"],
            [],
            ["Code commune", "Libellé", "Densité", "Densité à 7 niveaux", "Population"],
            ["CODGEO", "LIBGEO", "DENS", "DENS7", "PMUN22"],
            [9901, "Lomagnol", 3, 5, 1200],  # a spreadsheet made a number of it
            ["09902", "Fossat-le-Neuf", 3, "6", 300],
            ["09903", "Bélaye-Haute", 3, 7, 90],
            ["75056", "Paris", 1, 1, 2100000],
        ],
    }
)

# --- Housing -------------------------------------------------------------------------------

RENT_HEAD = '"id_zone";"INSEE_C";"LIBGEO";"EPCI";"DEP";"REG";"loypredm2";"lwr.IPm2";"upr.IPm2";"TYPPRED";"nbobs_com";"nbobs_mail";"R2_adj"'  # noqa: E501


def _rents(*figures: tuple[str, str, str]) -> bytes:
    rows = (
        f'"10";"{code}";"{name}";"200066231";"09";"76";{rent};6,1;11,9;"maille";3;210;0,71'
        for code, name, rent in figures
    )
    return text(RENT_HEAD, *rows, encoding="latin-1", end="\n")


FLAT_RENTS, HOUSE_RENTS = (
    _rents(("9901", "Lomagnol", flat), ("09903", "Bélaye-Haute", "7,05"), ("09950", "Vieux", "6"))
    for flat in ("8,0576", "7,29661234")
)

SALE_HEAD = "id_mutation,date_mutation,numero_disposition,nature_mutation,valeur_fonciere,code_postal,code_commune,nom_commune,code_departement,id_parcelle,code_type_local,type_local,surface_reelle_bati,surface_terrain"  # noqa: E501
HOUSE, FLAT, ANNEXE, LAND = "1,Maison", "2,Appartement", "3,Dépendance", ","
BUSINESS = "4,Local industriel. commercial ou assimilé"


def _sale(
    number: int, year: int, price: str, what: str, area_m2: str, code: str = "09901",
    nature: str = "Vente",
) -> str:  # fmt: skip
    return (
        f"{year}-{number},{year}-12-0{1 + number % 9},000001,{nature},{price},09000,{code},X,09,"
        f"{code}000AB{number:04d},{what},{area_m2},500"
    )


def _sales(year: int) -> bytes:
    lines = [_sale(n, year, f"{100_000 + 10_000 * n}", HOUSE, "100") for n in range(5)]
    lines += [
        lines[0],  # an exact repetition
        _sale(10, year, "90000", HOUSE, "100", "09902"),
        _sale(11, year, "500000", HOUSE, "100"),  # two houses sold together …
        _sale(11, year, "500000", HOUSE, "120"),  # … for one price on both rows
        _sale(12, year, "110000", FLAT, "50"),
        _sale(12, year, "110000", ANNEXE, ""),  # its cellar does not count
        _sale(13, year, "30000", LAND, ""),
        _sale(14, year, "", HOUSE, "100"),  # no price
        _sale(15, year, "120000", HOUSE, ""),  # no area
        _sale(16, year, "99000000", HOUSE, "10"),  # beyond belief
        _sale(17, year, "1", HOUSE, "100", nature="Echange"),
        _sale(18, year, "80000", HOUSE, "80", "09950"),  # in the former commune
        _sale(19, year, "150000", BUSINESS, "90"),
    ]
    return gzip.compress(text(SALE_HEAD, *lines, end="\n"))


SALES = {sales_url(year, "09"): _sales(year) for year in range(2021, 2026)}

# --- Schools, health, stations --------------------------------------------------------------

SCHOOL_HEAD = "Identifiant_de_l_etablissement;Nom_etablissement;Type_etablissement;Statut_public_prive;Code_commune;Nom_commune;Code_departement;Ecole_maternelle;Ecole_elementaire;position;etat;libelle_nature;date_maj_ligne"  # noqa: E501


def _school(
    uai: str, name: str, kind: str, sector: str, code: str, has: str, nature: str,
    state: str = "OUVERT",
) -> str:  # fmt: skip
    return (
        f'{uai};{name};{kind};{sector};{code};X;009;{has};"43.05, 1.05";{state};{nature};2026-10-03'
    )


SCHOOLS = text(
    SCHOOL_HEAD,
    _school("0090001A", "Ecole primaire du Foirail", "Ecole", "Public", "09901", "1;1", "ECOLE"),
    _school("0090002B", "Ecole maternelle", "Ecole", "Public", "09901", "1;0", "ECOLE MATERNELLE"),
    _school("0090003C", "École Sainte-Foy", "Ecole", "Privé", "09950", "0;1", "ECOLE"),
    _school("0090004D", "Collège Fossat", "Collège", "Public", "09902", ";", "COLLEGE"),
    _school("0090005E", "SEGPA Fossat", "Collège", "Public", "09902", ";",
            "SECTION D ENSEIGNEMENT GENERAL ET PROFESSIONNEL ADAPTE"),
    _school("0090006F", "Lycée agricole", "Lycée", "Public", "09902", ";", "LYCEE AGRICOLE"),
    _school("0090007G", "Ecole du Pré", "Ecole", "Public", "09903", "0;1", "ECOLE", "A FERMER"),
    _school("0090008H", "CIO", "Information et orientation", "Public", "09901", ";", "CIO"),
    encoding="utf-8-sig",
)  # fmt: skip

FINESS_HEAD = '"source","finess","etat","date_extract_finess","rs","type","com_code","statut_jur_niv1_lib","categ_code","categ_lib","san_urg","geoloc_4326_long","geoloc_4326_lat"'  # noqa: E501


def _establishment(
    number: str, state: str, name: str, level: str, code: str, status: str, category: str,
    lon: str = "1.05", lat: str = "43.05",
) -> str:  # fmt: skip
    return (
        f'"FINESS","{number}","{state}","2026-05-04","{name}","{level}","{code}","{status}",'
        f'{category},"NON",{lon},{lat}'
    )


CH = '"355","Centre Hospitalier (C.H.)"'
FINESS = text(
    FINESS_HEAD,
    _establishment("090000001", "ACTUEL", "CH DE LOMAGNOL", "ET", "09901", "Organisme public", CH),
    _establishment("090000002", "FERME", "CH ANCIEN", "ET", "09901", "Organisme public", CH),
    _establishment("090000003", "ACTUEL", "SIEGE DU CH", "EJ", "09901", "Organisme public", CH),
    _establishment("090000004", "ACTUEL", "CLINIQUE, LE PRE", "ET", "09950", "Organisme privé",
                   '"365","Etablissement de Soins Pluridisciplinaire"', "", ""),
    _establishment("090000005", "ACTUEL", "PHARMACIE", "ET", "09901", "", '"620","Pharmacie"'),
    _establishment("310000001", "ACTUEL", "CH VOISIN", "ET", "31901", "Organisme public", CH),
    end="\n",
)  # fmt: skip


def _apl(year: int, first: object) -> list[list[object]]:
    titles: list[list[object]] = [
        [f"APL aux médecins généralistes en {year}"],
        *([] for _ in range(7)),
    ]
    name = "APL aux médecins généralistes"
    head: list[object] = ["Code commune INSEE", "Commune", name, f"{name} de 65 ans et moins"]
    units: list[object] = [None, None, "consultations par an", "consultations par an"]
    rows: list[list[object]] = [
        ["09901", "Lomagnol", first, 2.5],
        ["09902", "Fossat-le-Neuf", 1.104, 0.9],
        ["09903", "Bélaye-Haute", None, None],
    ]
    return [*titles, head, units, *rows]


APL = workbook({"Lisez-moi": [["x"]], "APL 2023": _apl(2023, 9.9), "APL 2024": _apl(2024, 3.25)})

STATIONS = text(
    "Nom;Trigramme;Segment(s) DRG;Position géographique;Code commune;Code(s) UIC;id",
    'Lomagnol;LMG;C;"43.05012345, 1.0501";09901;"87611001;87611002";1',
    'Saint-Jean;SJN;C;"43.02, 1.12";09902;"87611003";2',
    'Saint-Jean;SJV;C;"43.06, 1.44";31901;"87611004";3',
    'Paris Est;PES;A;"48.8767, 2.3592";75110;"87113001";4',
    encoding="utf-8-sig",
)

# --- Risks -----------------------------------------------------------------------------------

_ICB = "ICB;Inondations et/ou Coulées de Boue"
_SEC = "SEC;Sécheresse"
PLAN_HEAD = "CODE MODELE;LIBELLE MODELE;CODE PROCEDURE;LIBELLE PROCEDURE;CODE INSEE COMMUNE;CODE RISQUE 2;LIBELLE RISQUE 2;CODE RISQUE 2;LIBELLE RISQUE 3;LIBELLE ETAT;LIBELLE SOUS-ETAT"  # noqa: E501
"""As published: one name of a column comes twice."""

GASPAR = zipped(
    {
        "catnat_gaspar_2026-09-21.csv": text(
            "id_gaspar;code_commune;libelle_commune;num_risque_jo;lib_risque_jo;date_debut;date_fin",
            f"A1;09901;Lomagnol;{_ICB};1999-12-25 02:00:00;1999-12-29",
            f"A1;09901;Lomagnol;{_ICB};1999-12-25 12:00:00;1999-12-29",  # once, at another hour
            f"A2;09901;Lomagnol;{_SEC};2022-07-01 00:00:00;2022-09-30",
            f"A3;09901;Lomagnol;{_ICB};1992-01-01 00:00:00;1992-01-02",  # before the 30 years
            "A4;09950;Vieux;TMP;Tempête;2009-01-24 00:00:00;2009-01-27",
            f"A5;75056;Paris;{_ICB};2018-01-15 00:00:00;2018-02-05",
        ),
        "ddrm_risq_gaspar_2026-09-21.csv": text(
            "cod_commune;lib_commune;lib_risque;num_risque",
            "09901;Lomagnol;Inondation;11",
            "09901;Lomagnol;Par une crue à débordement lent;112",
            "09902;Fossat;Séisme;13",
            '09902;Fossat;"Transport de marchandises dangereuses";24',
            "09902;Fossat;Rupture de barrage;23",
        ),
        "pprn_gaspar_2026-09-21.csv": text(
            PLAN_HEAD,
            "PPRN-I;PPRN Inondation;P1;PPRI de l'Arize;09901;11;Inondation;112;Par une crue lente;"
            "Opposable;Approuvé",
            "PPRN-I;PPRN Inondation;P1;PPRI de l'Arize;09901;11;Inondation;113;Par ruissellement;"
            "Opposable;Approuvé",
            "PPRN-I;PPRN Inondation;P2;PPRI nouveau;09901;11;Inondation;;;Prescrit;Prescrit",
            "PPRN-I;PPRN Inondation;P0;PSS ancien;09902;11;Inondation;;;Caduque;Abrogé",
            "PPRN-Mvt;PPRN Mouvement de terrain;P3;PPR argiles;09903;12;Mouvement de terrain;124;"
            "Tassements différentiels;Prescrit;Prescrit",
        ),
        "pprt_gaspar_2026-09-21.csv": text(
            "CODE PROCEDURE;LIBELLE PROCEDURE;CODE INSEE COMMUNE;LIBELLE ETAT;LIBELLE SOUS-ETAT",
            'T1;"PPRT ; silo";09902;Opposable;Approuvé',
        ),
        "azi_gaspar_2026-09-21.csv": text("cod_commune;lib_bassin", "09901;Arize"),
    }
)
RADON = text(
    "nom_dept;reg;insee_com;nom_comm;classe_potentiel",
    "ARIEGE;Occitanie;9901;LOMAGNOL;1",  # the leading zero is lost
    "ARIEGE;Occitanie;9950;VIEUX;2",
    "ARIEGE;Occitanie;9902;FOSSAT;1",
    "ARIEGE;Occitanie;9903;BELAYE;3",
)

OFFICIAL: dict[str, bytes] = {
    bpe_url(2025): BPE,
    FILOSOFI_URL: FILOSOFI,
    density_url(2025): DENSITY,
    RENT_URLS["rent_apartment_eur_m2_month"]: FLAT_RENTS,
    RENT_URLS["rent_house_eur_m2_month"]: HOUSE_RENTS,
    **SALES,
    schools_url("09"): SCHOOLS,
    FINESS_URL: FINESS,
    APL_URL: APL,
    STATIONS_URL: STATIONS,
    GASPAR_URL: GASPAR,
    RADON_URL: RADON,
}
