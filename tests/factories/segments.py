"""People of whom everything that can be asked is known, written as the modules write it."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.check_ins.models import CheckIn
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Base
from loyalty.members.models import Member
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.rules.members import MemberStatus
from loyalty.members.rules.profile import birthday_mark
from loyalty.orders.rules import Line, RefundLine
from loyalty.orders.service import record_purchase, record_refund
from loyalty.points import service as points
from loyalty.segments import service
from loyalty.tags.models import MemberTag
from loyalty.tiers.models import MemberTier
from tests.factories.members import make_identity, make_member
from tests.factories.orders import make_purchase, make_refund
from tests.factories.points import earn

_serial = itertools.count(1)


@dataclass(frozen=True)
class Bought:
    """A purchase so many days ago; ``returned`` is what came back of each line, in pieces and fen."""

    days_ago: int
    lines: Sequence[tuple[str, int]] = (("tea", 10_000),)
    """Category and fen; two pieces each."""
    returned: Sequence[tuple[int, int]] = ()
    store_id: int | None = None
    channel: str = "store"

    def left(self) -> list[tuple[str, int, int]]:
        """Category, pieces and fen of each line of which something is left."""
        back = [*self.returned, *((0, 0) for _ in self.lines)]
        lines = [(category, 2 - pieces, fen - less) for (category, fen), (pieces, less) in zip(self.lines, back)]  # noqa: B905
        return [line for line in lines if line[1] or line[2]]


@dataclass(frozen=True)
class Lot:
    """Points so many days from now: when they can be spent, and the last day on which they can."""

    points: int
    available_in: int = 0
    last_in: int | None = None


@dataclass
class Person:
    """What somebody is made of."""

    status: MemberStatus = MemberStatus.ACTIVE
    enrolled_ago: int = 100
    active_ago: int = 10
    store_id: int | None = None
    birthday: tuple[int, int] | None = None
    level: int | None = None
    """Without one, no row is written: the lowest level, and no growth."""
    growth: int = 0
    manual_level: int | None = None
    lots: Sequence[Lot] = ()
    bought: Sequence[Bought] = ()
    tags: frozenset[int] = frozenset()
    streaks: dict[int, int] = field(default_factory=dict)
    """Days ago, and the streak that the check-in reached."""
    kinds: frozenset[str] = frozenset()
    is_following: bool = False
    member_id: int = 0


def write_person(session: Session, person: Person, *, at: datetime, zone: ZoneInfo, vault: Vault) -> Member:
    """Write a person down."""
    today = business_date(at, zone)

    def one_o_clock(days_ago: int) -> datetime:
        """An hour after midnight, so that a lot's expiry is the midnight itself."""
        return start_of(today - timedelta(days=days_ago), zone) + timedelta(hours=1)

    member = make_member(
        session, status=MemberStatus.ACTIVE, enrolled_at=one_o_clock(person.enrolled_ago),
        last_active_at=one_o_clock(person.active_ago), enrolled_store_id=person.store_id,
    )  # fmt: skip
    person.member_id = member.id
    if person.birthday is not None:
        member.birthday_sealed = vault.seal(f"1990-{person.birthday[0]:02d}-01", context="members.birthday")
        member.birthday_index = birthday_mark(vault, *person.birthday)
    session.add_all(_rows(person, today, at))
    for kind in person.kinds:
        is_following = kind == "oa" and person.is_following
        make_identity(session, member=member, kind=IdentityKind(kind), is_following=is_following)
    session.flush()
    _write_lots(session, person, at, one_o_clock)
    for bought in person.bought:
        write_purchase(session, member.id, bought, at=at, paid_at=one_o_clock(bought.days_ago), zone=zone)
    _end(session, member, person, at)
    return member


