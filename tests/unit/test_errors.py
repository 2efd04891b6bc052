from __future__ import annotations

import pytest

from geo_matcher import errors


def test_an_error_alone_is_its_only_problem() -> None:
    error = errors.DataError("one thing is wrong")
    assert error.problems == ("one thing is wrong",)
    assert str(error) == "one thing is wrong"


def test_problems_are_kept_one_by_one() -> None:
    error = errors.ProfileError("two things: a; b", ["a", "b"])
    assert error.problems == ("a", "b")
    assert str(error) == "two things: a; b"


def test_an_unknown_commune_carries_what_looks_alike() -> None:
    error = errors.UnknownCommuneError("no Mauvesin", ["Mauvezin"])
    assert error.suggestions == ("Mauvezin",)
    assert error.problems == ("no Mauvesin",)


def test_the_text_of_a_lookup_error_is_not_quoted() -> None:
    assert str(errors.UnknownPresetError("No preset is called 'x'.")) == "No preset is called 'x'."


@pytest.mark.parametrize(
    ("error", "standard"),
    [
        (errors.CrsError, ValueError),
        (errors.DataError, ValueError),
        (errors.ProfileError, ValueError),
        (errors.UnknownCommuneError, LookupError),
        (errors.UnknownCriterionError, LookupError),
    ],
)
def test_an_error_can_be_caught_as_the_standard_one(
    error: type[errors.GeoMatcherError], standard: type[Exception]
) -> None:
    with pytest.raises(standard, match=r"^found that$"):
        raise error("found that")
