"""The report of an audit, for the network: one page of HTML that needs nothing else.

Hides the drawing library and the French of the report. Every sentence is made from a figure of the
:class:`~geo_matcher.audit.Audit`; every picture is an SVG inside the page, with its text as text in
the reader's own fonts, and has its table in the annex. No script, no outside file: the report can
be printed, sent and kept. Same audit, same bytes.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from geo_matcher.audit import Absence, Audit, Exposure
from geo_matcher.criteria import CRITERIA
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.double_counting import CORRELATED_FROM, WeightShare
from geo_matcher.epci_words import epci_label
from geo_matcher.look import COLOURS
from geo_matcher.numbers import NBSP, format_date, format_number, format_raw
from geo_matcher.presets import PRESETS
from geo_matcher.sentences import label_in_sentence, listed
from geo_matcher.territory import release_day

if TYPE_CHECKING:
    import jinja2
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MAX_BARS", "audit_html"]

MAX_BARS = 60
"""Communes that the picture of exposure shows at most; the table has them all."""

MAX_NAMED = 4
"""Criteria that a sentence names before it says how many others there are."""

SMALL_WEIGHT = 0.005
"""Criteria that neither weigh nor decide this share are left to the table."""

DRAWING: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "geo_matcher",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": COLOURS["ink"],
    "text.parse_math": False,
    "axes.edgecolor": COLOURS["ash"],
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "xtick.color": COLOURS["ash"],
    "ytick.color": COLOURS["ash"],
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "figure.dpi": 72.0,
}
"""How pictures are drawn; set around each drawing only, never for the whole program."""

WIDTH = 3.9  # inches, of a picture that takes a column
ROW_HEIGHT = 0.165  # inches, of a bar with its name
FIGURE_WIDTH = 0.52  # inches, of the percentage at the end of a bar
GRID = "#D8CDB9"

UNITS_OF_SCOPE = {
    "partners": ("village partenaire", "villages partenaires"),
    "network": ("commune du réseau", "communes du réseau"),
    "all": ("commune", "communes"),
}

THINGS = {
    "partners": ("village", "villages"),
    "network": ("commune", "communes"),
    "all": ("commune", "communes"),
}
"""What one and several of a scope are called for short."""

TABLE_WORDS = {
    "preset": "Goûts de départ",
    "origin_city": "Ville d'origine (sans effet sur le classement)",
    "household": "Foyer",
    "children": "Nombre d'enfants, s'il y en a",
    "work_mode": "Façon de travailler",
    "client_city": "Ville des clients, si l'on en visite",
    "tenure": "Acheter ou louer",
    "surface_m2": "Surface souhaitée",
    "buy_eur_m2": "Budget d'achat",
    "rent_eur_m2_month": "Budget de loyer",
    "village_size": "Taille souhaitée",
    "importance_step": "Importance de chaque famille de critères",
}

VALUE_WORDS = {
    ("origin_city", "other"): "Ailleurs",
    ("household", "none"): "Sans enfant",
    ("household", "young"): "Enfants de 0 à 5 ans",
    ("household", "school"): "Enfants de 6 à 11 ans",
    ("household", "teenagers"): "Enfants de 12 à 17 ans",
    ("work_mode", "home"): "À la maison",
    ("work_mode", "coworking"): "En coworking",
    ("work_mode", "client_visits"): "Chez des clients",
    ("client_city", "none"): "Pas de ville précise",
    ("tenure", "buy"): "Acheter",
    ("tenure", "rent"): "Louer",
    ("buy_eur_m2", "none"): "Pas de budget dit",
    ("rent_eur_m2_month", "none"): "Pas de budget dit",
    ("village_size", "none"): "Peu importe",
    ("village_size", "hamlet"): "Hameau",
    ("village_size", "village"): "Village",
    ("village_size", "bourg"): "Bourg",
    ("village_size", "town"): "Petite ville",
    ("importance_step", "-1"): "Un cran de moins",
    ("importance_step", "0"): "Comme au départ",
    ("importance_step", "1"): "Un cran de plus",
}

VALUE_UNITS = {
    "surface_m2": f"{NBSP}m²",
    "buy_eur_m2": f"{NBSP}€/m²",
    "rent_eur_m2_month": f"{NBSP}€/m² par mois",
}


def audit_html(audit: Audit) -> str:
    """Return the report of an audit: a whole page, in French, with its pictures inside.

    Parameters
    ----------
    audit
        What was counted.

    Returns
    -------
    str
        Less than 1 MB for every scope of a département; the same bytes for the same audit.
    """
    return _templates().get_template("audit.html").render(_context(audit))


# --- Words -------------------------------------------------------------------------------------


def _percent(share: float) -> str:
    return format_number(share, "fr", "%")


def _many(count: int, one: str, several: str) -> str:
    return f"{format_number(count, 'fr')}{NBSP}{one if abs(count) < 2 else several}"


def _decimals(value: float, places: int = 2) -> str:
    rounded = round(value, places) + 0.0  # what rounds to nothing has no sign
    return f"{rounded:.{places}f}".replace("-", "−").replace(".", ",")


def _first_places(top: int) -> str:
    return f"dans les {top}{NBSP}premiers" if top > 1 else "au premier rang"


def _headline(audit: Audit) -> str:
    """Return the sentence of result."""
    one, several = UNITS_OF_SCOPE[audit.scope]
    count, never = len(audit.exposures), len(audit.absences)
    where = _first_places(audit.top)
    if never == 0:
        every = "tous" if audit.scope == "partners" else "toutes"
        return f"Les {count} {several} sont {every} {where} de quelqu'un"
    subject = f"{never} {one if never == 1 else several} sur {count}"
    verb = "n'est" if never == 1 else "ne sont"
    return f"{subject} {verb} jamais {where} de personne"


def _labels(names: Sequence[str]) -> str:
    """Name some criteria inside a sentence, the first ones only when there are many."""
    shown = [label_in_sentence(name, "fr") for name in names[:MAX_NAMED]]
    more = len(names) - len(shown)
    if more:
        shown.append(_many(more, "autre", "autres"))
    return listed(shown, "et")


def _reasons(audit: Audit, absence: Absence) -> list[str]:
    """Say why a commune is never seen, one sentence for each reason."""
    where = _first_places(audit.top)
    sentences = []
    for reason in absence.reasons:
        if reason == "dominated":
            others = _and_others(absence.dominators - 1)
            sentences.append(
                f"Sur tous les critères, {absence.dominated_by} fait au moins aussi bien{others}."
            )
        elif reason == "missing":
            parts = []
            if absence.missing:
                parts.append(f"inconnu{NBSP}: {_labels(absence.missing)}")
            if absence.bounded:
                parts.append(f"connu «{NBSP}au plus{NBSP}»{NBSP}: {_labels(absence.bounded)}")
            sentences.append(
                f"Ce que nous ne savons pas encore peut suffire{NBSP}: au mieux de ces chiffres, "
                f"{where} de {_percent(absence.missing_share)} des profils "
                f"({f'{NBSP}; '.join(parts)})."
            )
        elif reason == "limit" and absence.limit is not None:
            sentences.append(
                f"Sans la limite posée sur «{NBSP}{CRITERIA[absence.limit].label_fr}{NBSP}»{NBSP}: "
                f"{where} de {_percent(absence.limit_freed_share)} des profils."
            )
        elif reason == "weak" and absence.weak is not None:
            criterion = CRITERIA[absence.weak]
            raw = float("inf") if absence.weak_raw is None else absence.weak_raw
            figure = format_raw(raw, criterion.unit, "fr")
            sentences.append(
                f"Le chiffre qui compterait le plus{NBSP}: "
                f"{label_in_sentence(absence.weak, 'fr')}, {figure} aujourd'hui. Au mieux de son "
                f"échelle{NBSP}: {where} de {_percent(absence.weak_share)} des profils."
            )
        elif reason == "behind":
            others = _and_others(absence.ahead_always - 1)
            sentences.append(f"{absence.behind} passe devant pour chacun des profils{others}.")
        else:
            sentences.append("Proche partout, premier nulle part.")
    return sentences


def _and_others(count: int) -> str:
    return f", ainsi que {_many(count, 'autre', 'autres')}" if count else ""


def _closest(absence: Absence) -> str:
    if absence.best_rank is None or absence.gap_points is None:
        return "Jamais sur une liste"
    gap = format_number(absence.gap_points, "fr", ".1")
    points = "point" if absence.gap_points < 2 else "points"
    return f"Meilleur rang {absence.best_rank}{NBSP}; au plus près, à {gap}{NBSP}{points}"


def _value_word(table: str, value: str) -> str:
    if (table, value) in VALUE_WORDS:
        return VALUE_WORDS[table, value]
    if table == "preset":
        return PRESETS[value].label_fr
    if table == "client_city":
        return HUB_CITIES[value][1]
    if table == "origin_city":
        return value.capitalize()
    number = float(value)
    text = format_number(number, "fr", "" if number.is_integer() else ".1")
    return text + VALUE_UNITS.get(table, "")


# --- The page ----------------------------------------------------------------------------------


@cache
def _asset(name: str) -> str:
    return (resources.files("geo_matcher") / "assets" / name).read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_asset),
    )


def _context(audit: Audit) -> dict[str, Any]:
    from markupsafe import Markup

    colours = "".join(f"--{name}:{value};" for name, value in COLOURS.items())
    _, several = UNITS_OF_SCOPE[audit.scope]
    thing, things = THINGS[audit.scope]
    shares = [item.share_top for item in audit.exposures]
    seen = sum(shares)
    biased = next((w.nominal for w in audit.weights if w.criterion == "partner_village"), 0.0)
    return {
        "css": Markup(f":root{{{colours}}}\n{_asset('audit.css')}"),
        "audit": audit,
        "title": _headline(audit),
        "several": several,
        "thing": thing,
        "things": things,
        "where": _first_places(audit.top),
        "count": len(audit.exposures),
        "never": len(audit.absences),
        "sourced": _sourced(audit),
        "partner_points": format_number(biased * 50, "fr", ".1"),
        "day": format_date(release_day(audit.vintage), "fr"),
        "size": format_number(audit.size, "fr"),
        "bound": _percent(audit.unseen_bound),
        "barely": _many(sum(0 < share <= audit.unseen_bound for share in shares), thing, things),
        "gini": None if audit.gini is None else _decimals(audit.gini),
        "five_share": _percent(sum(shares[:5]) / seen) if seen else None,
        "five": listed([item.name for item in audit.exposures[:5]], "et"),
        "fair_share": _percent(seen / len(shares)),
        "could": sum(item.missing_share > 0 for item in audit.absences),
        "to_check": _to_check(audit),
        "pictures": {
            name: Markup(svg)  # drawn here: the drawing escaped its texts
            for name, svg in _pictures(audit).items()
        },
        "sentences": _picture_titles(audit),
        "exposures": [
            (item, _percent(item.share_top), _percent(item.share_listed))
            for item in audit.exposures
        ],
        "epcis": [
            (item, _decimals(item.exposure_sum), _percent(item.exposure_mean))
            for item in audit.epcis
        ],
        "absences": [
            (item, _closest(item), _reasons(audit, item), _limit(item)) for item in audit.absences
        ],
        "pairs": [
            (CRITERIA[p.first].label_fr, CRITERIA[p.second].label_fr, _decimals(p.r), p)
            for p in audit.pairs
        ],
        "max_bars": MAX_BARS,
        "from_r": _decimals(CORRELATED_FROM, 1),
        "weights": [
            (
                CRITERIA[w.criterion].label_fr,
                _points(w.nominal),
                _points(w.effective),
                _points(w.effective - w.nominal),
            )
            for w in _by_weight(audit)
        ],
        "population": _population(audit),
    }


def _sourced(audit: Audit) -> str:
    """Say which partners are sourced and how they count; empty when none is."""
    names = sorted(item.name for item in audit.exposures if item.evidence == "sourced")
    if not names:
        return ""
    shown = listed(names, "et")
    if len(names) > MAX_NAMED:
        shown = f"Les {len(names)} partenaires attestés"
    return f"{shown} {'compte' if len(names) == 1 else 'comptent'} pleinement"


def _points(share: float) -> str:
    return _decimals(share * 100, 1)


def _limit(absence: Absence) -> str:
    if absence.limit is None:
        return "aucune"
    label = CRITERIA[absence.limit].label_fr
    return f"{label} ({_percent(absence.limit_share)} des profils)"


def _to_check(audit: Audit) -> list[tuple[str, str]]:
    """Return the figures to look up first: for how many unseen communes each could change much."""
    found = Counter(name for item in audit.absences for name in item.missing + item.bounded)
    one, several = THINGS[audit.scope]
    order = sorted(found, key=lambda name: (-found[name], list(CRITERIA).index(name)))
    return [(CRITERIA[name].label_fr, _many(found[name], one, several)) for name in order[:6]]


def _population(audit: Audit) -> list[tuple[str, list[tuple[str, str, str]]]]:
    tables: dict[str, list[tuple[str, str, str]]] = {}
    for item in audit.make_up:
        row = (_value_word(item.table, item.value), _percent(item.assumed), _percent(item.drawn))
        tables.setdefault(TABLE_WORDS[item.table], []).append(row)
    return list(tables.items())


def _by_weight(audit: Audit) -> list[WeightShare]:
    return sorted(audit.weights, key=lambda item: -item.nominal)


def _picture_titles(audit: Audit) -> dict[str, str]:
    """Return the sentence above each picture, saying what it shows."""
    one, several = UNITS_OF_SCOPE[audit.scope]
    where, most, never = _first_places(audit.top), audit.exposures[0], len(audit.absences)
    rest = f"{NBSP}; {_many(never, one, several)}, jamais" if never else ""
    empty = sum(item.exposure_sum == 0 for item in audit.epcis)
    best = audit.epcis[0]
    half = [item.share_top for item in audit.exposures][-(len(audit.exposures) // 2) :]
    total = sum(item.share_top for item in audit.exposures)
    moved = sorted(audit.weights, key=lambda item: item.effective - item.nominal)
    more = CRITERIA[moved[-1].criterion].label_fr
    less = label_in_sentence(moved[0].criterion, "fr")
    thing, _ = THINGS[audit.scope]
    across = sum(not pair.same_family for pair in audit.pairs)
    same = len(audit.pairs) - across
    lorenz, pairs = "Personne n'apparaît", "Aucune paire de critères ne se ressemble beaucoup"
    if total:
        lorenz = f"La moitié la moins vue reçoit {_percent(sum(half) / total)} des apparitions"
    if audit.pairs:
        many = _many(len(audit.pairs), "paire", "paires")
        pairs = f"{many} de critères se ressemblent beaucoup, dont {same} dans une même famille"
    nobody = f"{NBSP}; dans {_many(empty, 'autre', 'autres')} EPCI, aucun" if empty else ""
    return {
        "exposure": f"{most.name} est {where} de {_percent(most.share_top)} des profils{rest}",
        "lorenz": lorenz,
        "epci": (
            f"{_epci_name(best.name)}{NBSP}: {_percent(best.exposure_mean)} des profils voient "
            f"chaque {thing}, en moyenne{nobody}"
        ),
        "weights": (
            f"«{NBSP}{more}{NBSP}» départage plus que son poids{NBSP}; «{NBSP}{less}{NBSP}», moins"
        ),
        "pairs": pairs,
    }


# --- Pictures ----------------------------------------------------------------------------------


def _pictures(audit: Audit) -> dict[str, str]:
    import matplotlib as mpl

    titles = _picture_titles(audit)
    with mpl.rc_context(DRAWING):
        figures = {
            "exposure": _exposure_bars(audit.exposures[:MAX_BARS]),
            "lorenz": _lorenz(audit),
            "epci": _epci_bars(audit),
            "weights": _dumbbell(audit),
        }
        return {name: _svg(figure, name, titles[name]) for name, figure in figures.items()}


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure that no drawing window knows of, so that nothing has to be closed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="none")
    axes = figure.add_axes((0, 0, 1, 1), facecolor="none")
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    return figure, axes


def _svg(figure: Figure, name: str, title: str) -> str:
    """Return a figure as an SVG element that can stand beside others in one page."""
    from markupsafe import escape

    text = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    # Names inside a picture would meet those of the next one: each gets the picture's own.
    drawn = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", drawn)
    drawn = re.sub(r"<style.*?</style>", "", drawn, flags=re.DOTALL)  # it would style the page too
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1).strip()


def _rows(
    names: Sequence[str], width: float, names_share: float, foot: float = 0.0
) -> tuple[Figure, Axes]:
    """Return axes with one line for each name, first on top; names stand left of zero."""
    height = ROW_HEIGHT * len(names) + foot + 0.04
    figure, axes = _figure(width, height)
    axes.set_position((names_share, foot / height, 1 - names_share, 1 - foot / height))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks([])
    axes.set_xticks([])
    for row, name in enumerate(names):
        axes.annotate(
            name,
            (0, row),
            (-5, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="center",
        )
    return figure, axes


def _epci_name(name: str) -> str:
    """Return the name of an EPCI without its kind, for where room is short."""
    return re.sub(r"^(CC|CA|CU) ((du|des|de la|de) |(de l|d)['’])?", "", epci_label(name, "fr"))


def _bars(
    axes: Axes, shares: Sequence[float], words: Sequence[str], colours: Sequence[str]
) -> None:
    """Draw one bar for each share with its figure at its end."""
    end = max(*shares, 0.0) or 1.0
    width = axes.get_position().width * WIDTH
    axes.set_xlim(0, end * width / (width - FIGURE_WIDTH))
    axes.barh(range(len(shares)), shares, height=0.68, color=colours, linewidth=0)
    axes.plot([0, 0], [-0.5, len(shares) - 0.5], color=COLOURS["ash"], linewidth=0.8)
    for row, (share, word) in enumerate(zip(shares, words, strict=True)):
        axes.annotate(
            word,
            (share, row),
            (4, 0),
            textcoords="offset points",
            va="center",
            color=COLOURS["ash"] if share == 0 else COLOURS["ink"],
        )


def _exposure_bars(exposures: Sequence[Exposure]) -> Figure:
    names = [
        _clip(item.name, 24) + ("*" if item.evidence == "sourced" else "") for item in exposures
    ]
    figure, axes = _rows(names, WIDTH, 0.4)
    shares = [item.share_top for item in exposures]
    words = ["jamais" if share == 0 else _percent(share) for share in shares]
    _bars(axes, shares, words, [COLOURS["sky"]] * len(shares))
    return figure


def _epci_bars(audit: Audit) -> Figure:
    names = [f"{_clip(_epci_name(item.name), 26)} ({item.communes})" for item in audit.epcis]
    figure, axes = _rows(names, WIDTH, 0.6)
    shares = [item.exposure_mean for item in audit.epcis]
    words = ["jamais" if share == 0 else _percent(share) for share in shares]
    _bars(axes, shares, words, [COLOURS["sage"]] * len(shares))
    return figure


def _dumbbell(audit: Audit) -> Figure:
    shown = [
        item for item in _by_weight(audit) if max(item.nominal, abs(item.effective)) >= SMALL_WEIGHT
    ]
    names = [CRITERIA[item.criterion].label_fr for item in shown]
    figure, axes = _rows([_clip(name) for name in names], WIDTH, 0.5, foot=0.34)
    ends = [end * 100 for item in shown for end in (item.nominal, item.effective)]
    axes.set_xlim(min(*ends, 0) - 1, max(ends) + 1.5)
    axes.set_xticks([tick for tick in (0, 5, 10, 15, 20, 25) if tick < max(ends) + 1.5])
    axes.grid(visible=True, axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for row, item in enumerate(shown):
        paper, real = item.nominal * 100, item.effective * 100
        gains = real > paper
        line = COLOURS["sage"] if gains else COLOURS["rust"]
        axes.plot([paper, real], [row, row], color=line, linewidth=1.8, solid_capstyle="butt")
        axes.plot([paper], [row], "o", markersize=5.5, markerfacecolor=COLOURS["paper"],
                  markeredgecolor=COLOURS["ash"], markeredgewidth=1.2)  # fmt: skip
        axes.plot([real], [row], "o" if gains else "D", markersize=5.5 if gains else 4.8,
                  color=line, markeredgewidth=0)  # fmt: skip
    axes.set_xlabel("Part du total, en %", color=COLOURS["ash"], fontsize=8.5, labelpad=3)
    return figure


def _clip(name: str, most: int = 28) -> str:
    """Return a name that fits beside its row, cut at a word; the table has it whole."""
    if len(name) <= most:
        return name
    return f"{name[: most - 1].rpartition(' ')[0] or name[: most - 1]}…"


def _lorenz(audit: Audit) -> Figure:
    """Draw the Lorenz curve: share of all appearances against share of communes, least seen first.

    Lorenz 1905, "Methods of measuring the concentration of wealth", *Publications of the American
    Statistical Association* 9:209-219. The Gini coefficient is twice the area between the lines, up
    to 1/n.
    """
    rising = sorted(item.share_top for item in audit.exposures)
    total = sum(rising) or 1.0
    across = [100 * place / len(rising) for place in range(len(rising) + 1)]
    up = [100 * sum(rising[:place]) / total for place in range(len(rising) + 1)]
    figure, axes = _figure(3.0, 2.75)
    axes.set_position((0.15, 0.17, 0.8, 0.79))
    axes.set_xlim(0, 101)
    axes.set_ylim(-1.5, 101)
    axes.fill_between(across, up, across, color=COLOURS["linen"], linewidth=0)
    axes.plot([0, 100], [0, 100], color=COLOURS["ash"], linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(across, up, color=COLOURS["sky"], linewidth=2)
    ticks = [0, 50, 100]
    axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
    axes.set_yticks(ticks, [f"{tick}" for tick in ticks])
    axes.text(40, 47, "si chacun était\nvu autant", ha="right", va="bottom", color=COLOURS["ash"])
    axes.text(60, 24, "ce qui\nest vu", color=COLOURS["sky"], ha="right", va="center")
    _, things = THINGS[audit.scope]
    axes.set_xlabel(f"% des {things}, du moins vu au plus vu", color=COLOURS["ash"], fontsize=8.5)
    axes.set_ylabel("% des apparitions", color=COLOURS["ash"], fontsize=8.5)
    return figure
