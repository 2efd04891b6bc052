"""What one person of a household looks for, as the movers' own questions ask it.

Hides how a form that was sent becomes a profile. The questions are those of the movers' page; here
they are sent and not linked, so that no address holds what a household said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from api.asking import read_query
from api.desk_faults import Difference
from api.desk_places import desk_href
from api.faults import FormError
from api.forms import profile_fields
from api.questions import FormView, form_view
from api.results import fault_texts
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory
from geo_matcher.towns import served

__all__ = ["OWN", "WishesView", "profile_sent", "wishes_view"]

OWN = frozenset({"csrf", "version", "membre", "label", "do", "lang", "scope"})
"""Fields of the form that are no question."""


@dataclass(frozen=True, slots=True)
class WishesView:
    """The form of one person's wishes.

    Attributes
    ----------
    action, back_href
        Where it is sent, and where the file is.
    version, member, label
        What the editor saw; which person, ``nouveau`` for one more; their first name.
    presets
        Pairs (address, label) of profiles to start from, for a new person.
    form
        The questions with the answers so far.
    faults
        What cannot be read.
    differences
        What somebody else changed meanwhile.
    """

    action: str
    back_href: str
    version: int
    member: str
    label: str
    presets: tuple[tuple[str, str], ...]
    form: FormView
    faults: tuple[str, ...]
    differences: tuple[Difference, ...]


def profile_sent(
    sent: Mapping[str, str], territory: Territory, language: str
) -> tuple[Profile | None, tuple[str, ...]]:
    """Read the questions of a form: the profile, or a sentence for each thing that is wrong.

    Parameters
    ----------
    sent
        What was sent.
    territory
        Knows the communes that one may leave.
    language
        ``fr`` or ``en``.
    """
    pairs = [(key, value) for key, value in sent.items() if key not in OWN and value]
    try:
        asked = read_query(territory, urlencode([*pairs, ("lang", language)]))
    except FormError as error:
        return None, fault_texts(error)
    return asked.profile, ()


def wishes_view(
    key: str,
    language: str,
    *,
    version: int,
    member: str,
    label: str,
    profile: Profile,
    sent: Mapping[str, str] | None = None,
    faults: tuple[str, ...] = (),
    differences: tuple[Difference, ...] = (),
) -> WishesView:
    """Return the form of one person's wishes.

    Parameters
    ----------
    key, version
        The file, and what the editor saw of it.
    language
        ``fr`` or ``en``.
    member, label
        Which person.
    profile
        What they look for, so far.
    sent
        What was typed, where it could not be used.
    faults, differences
        What is wrong; what somebody else changed meanwhile.
    """
    fields: dict[str, str] = profile_fields(profile)
    if sent is not None:
        fields = {name: value for name, value in sent.items() if name not in OWN}
    path = f"/dossiers/{key}"
    return WishesView(
        action=desk_href(f"{path}/projet", language),
        back_href=desk_href(path, language) + "#projet",
        version=version,
        member=member,
        label=label,
        presets=tuple(
            (
                desk_href(f"{path}/projet", language, membre="nouveau", modele=name),
                preset.label_fr if language == "fr" else preset.label_en,
            )
            for name, preset in PRESETS.items()
        )
        if member == "nouveau"
        else (),
        form=form_view(fields, profile, served().default_scope, language),
        faults=faults,
        differences=differences,
    )
