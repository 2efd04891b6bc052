"""The municipal districts (arrondissements) of Paris, Lyon and Marseille, which are no communes."""

from __future__ import annotations

__all__ = ["districts_of", "whole_city"]

_CITY = {
    **{f"751{number:02}": "75056" for number in range(1, 21)},
    **{f"6938{number}": "69123" for number in range(1, 10)},
    **{f"132{number:02}": "13055" for number in range(1, 17)},
}


def whole_city(code: str) -> str:
    """Return the commune that a code belongs to: the city for a district, else the code itself."""
    return _CITY.get(code, code)


def districts_of(code: str) -> tuple[str, ...]:
    """Return the codes of the districts of a commune; none but in three cities."""
    return tuple(district for district, city in _CITY.items() if city == code)
