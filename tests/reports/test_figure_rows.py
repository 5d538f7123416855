"""The rows behind the figures of a board: each figure is the sum of its rows, wherever the board stands."""

import pytest
from sqlalchemy.orm import Session

from loyalty.reports.rollups.board import figures_by_day
from loyalty.reports.rollups.figures import FIGURES
from loyalty.reports.rollups.rows import ROWS, FigureRow, rows_of_day
from loyalty.stores.models import Store
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.check_ins import SHANGHAI
from tests.factories.points import earn
from tests.reports.stage import AT_LONG_AGO, DAY, LONG_AGO, TODAY, a_full_day, member_of, only


def all_rows(session: Session, figure: str, scope: StoreScope, day: object = TODAY) -> list[FigureRow]:
    known = {"figure": figure, "scope": scope, "day": day, "zone": SHANGHAI, "limit": 1}
    page = rows_of_day(session, **known)  # type: ignore[arg-type]
    found = [*page.items]
    while page.next_cursor:
        page = rows_of_day(session, **known, cursor=page.next_cursor)  # type: ignore[arg-type]
        found += page.items
    return found


@pytest.mark.parametrize("figure", ROWS)
def test_add_up_to_the_figure_of_the_chain_and_of_a_store(session: Session, store: Store, figure: str) -> None:
    a_full_day(session, store)
    counted = 0

    for scope in (EVERYTHING, only(store)):
        for day in (TODAY, TODAY + DAY):
            figures = figures_by_day(session, scope=scope, first=day, last=day, zone=SHANGHAI)[day]
            rows = all_rows(session, figure, scope, day)
            assert sum(row.counts for row in rows) == getattr(figures, figure)
            assert [row.id for row in rows] == sorted({row.id for row in rows}, reverse=True)
            counted += len(rows)

    assert counted or figure == "points_moved"


def test_of_points_earned_long_ago_and_recorded_late_are_there(session: Session, store: Store) -> None:
    member = member_of(session, store)
    earned = earn(session, member.id, 70, occurred_at=AT_LONG_AGO)

    (row,) = all_rows(session, "points_issued", EVERYTHING, LONG_AGO)

    assert (row.id, row.member_id, row.at, row.counts) == (earned.entry_id, member.id, AT_LONG_AGO, 70)


def test_are_known_of_every_figure_but_the_money_of_coupons() -> None:
    assert set(FIGURES) - set(ROWS) == {"coupon_revenue_fen", "coupon_discount_fen"}