def _rows(person: Person, today: date, at: datetime) -> Iterator[Base]:
    member_id = person.member_id
    if person.level is not None:
        until_at = at + timedelta(days=1) if person.manual_level else None
        yield MemberTier(
            member_id=member_id, growth=person.growth, level=person.level, since_at=at,
            manual_level=person.manual_level, manual_until_at=until_at,
        )  # fmt: skip
    for tag in person.tags:
        yield MemberTag(member_id=member_id, tag_id=tag, tagged_at=at, tagged_by="staff:1")
    for days_ago, streak in person.streaks.items():
        yield CheckIn(
            member_id=member_id, checked_in_on=today - timedelta(days=days_ago), streak=streak, base=0, bonus=0,
            growth=0, plan_revision=1, checked_in_at=at,
        )  # fmt: skip


def _write_lots(session: Session, person: Person, at: datetime, one_o_clock: Callable[[int], datetime]) -> None:
    if person.lots:
        points.open_account(session, member_id=person.member_id, at=at)
    for lot in person.lots:
        expires_at = None if lot.last_in is None else one_o_clock(-lot.last_in - 1) - timedelta(hours=1)
        available_at = at + timedelta(days=lot.available_in) if lot.available_in else None
        earn(
            session, person.member_id, lot.points, at=one_o_clock(60), available_at=available_at, expires_at=expires_at
        )


def write_purchase(
    session: Session, member_id: int, bought: Bought, *, at: datetime, paid_at: datetime, zone: ZoneInfo
) -> int:
    """Report a purchase and what was returned of it; return the order."""
    lines = [Line(n, f"sku-{category}", category, 2, fen) for n, (category, fen) in enumerate(bought.lines, 1)]
    purchase = make_purchase(
        member_id, *lines, store_id=bought.store_id, channel=bought.channel, paid_at=paid_at,
        order_number=f"seg-{member_id}-{next(_serial)}",
    )  # fmt: skip
    recorded = record_purchase(session, purchase=purchase, at=at)
    back = [RefundLine(n, *part) for n, part in enumerate(bought.returned, 1) if any(part)]
    if back:
        record_refund(session, refund=make_refund(purchase.order_number, *back, refunded_at=at), at=at)
    service.follow_order(session, order_id=recorded.order_id, zone=zone)
    return recorded.order_id


def give_coupon(
    session: Session, member_id: int, template_id: int, revision_id: int, *, at: datetime, state: str = "issued",
    usable_in: int = -1, expires_in: int = 10,
) -> Coupon:  # fmt: skip
    """A coupon whose period begins and ends so many days from now."""
    coupon = Coupon(
        member_id=member_id, template_id=template_id, revision_id=revision_id, reference=f"seg:{next(_serial)}",
        path="staff", actor="staff:1", issued_at=at, usable_at=at + timedelta(days=usable_in),
        expires_at=at + timedelta(days=expires_in), state=state,
    )  # fmt: skip
    session.add(coupon)
    session.flush()
    return coupon


def use_coupon(session: Session, coupon: Coupon, *, at: datetime, is_reversed: bool = False) -> None:
    """Note that a coupon was used, and perhaps that it was taken back."""
    back = {"reversed_at": at, "reversed_by": "staff:1", "reversal_reference": "r"} if is_reversed else {}
    session.add(
        CouponRedemption(
            coupon_id=coupon.id, member_id=coupon.member_id, template_id=coupon.template_id,
            reference=f"seg:{next(_serial)}", channel="store", basket_fen=100, discount_fen=10, shares=[],
            actor="staff:1", redeemed_at=at, **back,
        )
    )  # fmt: skip
    session.flush()


def _end(session: Session, member: Member, person: Person, at: datetime) -> None:
    """Let somebody be who is no living member."""
    if person.status is MemberStatus.PROVISIONAL:
        member.provisional_until_at = at + timedelta(days=1)
    if person.status is MemberStatus.MERGED:
        member.merged_into_id = make_member(session, status=MemberStatus.CLOSED).id
    member.status = person.status
    session.flush()
