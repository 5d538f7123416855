"""What members bought equals what their orders say, after whatever happened to these, however events come."""

import random
from collections import Counter
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.members.rules.profile import birthday_mark
from loyalty.members.service import set_birthday
from loyalty.merging.service import merge
from loyalty.orders.models import Order
from loyalty.orders.queries import get_order, lines_left_of
from loyalty.orders.rules import Line, RefundExceedsOrder, RefundLine
from loyalty.orders.service import apply_waiting, record_purchase, record_refund
from loyalty.segments import service
from loyalty.segments.models import MemberPurchase, MemberPurchaseLine, MemberPurchaseTotal
from loyalty.segments.rules.works import Work
from tests.factories.members import make_member
from tests.factories.orders import make_purchase, make_refund
from tests.support.containers import NullContainer
from tests.support.events import recorded
from tests.support.handling import handle_twice

_EVENTS = ("order.recorded", "order.refunded")


def _live(session: Session, members: list[Member], at: datetime, *, chance: random.Random, acts: int = 60) -> None:
    """Let members buy, correct, and give back, in any order; also what came before its purchase."""
    for number in range(acts):
        order_number = f"L{members[0].id}-{chance.randint(1, acts // 3)}"
        act = _buy if chance.random() < 0.6 else _give_back
        buyer = members[int(order_number[-1]) % len(members)]
        with suppress(RefundExceedsOrder), session.begin_nested():
            act(session, buyer, order_number, number + 1, at, chance)


def _buy(session: Session, buyer: Member, order_number: str, version: int, at: datetime, chance: random.Random) -> None:
    lines = [Line(n, f"sku{n}", chance.choice("ab"), 2, chance.choice([0, 500, 999])) for n in range(1, 4)]
    paid_at = at - timedelta(hours=chance.randint(0, 2_000))
    bought = make_purchase(
        buyer.id, *lines[: chance.randint(1, 3)], order_number=order_number, paid_at=paid_at, version=version
    )
    recorded_as = record_purchase(session, purchase=bought, at=at)
    apply_waiting(session, order_id=recorded_as.order_id, at=at)


def _give_back(
    session: Session, _buyer: Member, order_number: str, _version: int, at: datetime, chance: random.Random
) -> None:
    returned = chance.choice([(1, 0), (0, 100), (2, 500), (2, 999), (1, 250)])
    back = make_refund(order_number, RefundLine(chance.randint(1, 2), *returned), refunded_at=at)
    record_refund(session, refund=back, at=at)


def _told_by_orders(session: Session, zone: ZoneInfo) -> tuple[set[Any], set[Any], dict[int, Any]]:
    purchases, lines, totals = set(), set(), dict[int, list[tuple[int, date]]]()
    for order_id in session.scalars(select(Order.id).where(Order.version > 0)):
        order = get_order(session, order_id=order_id)
        assert order.member_id is not None
        assert order.paid_at is not None
        member = session.get_one(Member, order.member_id)
        owner_id, on = member.merged_into_id or member.id, business_date(order.paid_at, zone)
        left = [line for line in lines_left_of(session, order=order) if line.quantity or line.amount_fen]
        if not left:
            continue
        net_fen = sum(line.amount_fen for line in left)
        purchases.add((order_id, owner_id, on, order.store_id, order.channel, net_fen))
        lines |= {(order_id, l.line_number, owner_id, on, l.category, l.sku, l.amount_fen) for l in left}  # noqa: E741
        totals.setdefault(owner_id, []).append((net_fen, on))
    summed = {one: (len(all_), sum(fen for fen, _ in all_), max(on for _, on in all_)) for one, all_ in totals.items()}
    return purchases, lines, summed


def _written(session: Session) -> tuple[set[Any], set[Any], dict[int, Any]]:
    p, l, t = MemberPurchase, MemberPurchaseLine, MemberPurchaseTotal  # noqa: E741
    purchases = select(p.order_id, p.member_id, p.bought_on, p.store_id, p.channel, p.net_fen)
    lines = select(l.order_id, l.line_number, l.member_id, l.bought_on, l.category, l.sku, l.net_fen)
    totals = session.execute(select(t.member_id, t.purchases, t.net_fen, t.last_bought_on))
    return (
        {tuple(row) for row in session.execute(purchases)},
        {tuple(row) for row in session.execute(lines)},
        {row.member_id: tuple(row[1:]) for row in totals},
    )


