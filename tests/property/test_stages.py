"""Whatever advisers try, a file stays possible."""

from __future__ import annotations

import datetime as dt

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from geo_matcher.dossiers.stages import NEXT, Position, Stage, Step, next_stages, step_problems

TODAY = dt.date(2026, 3, 2)
ORDER = [stage for stage in Stage if stage is not Stage.CLOSED]


class FileMachine(RuleBasedStateMachine):
    """A file that takes every step that the rules accept, and none other."""

    def __init__(self) -> None:
        super().__init__()
        self.position = Position(Stage.ENQUIRY)
        self.path = [Stage.ENQUIRY]

    def change(self, **parts: object) -> None:
        now = {name: getattr(self.position, name) for name in Position.__slots__}
        self.position = Position(**(now | parts))

    @rule()
    def add_profile(self) -> None:
        self.change(has_profile=True)

    @rule()
    def freeze_shortlist(self) -> None:
        self.change(has_shortlist=True)

    @precondition(lambda self: self.position.stage is Stage.SETTLED)
    @rule()
    def answer_follow_up(self) -> None:
        self.change(follow_ups=self.position.follow_ups + 1)

    @rule(
        to=st.sampled_from(Stage),
        commune=st.none() | st.sampled_from(["32249", "2A004", "nowhere"]),
        days=st.none() | st.integers(-10, 10),
        persons=st.none() | st.integers(-1, 25),
        reason=st.none() | st.sampled_from(["elsewhere", "because"]),
    )
    def take_any_step(
        self,
        to: Stage,
        commune: str | None,
        days: int | None,
        persons: int | None,
        reason: str | None,
    ) -> None:
        on = None if days is None else TODAY + dt.timedelta(days=days)
        self.take(Step(to, commune, on, persons, reason))

    @rule(index=st.integers(0, 3))
    def take_a_proper_step(self, index: int) -> None:
        possible = next_stages(self.position)
        if not possible:
            return
        to = possible[index % len(possible)]
        step = Step(to)
        if to is Stage.SETTLED and self.position.stage is not Stage.CLOSED:
            step = Step(to, "32249", TODAY, 3)
        elif to is Stage.CLOSED:
            step = Step(to, reason="elsewhere")
        self.take(step)

    def take(self, step: Step) -> None:
        problems = step_problems(self.position, step, TODAY)
        if problems:
            assert all(problems)
            return
        old = self.position.stage
        assert step.to in next_stages(self.position)
        if step.to is Stage.SETTLED:
            assert step.commune is not None
            assert step.commune[2:].isdigit()
            assert step.on is not None
            assert step.on <= TODAY
            assert step.persons is not None
            assert step.persons >= 1
        self.change(stage=step.to, closed_from=old if step.to is Stage.CLOSED else None)
        self.path.append(step.to)

    @invariant()
    def nothing_is_skipped_on_the_way_up(self) -> None:
        seen = {Stage.ENQUIRY}
        for stage in self.path:
            if stage is not Stage.CLOSED:
                assert set(ORDER[: ORDER.index(stage)]) <= seen
                seen.add(stage)

    @invariant()
    def a_closed_file_knows_where_it_came_from(self) -> None:
        is_closed = self.position.stage is Stage.CLOSED
        assert (self.position.closed_from is not None) == is_closed
        assert self.position.closed_from not in {Stage.CLOSED, Stage.SETTLED}

    @invariant()
    def proposing_villages_rests_on_a_profile(self) -> None:
        if Stage.MATCHED in self.path:
            assert self.position.has_profile
            assert self.position.has_shortlist

    @invariant()
    def every_file_has_a_way_on_but_a_settled_one(self) -> None:
        is_over = self.position.stage is Stage.SETTLED and self.position.follow_ups > 0
        assert bool(next_stages(self.position)) == (not is_over)


TestFileMachine = FileMachine.TestCase
TestFileMachine.settings = settings(max_examples=60, stateful_step_count=40)


def test_every_stage_can_be_reached() -> None:
    reached = {Stage.ENQUIRY}
    for _ in Stage:
        reached |= {after for stage in reached for after in NEXT[stage]}
    assert reached == set(Stage)
