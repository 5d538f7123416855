"""Payouts as doors and jobs see them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.queries import family_ids
from loyalty.payouts.models import Payout, PayoutMove, PayoutPause
from loyalty.payouts.rules.errors import PayoutNotFound
from loyalty.payouts.rules.states import QUICK_POLLS, UNSENT, Destination, PayoutState, ReturnReason
from loyalty.payouts.rules.tax import IncomeKind


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout."""

    id: int
    member_id: int
    key: str
    out_bill_no: str
    destination: Destination
    state: PayoutState
    gross_fen: int
    tax_fen: int
    net_fen: int
    income_kind: IncomeKind
    period: str
    points: int | None
    appid: str | None
    package_info: str | None
    transfer_bill_no: str | None
    return_reason: ReturnReason | None
    fail_reason: str | None
    code: str | None
    contradiction: str | None
    is_cancel_wanted: bool
    batch_id: int | None
    requested_by: str
    requested_at: datetime
    sent_at: datetime | None
    offered_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Since when nothing is sent, and why."""

    reason: str
    payout_id: int | None
    paused_by: str
    paused_at: datetime


def get_payout(session: Session, *, payout_id: int, member_id: int | None = None) -> PayoutView:
    """Return a payout; with a member, only one of theirs or of who was merged into them.

    Raises:
        PayoutNotFound: there is none.
    """
    query = select(Payout).where(Payout.id == payout_id).execution_options(populate_existing=True)
    if member_id is not None:
        query = query.where(Payout.member_id.in_(family_ids(member_id)))
    payout = session.scalars(query).first()
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    return view_of(payout)


def find_by_key(session: Session, *, member_id: int, key: str) -> PayoutView | None:
    """Return the payout with a business key of a member, or of who was merged into them."""
    query = select(Payout).where(Payout.member_id.in_(family_ids(member_id)), Payout.key == key)
    payout = session.scalars(query.execution_options(populate_existing=True)).first()
    return None if payout is None else view_of(payout)


def find_id(session: Session, *, out_bill_no: str) -> int | None:
    """Return which payout has a number at WeChat Pay."""
    return session.scalar(select(Payout.id).where(Payout.out_bill_no == out_bill_no))


def list_payouts(
    session: Session,
    *,
    member_id: int | None = None,
    states: Collection[PayoutState] = (),
    batch_id: int | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[PayoutView]:
    """Return payouts, newest first, narrowed by what is given.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    query = select(Payout).order_by(Payout.id.desc()).limit(limit + 1).execution_options(populate_existing=True)
    if member_id is not None:
        query = query.where(Payout.member_id.in_(family_ids(member_id)))
    if states:
        query = query.where(Payout.state.in_(states))
    if batch_id is not None:
        query = query.where(Payout.batch_id == batch_id)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Payout.id < last_id)
    return page_of([view_of(payout) for payout in session.scalars(query)], limit=limit, id_of=lambda view: view.id)


def list_moves(session: Session, *, payout_id: int) -> Sequence[PayoutMove]:
    """Return all that happened to a payout, oldest first."""
    return session.scalars(select(PayoutMove).where(PayoutMove.payout_id == payout_id).order_by(PayoutMove.id)).all()


def list_due(session: Session, *, at: datetime, limit: int, taken: Collection[int] = ()) -> Sequence[int]:
    """Return the payouts whose next step is due, without those that were ``taken``; while paused, none to be sent.

    The longest due first; what has been asked about so often that it is now asked hourly waits behind all others.
    """
    would_be_sent = or_(Payout.state == PayoutState.NEW, and_(Payout.state == PayoutState.UNKNOWN, Payout.is_cleared))
    is_held = and_(would_be_sent, exists().where(PayoutPause.is_open))
    is_old = and_(~would_be_sent, Payout.polls >= QUICK_POLLS)
    due = select(Payout.id).where(Payout.due_at <= at, ~is_held, Payout.id.not_in(taken))
    return session.scalars(due.order_by(is_old, Payout.due_at, Payout.id).limit(limit)).all()