@pytest.mark.parametrize("seed", range(3))
def test_events_in_any_order_leave_what_the_orders_say(
    session: Session, container: NullContainer, at: datetime, zone: ZoneInfo, seed: int
) -> None:
    chance = random.Random(seed)
    _live(session, [make_member(session) for _ in range(3)], at, chance=chance)
    events = [payload for kind in _EVENTS for payload in recorded(session, kind)]
    chance.shuffle(events)
    for payload in [*events, *events[:5]]:
        service.follow_order(session, order_id=payload["order_id"], zone=zone)

    told = _told_by_orders(session, zone)

    assert len(told[0]) > 3
    assert _written(session) == told


def test_the_events_of_orders_are_followed(
    session: Session, container: NullContainer, at: datetime, zone: ZoneInfo
) -> None:
    member = make_member(session)
    bought = make_purchase(member.id, Line(1, "s", "c", 2, 1_000))
    record_purchase(session, purchase=bought, at=at)
    handle_twice(container, "order.recorded", recorded(session, "order.recorded")[-1])
    assert _written(session) == _told_by_orders(session, zone) != (set(), set(), {})

    record_refund(session, refund=make_refund(bought.order_number, RefundLine(1, 2, 1_000), refunded_at=at), at=at)
    handle_twice(container, "order.refunded", recorded(session, "order.refunded")[-1])

    assert _written(session) == (set(), set(), {})


def test_a_merge_moves_what_was_bought_and_sums_it_up(session: Session, at: datetime, zone: ZoneInfo) -> None:
    survivor, other = make_member(session), make_member(session)
    numbers = [
        make_purchase(member.id, Line(1, "s", "c", 1, fen))
        for member, fen in ((survivor, 100), (other, 200), (other, 300))
    ]
    orders = [record_purchase(session, purchase=bought, at=at).order_id for bought in numbers]
    for order_id in orders[:2]:
        service.follow_order(session, order_id=order_id, zone=zone)

    merge(session, survivor_id=survivor.id, other_id=other.id, actor=Actor("staff:1"), at=at)
    service.follow_order(session, order_id=orders[2], zone=zone)

    written = _written(session)
    assert written == _told_by_orders(session, zone)
    assert written[2] == {survivor.id: (3, 600, business_date(numbers[0].paid_at, zone))}


def test_what_was_there_before_is_filled_in_by_pages(
    session: Session, at: datetime, zone: ZoneInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor = make_member(session)
    other = make_member(session)
    _live(session, [survivor, other], at, chance=random.Random(7))
    other.status, other.merged_into_id = MemberStatus.MERGED, survivor.id
    session.flush()
    monkeypatch.setattr("loyalty.segments.service.filling.ORDERS_PER_PAGE", 4)

    run_id = bulk.start(session, kind=Work.FILL_PURCHASES, subject="orders", total=99, at=at)
    pages = 1
    while bulk.work_page(session, run_id=run_id, page=lambda s, run: service.fill_purchases(s, run, zone=zone), at=at):
        pages += 1

    assert pages > 2
    assert _written(session) == _told_by_orders(session, zone)
    assert Counter(row[1] for row in _written(session)[0]).keys() == {survivor.id}


def test_birthdays_are_indexed_when_told_and_filled_in_where_they_were_before(
    session: Session, vault: Vault, at: datetime, zone: ZoneInfo
) -> None:
    member, before = make_member(session), make_member(session)
    for one in (member, before):
        set_birthday(session, vault=vault, member_id=one.id, birthday=date(1990, 2, 28), zone=zone, at=at)
    assert member.birthday_index == birthday_mark(vault, 2, 28)
    session.execute(text("UPDATE members SET birthday_index = NULL WHERE id = :id"), {"id": before.id})

    run_id = bulk.start(session, kind=Work.FILL_BIRTHDAYS, subject="members", total=9, at=at)
    bulk.work_page(session, run_id=run_id, page=lambda s, run: service.fill_birthdays(s, run, vault=vault), at=at)

    session.refresh(before)
    assert before.birthday_index == birthday_mark(vault, 2, 28)
