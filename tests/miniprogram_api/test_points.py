from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.points.service import earn as earn_by
from tests.factories.earning import miss_review
from tests.factories.members import make_member
from tests.factories.points import earn, reverse, spend
from tests.factories.stores import make_store
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


@pytest.fixture
def member_id(mini_program: MiniProgram) -> int:
    assert mini_program.member is not None
    return mini_program.member.id


def test_the_statement_is_filtered_by_kind_and_month(
    mini_program: MiniProgram, session: Session, member_id: int, at: datetime
) -> None:
    earn(session, member_id, 50, at=at - 40 * DAY)
    march = earn(session, member_id, 60, at=at)
    spent = spend(session, member_id, 20, at=at)
    session.commit()

    def ids(query: str) -> list[int]:
        return [entry["id"] for entry in mini_program.get(f"/points/entries?{query}").json["items"]]  # type: ignore[index]

    assert ids("month=2026-03") == [spent.entry_id, march.entry_id]
    assert ids("month=2026-03&kind=earn") == [march.entry_id]
    assert ids("month=2026-04") == []


@pytest.mark.parametrize("query", ["month=2026-13", "month=03-2026", "kind=everything", "kind=", "cursor=!!"])
def test_a_filter_that_makes_no_sense_is_refused(mini_program: MiniProgram, query: str) -> None:
    assert mini_program.get(f"/points/entries?{query}").status_code == 422


def test_an_entry_tells_what_it_drew_on_and_what_undid_it(
    mini_program: MiniProgram, session: Session, member_id: int, at: datetime
) -> None:
    store = make_store(session, name="西湖店")
    earned = earn(session, member_id, 50, at=at, expires_at=at + 5 * DAY, store_id=store.id)
    spent = spend(session, member_id, 20, at=at)
    undone = reverse(session, member_id, spent.entry_id, points=5)
    session.commit()

    detail = mini_program.get(f"/points/entries/{spent.entry_id}").json
    credit = mini_program.get(f"/points/entries/{earned.entry_id}").json

    assert detail is not None
    assert [(draw["points"], draw["lot"]["entry_id"], draw["lot"]["store_name"]) for draw in detail["draws"]] == [
        (20, earned.entry_id, "西湖店")
    ]
    assert [entry["id"] for entry in detail["reversals"]] == [undone.entry_id]
    assert credit is not None
    assert [(lot["points"], lot["remaining"], lot["state"]) for lot in credit["opened"]] == [(50, 35, "available")]


def test_an_entry_tells_which_rules_paid_it(
    mini_program: MiniProgram, session: Session, member_id: int, at: datetime
) -> None:
    award = {"name": "首单礼", "points": 30, "growth": 0}
    posted = earn_by(
        session,
        member_id=member_id,
        points=30,
        reference="order:991",
        explanation={"rule": "purchase", "awards": [award]},
        occurred_at=at,
        at=at,
    )
    session.commit()

    detail = mini_program.get(f"/points/entries/{posted.entry_id}").json

    assert detail is not None
    assert (detail["awards"], detail["misses"]) == (["首单礼：得 30 积分"], [])


def test_an_entry_of_somebody_else_is_not_found(mini_program: MiniProgram, session: Session) -> None:
    theirs = earn(session, make_member(session).id, 50)
    session.commit()

    assert mini_program.get(f"/points/entries/{theirs.entry_id}").status_code == 404


def test_lots_come_soonest_first_with_what_lapses_soon(
    mini_program: MiniProgram, session: Session, member_id: int, at: datetime
) -> None:
    for days in (90, 3):
        earn(session, member_id, days, at=at, expires_at=at + days * DAY)
    session.commit()

    lots = mini_program.get("/points/lots?limit=1").json

    assert lots is not None
    assert [lot["remaining"] for lot in lots["items"]] == [3]
    assert lots["expiring_soon"] == {"days": 30, "points": 3}
    following = mini_program.get(f"/points/lots?limit=1&cursor={lots['next_cursor']}").json
    assert following is not None
    assert [lot["remaining"] for lot in following["items"]] == [90]


def test_an_entry_is_shown_in_three_statements_at_most(
    mini_program: MiniProgram, session: Session, member_id: int, at: datetime, statements: StatementCounter
) -> None:
    earn(session, member_id, 50, at=at)
    spent = spend(session, member_id, 20, at=at)
    session.commit()
    statements.clear()

    mini_program.get(f"/points/entries/{spent.entry_id}")

    assert statements.count <= 3, "\n".join(statements.sent)


def test_tells_what_events_brought_and_what_they_lacked_also_when_nothing_was_paid(
    mini_program: MiniProgram, session: Session, member_id: int, at: datetime
) -> None:
    miss_review(session, member_id, at)

    (event,) = mini_program.get("/points/evaluations").json["items"]  # type: ignore[index]

    assert (event["event"], event["points"], event["growth"], event["store_name"]) == ("review", 0, 0, None)
    assert (event["awards"], event["misses"]) == ([], ["评价有礼：不在活动的星期"])
