"""How many statements each page sends: a number that grows is a page that will not scale.

Two of them find the caller: session with account and roles, and the stores they may see.
"""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.points import service as points
from tests.factories.members import make_identity, make_member
from tests.factories.notices import request_notice
from tests.factories.points import earn
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser
from tests.support.statements import StatementCounter


@pytest.fixture
def members(session: Session, at: datetime) -> list[Member]:
    store = make_store(session)
    made = [make_member(session, enrolled_store_id=store.id) for _ in range(3)]
    for member in made:
        make_identity(session, member=member, is_following=True)
        points.open_account(session, member_id=member.id, at=at)
        for days in range(3):
            earn(session, member.id, 10, at=at, expires_at=at + timedelta(days=30 + days))
        request_notice(session, member_id=member.id, at=at)
    session.commit()
    return made


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("dashboard", 9),
        ("approvals", 5),
        ("dashboard/days.json", 5),
        ("boards", 9),
        ("boards/days.json", 5),
        ("members", 5),
        ("members/{member_id}", 17),
        ("members/{member_id}/entries", 4),
        ("members/{member_id}/entries?month=2026-03&kind=earn", 4),
        ("members/{member_id}/lots", 6),
        ("members/{member_id}/holds", 5),
        ("members/{member_id}/orders", 6),
        ("bindings", 3),
        ("menus/wx5a0db7a000000001", 4),
        ("notices", 7),
        ("replies/wx5a0db7a000000001", 5),
        ("scenes", 5),
        ("scene-report", 9),
        ("scene-report/days.json", 4),
        ("campaigns", 3),
        ("campaigns/new?template=members_day", 6),
        ("campaign-settings", 7),
        ("segments", 5),
        ("segments/new", 2),
        ("templates", 7),
        ("templates/setting?appid=wx5a0db7a000000001&kind=points_changed", 4),
        ("tiers", 5),
        ("check-in-plan", 4),
        ("stores", 3),
        ("stores.csv", 3),
        ("stores/new", 3),
        ("staff", 4),
        ("staff.csv", 4),
        ("staff/new", 3),
        ("audit", 3),
        ("audit.csv", 3),
        ("jobs", 4),
        ("events", 4),
        ("password", 2),
    ],
)
def test_every_page_sends_as_many_statements_as_ever(
    admin: Browser, members: list[Member], statements: StatementCounter, path: str, count: int
) -> None:
    statements.clear()

    admin.text(f"/console/{path.format(member_id=members[0].id)}")

    assert statements.count == count, statements.sent
