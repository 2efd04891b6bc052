"""What an audit promises for any amounts and any seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher.audit import audit, gini
from geo_matcher.territory import SCOPES, Territory

AMOUNTS = st.lists(st.integers(0, 1_000), min_size=1, max_size=40)


@given(amounts=AMOUNTS, scale=st.floats(0.01, 100))
def test_gini_is_half_the_relative_mean_difference(amounts: list[int], scale: float) -> None:
    value = gini(amounts)
    if not any(amounts):
        assert value is None
        return
    assert value is not None
    expected = np.abs(np.subtract.outer(amounts, amounts)).mean() / (2 * np.mean(amounts))
    assert value == pytest.approx(expected, abs=1e-12)
    assert -1e-12 <= value <= 1 - 1 / len(amounts) + 1e-12
    assert gini([amount * scale for amount in amounts]) == pytest.approx(value, abs=1e-9)


@settings(max_examples=6)
@given(seed=st.integers(0, 2**31), scope=st.sampled_from(SCOPES))
def test_more_places_never_hide_anybody(territory: Territory, seed: int, scope: str) -> None:
    audits = [audit(territory, scope, size=10, seed=seed, top=top) for top in (1, 5, 20)]
    for narrow, wide in pairwise(audits):
        shares = {item.insee_code: item.share_top for item in wide.exposures}
        for item in narrow.exposures:
            assert item.share_top <= shares[item.insee_code] <= item.share_listed
            assert (item.share_top > 0) == (
                item.best_rank is not None and item.best_rank <= narrow.top
            )
        assert {a.insee_code for a in wide.absences} <= {a.insee_code for a in narrow.absences}
        assert sum(item.effective for item in wide.weights) == pytest.approx(1.0, abs=1e-9)
