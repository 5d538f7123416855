"""Lists of one member's: each narrowed by what its page asks for, and systems named by their keys."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.orders.rules import RefundLine
from loyalty.partners.rules.keys import source_of
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.checkout import buy, give_back
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.partners import make_key
from tests.factories.points import earn, place
from tests.portal.console.conftest import Browser, LogIn, download

DAY = timedelta(days=1)


def test_lots_are_narrowed_by_state_and_by_their_end(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    for amount, days, opens in ((801, 5, 0), (802, 50, 0), (803, None, 0), (804, 60, 9)):
        expires_at = None if days is None else at + days * DAY
        earn(session, member.id, amount, at=at, available_at=at + opens * DAY, expires_at=expires_at)
    place(session, member.id, 801, at=at)
    session.commit()
    here = f"members/{member.id}/lots/export"

    def shown(query: str) -> list[int]:
        return [int(row["原有"]) for row in download(admin, f"{here}?{query}")]

    assert shown("") == [801, 802, 804, 803]
    assert shown("state=available") == [802, 803]
    assert shown("state=pending") == [804]
    assert shown("state=held") == [801]
    assert shown("state=expired") == []
    assert shown("until=2026-04-29") == [801, 802]
    assert shown("state=available&until=2026-04-29") == [802]


def test_a_lot_past_its_end_that_a_hold_keeps_is_found_by_its_state(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    earn(session, member.id, 90, at=at - 3 * DAY, expires_at=at - DAY)
    place(session, member.id, 40, at=at - 2 * DAY, expires_at=at + DAY)
    session.commit()
    here = f"members/{member.id}/lots/export"

    assert [row["状态"] for row in download(admin, f"{here}?state=expired")] == ["已过期"]
    assert download(admin, f"{here}?state=available") == []


def test_holds_are_narrowed_by_where_they_stand_now(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    earn(session, member.id, 100, at=at - 9 * DAY)
    place(session, member.id, 11, at=at - 8 * DAY, expires_at=at - 7 * DAY, reference="ran-out")
    place(session, member.id, 12, at=at, expires_at=at + DAY, reference="open")
    session.commit()
    here = f"members/{member.id}/holds/export"

    def shown(query: str) -> list[str]:
        return [row["业务单号"] for row in download(admin, f"{here}?{query}")]

    assert shown("") == ["open", "ran-out"]
    assert shown("state=placed") == ["open"]
    assert shown("state=expired") == ["ran-out"]
    assert shown("since=2026-03-10&until=2026-03-10") == ["open"]


def test_orders_are_narrowed_by_number_refund_and_day(
    admin: Browser, session: Session, member: Member, at: datetime
) -> None:
    for number, days, returned in (("A-1", 0, 0), ("A-2", 3, 4_000), ("B-3", 3, 10_000)):
        bought = make_purchase(member.id, line(), order_number=number, paid_at=at - days * DAY)
        buy(session, bought, at=at)
        if returned:
            give_back(session, make_refund(number, RefundLine(1, int(returned == 10_000), returned)), at=at)
    session.commit()
    here = f"members/{member.id}/orders/export"

    def shown(query: str) -> list[str]:
        return [row["订单号"] for row in download(admin, f"{here}?{query}")]

    assert shown("") == ["B-3", "A-2", "A-1"]
    assert shown("number=a-") == ["A-2", "A-1"]
    assert [shown(f"returned={how}") for how in ("nothing", "part", "whole")] == [["A-1"], ["A-2"], ["B-3"]]
    assert shown("since=2026-03-10") == ["A-1"]


def test_systems_are_shown_by_the_name_of_their_key(
    admin: Browser, log_in: LogIn, session: Session, member: Member, store: Store, at: datetime
) -> None:
    key, _secret = make_key(session, [store], name="门店收银系统")
    source = source_of(key.id)
    earn(session, member.id, 100, at=at)
    place(session, member.id, 60, at=at, actor=source)
    done = buy(session, make_purchase(member.id, source=source), at=at)
    session.commit()
    pages = [f"/console/members/{member.id}/{part}" for part in ("holds", "orders", f"orders/{done.order_id}")]
    link = f'<a href="/console/partner-keys/{key.id}">门店收银系统</a>'

    assert [link in admin.text(page) for page in pages] == [True] * 3
    auditor = log_in(Role.AUDITOR)
    assert [("门店收银系统" in text, link in text, source in text) for text in map(auditor.text, pages)] == [
        (True, False, False)
    ] * 3