def list_unconfirmed(session: Session, *, at: datetime, since: timedelta, limit: int) -> Sequence[int]:
    """Return payouts that their members could have confirmed for so long, and that nobody has cancelled."""
    is_waiting = Payout.state == PayoutState.WAITING_CONFIRM
    return session.scalars(
        select(Payout.id)
        .where(is_waiting, Payout.offered_at <= at - since, Payout.cancel_wanted_at.is_(None))
        .order_by(Payout.id)
        .limit(limit)
    ).all()


def count_alarming(session: Session, *, sent_before: datetime) -> tuple[int, int]:
    """Return how many payouts contradict what WeChat Pay says, and how many should long have ended.

    What a pause has kept from being sent is not stuck.
    """
    contradicting = select(func.count()).select_from(Payout).where(Payout.contradiction.is_not(None))
    was_paused = exists().where(or_(PayoutPause.is_open, PayoutPause.resumed_at > sent_before))
    is_held = and_(Payout.state.in_(UNSENT), was_paused)
    since = func.coalesce(Payout.offered_at, Payout.sent_at)
    stuck = select(func.count()).select_from(Payout).where(Payout.due_at.is_not(None), since <= sent_before, ~is_held)
    return session.scalar(contradicting) or 0, session.scalar(stuck) or 0


def find_pause(session: Session) -> Pause | None:
    """Return why nothing is sent at present."""
    row = session.scalars(select(PayoutPause).where(PayoutPause.is_open)).first()
    return None if row is None else Pause(row.reason, row.payout_id, row.paused_by, row.paused_at)


def trying_since(session: Session, *, sent_at: datetime) -> datetime | None:
    """Return since when a payout that was first sent at ``sent_at`` could be sent; nothing while that is paused."""
    pauses = select(func.bool_or(PayoutPause.is_open), func.max(PayoutPause.resumed_at))
    is_paused, resumed_at = session.execute(pauses).one()
    return None if is_paused else max(sent_at, resumed_at or sent_at)


def has_open(session: Session, *, member_id: int) -> bool:
    """Tell whether money is on its way to a member, or to who was merged into them."""
    open_one = select(Payout.id).where(Payout.member_id.in_(family_ids(member_id)), Payout.settled_at.is_(None))
    return session.scalar(select(open_one.exists())) or False


def members_with_open() -> Select[int]:
    """Select the members to whom money is on its way, each by who they are now."""
    return (
        select(func.coalesce(Member.merged_into_id, Member.id))
        .join_from(Payout, Member, Member.id == Payout.member_id)
        .where(Payout.settled_at.is_(None))
    )


def view_of(payout: Payout) -> PayoutView:
    """Read a row."""
    return PayoutView(
        id=payout.id,
        member_id=payout.member_id,
        key=payout.key,
        out_bill_no=payout.out_bill_no,
        destination=Destination(payout.destination),
        state=PayoutState(payout.state),
        gross_fen=payout.gross_fen,
        tax_fen=payout.tax_fen,
        net_fen=payout.net_fen,
        income_kind=IncomeKind(payout.income_kind),
        period=payout.period,
        points=payout.points,
        appid=payout.appid,
        package_info=payout.package_info,
        transfer_bill_no=payout.transfer_bill_no,
        return_reason=ReturnReason(payout.return_reason) if payout.return_reason else None,
        fail_reason=payout.fail_reason,
        code=payout.code,
        contradiction=payout.contradiction,
        is_cancel_wanted=payout.cancel_wanted_at is not None,
        batch_id=payout.batch_id,
        requested_by=payout.requested_by,
        requested_at=payout.requested_at,
        sent_at=payout.sent_at,
        offered_at=payout.offered_at,
        settled_at=payout.settled_at,
    )
