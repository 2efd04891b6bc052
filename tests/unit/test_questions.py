from __future__ import annotations

import pytest

from api.questions import scope_view
from geo_matcher.territory import Territory
from geo_matcher.towns import in_service


@pytest.mark.parametrize(
    ("language", "said"),
    [("fr", "En {year}, le réseau en annonçait 172."), ("en", "In {year} the network announced")],
)
def test_the_year_of_what_the_network_announced_is_its_own(
    territory: Territory, language: str, said: str
) -> None:
    def told() -> str:
        return " ".join(str(scope_view(territory, "network", language)).split())

    assert said.format(year=2014) in told()
    about = territory.about
    assert about.network is not None
    later = about.network.model_copy(update={"published_year": 2025})
    with in_service(about.model_copy(update={"network": later})):
        assert said.format(year=2025) in told()
        assert "2014" not in told()
