from __future__ import annotations

import pytest

from geo_matcher.dossiers.fields import (
    FIELDS,
    Draft,
    changed_draft,
    checked_text,
    draft_of,
    email_key,
    name_key,
    plain_values,
)
from geo_matcher.errors import DossierError

SECRET = "Zéphyrine"


def test_every_field_has_a_purpose() -> None:
    assert list(FIELDS) == list(Draft.model_fields)
    assert all(facts.purpose_fr and facts.purpose_en for facts in FIELDS.values())


def test_a_text_is_brought_to_one_form() -> None:
    draft = draft_of({"name": "  Léa \n Durand ", "message": "un\r\ndeux\rtrois \n"})
    assert (draft.name, draft.message) == ("Léa Durand", "un\ndeux\ntrois")


def test_plain_values_read_back_as_the_same_fields() -> None:
    members = [{"label": "Léa", "profile": {"track": "cultura", "children_ages": [3]}}]
    draft = draft_of({"name": "Léa", "members": members, "villages": ["32249"]})
    assert draft_of(plain_values(draft)) == draft


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "name: "),
        ({"name": SECRET * 20}, "name: expected at most 120"),
        ({"name": f"{SECRET}\x00"}, "name: a character that cannot be shown"),
        ({"name": f"{SECRET}\x1b[2J"}, "name: a character that cannot be shown"),
        ({"email": SECRET}, "email: expected an address such as name@example.org"),
        ({"email": f"{SECRET}@x.fr>, b@x.fr"}, "email: expected an address"),
        ({"phone": SECRET}, "phone: expected a telephone number"),
        ({"villages": [SECRET]}, "villages.0: expected an INSEE code"),
        ({"origin_commune": SECRET}, "origin_commune: expected an INSEE code"),
        ({"track": SECRET}, "track: expected 'solo' or 'cultura'"),
        ({"message": SECRET * 300}, "message: expected at most 2000"),
        ({"members": [{"profile": {"name": SECRET, "tenure": SECRET}}]}, "members.0.profile"),
        ({"members": [{"profile": {"criteria": {SECRET: {}}}}]}, "members.0.profile"),
        ({SECRET: 1}, f"{SECRET}: no such field"),
    ],
)
def test_a_refusal_names_the_field_and_not_what_stood_in_it(
    fields: dict[str, object], problem: str
) -> None:
    with pytest.raises(DossierError) as refusal:
        draft_of({"name": "x"} | fields)
    assert any(problem in found for found in refusal.value.problems), refusal.value.problems
    if SECRET not in fields:
        assert SECRET not in str(refusal.value)


def test_all_problems_are_listed() -> None:
    with pytest.raises(DossierError) as refusal:
        draft_of({"email": "x", "phone": "x"})
    assert len(refusal.value.problems) == 3


def test_no_repr_shows_a_person() -> None:
    draft = draft_of({"name": SECRET, "message": SECRET, "town": SECRET})
    assert SECRET not in repr(draft)


def test_a_change_is_checked_with_all_the_rest() -> None:
    draft = draft_of({"name": "x"})
    assert changed_draft(draft, {"town": "Auch"}).town == "Auch"
    with pytest.raises(DossierError, match="no such field"):
        changed_draft(draft, {"id": 3})


def test_a_free_text_has_bounds_and_can_be_shown() -> None:
    assert checked_text(" a\r\nb ", "note", most=10) == "a\nb"
    for text, found in (("", "found 0"), ("x" * 11, "found 11"), ("\x07", "cannot be shown")):
        with pytest.raises(DossierError, match=found):
            checked_text(text, "note", most=10)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lea@Exemple.TEST", "lea@exemple.test"),
        ("lea+gers@exemple.test", "lea@exemple.test"),
        ("l.e.a@gmail.com", "lea@googlemail.com"),
    ],
)
def test_two_spellings_of_a_mailbox_are_one(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)


def test_what_is_no_address_has_no_key() -> None:
    assert [email_key(text) for text in ("", "lea", "@x", "lea@")] == [""] * 4
    assert email_key("l.e.a@exemple.test") != email_key("lea@exemple.test")


def test_names_are_compared_without_accents_case_and_order() -> None:
    assert name_key("DURAND-Léa") == name_key("lea  durand") == "durand lea"
