"""The licences that official data come under.

Hides nothing but their names and addresses: each is given to :class:`Origin` as it stands.
"""

from __future__ import annotations

__all__ = ["DVF_TERMS", "LICENCE_OUVERTE", "LICENCE_OUVERTE_1", "ODBL"]

_TEXT = "https://github.com/etalab/licence-ouverte/blob/master/LO.md"

LICENCE_OUVERTE = {"licence": "Licence Ouverte 2.0", "licence_url": _TEXT}

LICENCE_OUVERTE_1 = {
    "licence": "Licence Ouverte 1.0",
    "licence_url": "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
}

DVF_TERMS = {
    "licence": "Licence Ouverte 2.0, conditions d’utilisation DVF",
    "licence_url": _TEXT,
}
"""Sales: nobody is to be identified, and search engines are to index nothing."""

ODBL = {"licence": "ODbL 1.0", "licence_url": "https://opendatacommons.org/licenses/odbl/1-0/"}
"""Attribution; what is derived is shared alike."""
