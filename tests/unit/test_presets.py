from __future__ import annotations

import pytest

from geo_matcher.criteria import CRITERIA
from geo_matcher.errors import UnknownPresetError
from geo_matcher.matching import rank
from geo_matcher.newcomers import POPULATION
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from geo_matcher.towns import in_service


def test_presets_cover_the_newcomers_that_the_network_tells_of() -> None:
    assert "paris-web-family" in PRESETS
    assert {preset.profile.track for preset in PRESETS.values()} == {"solo", "cultura"}
    assert {preset.profile.tenure for preset in PRESETS.values()} == {"buy", "rent"}
    assert any(preset.profile.client_city == "toulouse" for preset in PRESETS.values())
    assert len(PRESETS) >= 4


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_bears_its_name_and_a_label_in_both_languages(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == preset.profile.name == name
    assert preset.label_fr != preset.label_en
    assert preset.label_fr.strip()
    assert preset.label_en.strip()


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("scope", ["partners", "network", "all"])
def test_a_preset_finds_villages_in_every_scope(
    territory: Territory, name: str, scope: str
) -> None:
    ranking = rank(territory, PRESETS[name].profile, scope)
    assert len(ranking) >= 5
    assert ranking.score[ranking.order[0]] > 60


def test_the_cultura_preset_makes_culture_count_most() -> None:
    profile = PRESETS["cultura-artist"].profile
    by_family: dict[str, float] = {}
    for criterion, weight in zip(CRITERIA.values(), profile.weights, strict=True):
        by_family[criterion.family] = by_family.get(criterion.family, 0.0) + weight
    assert max(by_family, key=by_family.__getitem__) == "setting"


def test_the_track_for_artists_is_the_networks_own(territory: Territory) -> None:
    about, artist = territory.about, PRESETS["cultura-artist"]
    assert artist.label_fr == "Artiste, parcours Cultura, en location"
    network = about.network
    assert network is not None
    asked = parse_profile(artist.profile.as_dict())
    plain = parse_profile(artist.profile.as_dict() | {"track": "solo"})
    assert asked.ignored == ()
    assert asked.weights.tolist() != plain.weights.tolist()
    named = network.model_copy(update={"artists_track": "Lot des Arts"})
    with in_service(about.model_copy(update={"network": named})):
        assert PRESETS["cultura-artist"].label_en == "Artist on the Lot des Arts track, renting"
    none = network.model_copy(update={"artists_track": ""})
    for other in (none, None):
        with in_service(about.model_copy(update={"network": other})):
            assert "cultura-artist" not in PRESETS
            assert PRESETS["artist"].label_fr == "Artiste, en location"
            assert preset_named("cultura-artist") is PRESETS["artist"]
            assert {preset.profile.track for preset in PRESETS.values()} == {"solo"}
            asked = parse_profile(artist.profile.as_dict())
            plain = parse_profile(artist.profile.as_dict() | {"track": "solo"})
            assert asked.ignored == ("track",)
            assert asked.weights.tolist() == plain.weights.tolist()
            shares = dict(POPULATION["preset"])
            assert shares["artist"] == 0.12
            assert sum(shares.values()) == pytest.approx(1)


def test_a_preset_is_found_by_name_and_suggested_when_mistyped() -> None:
    assert preset_named("lyon-trainer") is PRESETS["lyon-trainer"]
    with pytest.raises(UnknownPresetError) as refusal:
        preset_named("lyon-trainers")
    message = str(refusal.value)
    assert message.startswith("No preset is called 'lyon-trainers'. Did you mean lyon-trainer?")
    assert message.endswith(f"They are: {', '.join(PRESETS)}.")
    with pytest.raises(UnknownPresetError, match=r"^No preset is called 'zzz'\. They are: "):
        preset_named("zzz")
