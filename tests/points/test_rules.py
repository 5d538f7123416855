from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.points.rules import (
    InsufficientPoints,
    InvalidPoints,
    LotDraw,
    OpenLot,
    ReversalExceedsEntry,
    check_points,
    draw_down,
    points_to_undo,
    put_back,
    take_what_is_left,
)

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
days = st.integers(0, 30).map(lambda count: NOON + timedelta(days=count))
some_lots = st.lists(st.tuples(st.integers(1, 1_000), days, st.none() | days), min_size=1, max_size=20).map(
    lambda rows: [
        OpenLot(id=number, remaining=remaining, opened_at=opened_at, expires_at=expires_at)
        for number, (remaining, opened_at, expires_at) in enumerate(rows, start=1)
    ]
)


def lot(number: int, remaining: int, *, opened: int = 0, expires: int | None = None) -> OpenLot:
    expires_at = NOON + timedelta(days=expires) if expires is not None else None
    return OpenLot(number, remaining, NOON + timedelta(days=opened), expires_at)


class TestDrawDown:
    @pytest.mark.parametrize(
        ("lots", "expected"),
        [
            ([lot(1, 9, expires=9), lot(2, 9, expires=3)], 2),
            ([lot(1, 9), lot(2, 9, expires=900)], 2),
            ([lot(1, 9, opened=5, expires=3), lot(2, 9, opened=4, expires=3)], 2),
            ([lot(2, 9, expires=3), lot(1, 9, expires=3)], 1),
            ([lot(1, 9, opened=1), lot(2, 9)], 2),
        ],
        ids=["soonest expiry", "no expiry last", "then oldest", "then lowest id", "oldest without expiry"],
    )
    def test_begins_with_the_lot(self, lots: list[OpenLot], expected: int) -> None:
        assert draw_down(lots, 5) == [LotDraw(expected, 5)]

    @settings(deadline=None)
    @given(some_lots, st.data())
    def test_takes_exactly_what_is_asked_and_never_more_than_a_lot_holds(
        self, lots: list[OpenLot], data: st.DataObject
    ) -> None:
        held = {each.id: each.remaining for each in lots}
        points = data.draw(st.integers(1, sum(held.values())))

        draws = draw_down(lots, points)

        assert sum(draw.points for draw in draws) == points
        assert all(0 < draw.points <= held[draw.lot_id] for draw in draws)
        assert len({draw.lot_id for draw in draws}) == len(draws)

    @settings(deadline=None)
    @given(some_lots, st.data())
    def test_empties_a_lot_before_it_touches_the_next(self, lots: list[OpenLot], data: st.DataObject) -> None:
        held = {each.id: each.remaining for each in lots}
        points = data.draw(st.integers(1, sum(held.values())))

        draws = draw_down(lots, points)

        assert all(draw.points == held[draw.lot_id] for draw in draws[:-1])

    @settings(deadline=None)
    @given(some_lots)
    def test_of_more_than_there_is_takes_nothing_and_says_how_much_there_is(self, lots: list[OpenLot]) -> None:
        total = sum(each.remaining for each in lots)

        with pytest.raises(InsufficientPoints) as refusal:
            draw_down(lots, total + 1)

        assert refusal.value.details == {"points": total + 1, "available": total}


class TestPutBack:
    def test_returns_what_was_drawn_last_first(self) -> None:
        drawn = [LotDraw(1, 30), LotDraw(2, 20), LotDraw(3, 10)]

        assert put_back(drawn, 25) == [LotDraw(3, -10), LotDraw(2, -15)]

    @settings(deadline=None)
    @given(some_lots, st.data())
    def test_leaves_the_lots_as_if_only_the_rest_had_been_spent(self, lots: list[OpenLot], data: st.DataObject) -> None:
        spent = data.draw(st.integers(2, sum(each.remaining for each in lots) + 1)) - 1
        returned = data.draw(st.integers(1, spent))
        drawn = draw_down(lots, spent)

        left = {draw.lot_id: draw.points for draw in drawn}
        for draw in put_back(drawn, returned):
            left[draw.lot_id] += draw.points

        rest = draw_down(lots, spent - returned) if spent > returned else []
        assert {number: points for number, points in left.items() if points} == {
            draw.lot_id: draw.points for draw in rest
        }

    def test_of_more_than_was_drawn_is_refused(self) -> None:
        with pytest.raises(ReversalExceedsEntry):
            put_back([LotDraw(1, 30)], 31)

    def test_skips_lots_that_have_everything_back(self) -> None:
        assert put_back([LotDraw(1, 30), LotDraw(2, 0)], 5) == [LotDraw(1, -5)]


class TestTakeWhatIsLeft:
    def test_follows_the_order_given_and_stops_at_what_there_is(self) -> None:
        lots = [lot(3, 5), lot(1, 0), lot(2, 4)]

        assert take_what_is_left(lots, 7) == [LotDraw(3, 5), LotDraw(2, 2)]
        assert take_what_is_left(lots, 70) == [LotDraw(3, 5), LotDraw(2, 4)]


class TestPointsToUndo:
    @pytest.mark.parametrize(
        ("original", "undone", "asked", "expected"),
        [(100, 0, None, 100), (100, 30, None, 70), (-100, 30, 70, 70), (100, 99, 1, 1)],
    )
    def test_is_what_was_asked_for_or_all_that_is_left(
        self, original: int, undone: int, asked: int | None, expected: int
    ) -> None:
        assert points_to_undo(original, undone=undone, asked=asked) == expected

    @pytest.mark.parametrize(("undone", "asked"), [(100, None), (31, 70), (100, 1)])
    def test_never_adds_up_to_more_than_the_entry(self, undone: int, asked: int | None) -> None:
        with pytest.raises(ReversalExceedsEntry):
            points_to_undo(100, undone=undone, asked=asked)

    def test_refuses_to_undo_nothing(self) -> None:
        with pytest.raises(InvalidPoints):
            points_to_undo(100, undone=0, asked=0)


class TestCheckPoints:
    @pytest.mark.parametrize("points", [0, -5, 10**12])
    def test_refuses(self, points: int) -> None:
        with pytest.raises(InvalidPoints):
            check_points(points)
