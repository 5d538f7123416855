"""Holds (冻结): points are set aside for a purchase under way, then captured, released, or free when time runs out."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.points.holding import (
    HoldView,
    bind,
    close_all,
    close_one,
    close_run_out,
    find_hold,
    get_hold_and_spend,
    lock_accounts_with_run_out_holds,
    lock_to_take,
)
from loyalty.points.lots import list_spendable_lots
from loyalty.points.posting import Posting
from loyalty.points.queries import lock_account
from loyalty.points.rules import (
    CaptureExceedsHold,
    EntryKind,
    HoldClosed,
    HoldNotFound,
    HoldReferenceReused,
    HoldState,
    check_hold_period,
    check_points,
    draw_down,
    state_at,
    take_what_is_left,
)
from loyalty.points.service.debits import write_draws


def place(
    session: Session,
    *,
    member_id: int,
    points: int,
    reference: str,
    expires_at: datetime,
    at: datetime,
    store_id: int | None = None,
    actor: str = "system",
) -> HoldView:
    """Set points aside until ``expires_at`` (冻结), of the lots that a spend would draw on.

    Until then nothing else can spend them and they do not expire. Placing again under the same reference returns
    the hold as it stands by now, also when it is closed.

    Raises:
        InvalidPoints: ``points`` is below one or absurdly large.
        InvalidHoldPeriod: it would end before it begins, or after more than ``HOLD_LIFETIME_MAX``.
        HoldReferenceReused: the reference stands for a hold of other points or of another store.
        InsufficientPoints: less is available at ``at``.
    """
    account = lock_to_take(session, member_id=member_id, points=points, at=at)
    known = find_hold(session, member_id=member_id, reference=reference)
    if known is not None:
        return _placed_before(known, points, store_id)
    check_hold_period(at=at, expires_at=expires_at)
    lots = list_spendable_lots(session, member_id=member_id, at=at, limit=points + account.debt)
    draws = draw_down(lots, points, debt=account.debt)
    values = {
        "member_id": member_id,
        "reference": reference,
        "points": points,
        "store_id": store_id,
        "actor": actor,
        "placed_at": at,
        "expires_at": expires_at,
    }
    return bind(session, draws=draws, values=values)


def capture(
    session: Session,
    *,
    member_id: int,
    reference: str,
    points: int | None,
    explanation: Json,
    occurred_at: datetime,
    at: datetime,
    actor: str = "system",
) -> Posting:
    """Take what a hold set aside (扣除), or ``points`` of it; the rest is free again.

    The spend entry has the hold's reference and store. It draws on the very lots that were bound, even those that
    have expired meanwhile. Capturing again returns the first posting.

    Raises:
        HoldNotFound: the member has no hold under this reference.
        HoldClosed: it was released or ran out; the points may be spent otherwise by now.
        InvalidPoints: ``points`` is no valid number.
        CaptureExceedsHold: ``points`` is more than it binds.
        HoldReferenceReused: it was captured with other points, or its reference is that of another spend.
    """
    lock_account(session, member_id=member_id)
    hold, known = get_hold_and_spend(session, member_id=member_id, reference=reference)
    taken = hold.points if points is None else points
    _check_capture(hold, taken, at)
    if hold.state is HoldState.CAPTURED or known is not None:
        return _captured_before(hold, known, taken)
    lots = close_one(session, hold=hold, state=HoldState.CAPTURED, captured_points=taken, at=at)
    values = {
        "member_id": member_id,
        "points": -taken,
        "reference": reference,
        "explanation": explanation,
        "occurred_at": occurred_at,
        "store_id": hold.store_id,
        "actor": actor,
    }
    return write_draws(session, kind=EntryKind.SPEND, draws=take_what_is_left(lots, taken), at=at, values=values)


def release(session: Session, *, member_id: int, reference: str, at: datetime) -> HoldView:
    """Let go of what a hold set aside (解冻): it can be spent again, or has expired if its lot has.

    Releasing again, or after it ran out, returns the hold as it was closed.

    Raises:
        HoldNotFound: the member has no hold under this reference.
        HoldClosed: it was captured.
    """
    lock_account(session, member_id=member_id)
    hold = find_hold(session, member_id=member_id, reference=reference)
    if hold is None:
        raise HoldNotFound(reference=reference)
    if hold.state is HoldState.CAPTURED:
        raise HoldClosed(state=hold.state)
    if hold.state is not HoldState.PLACED:
        return replace(hold, is_replay=True)
    state = state_at(hold.state, expires_at=hold.expires_at, at=at)
    closed = HoldState.EXPIRED if state is HoldState.EXPIRED else HoldState.RELEASED
    close_one(session, hold=hold, state=closed, at=at)
    return replace(hold, state=closed, closed_at=at)


def release_all(session: Session, *, member_id: int, at: datetime) -> None:
    """Let go of every hold of a member, who leaves."""
    if lock_account(session, member_id=member_id) is not None:
        close_all(session, member_id=member_id, at=at)


def release_expired(session: Session, *, at: datetime, limit: int) -> int:
    """Close holds that ran out, those of at most ``limit`` members; return how many there were.

    They bind nothing since the instant they ran out; closing them keeps the sums of accounts and lots small.
    """
    member_ids = lock_accounts_with_run_out_holds(session, at=at, limit=limit)
    return close_run_out(session, member_ids=member_ids, at=at) if member_ids else 0


def _placed_before(known: HoldView, points: int, store_id: int | None) -> HoldView:
    if (known.points, known.store_id) != (points, store_id):
        raise HoldReferenceReused(reference=known.reference)
    return replace(known, is_replay=True)


def _check_capture(hold: HoldView, taken: int, at: datetime) -> None:
    check_points(taken)
    if taken > hold.points:
        raise CaptureExceedsHold(points=taken, held=hold.points)
    state = state_at(hold.state, expires_at=hold.expires_at, at=at)
    if state in (HoldState.RELEASED, HoldState.EXPIRED):
        raise HoldClosed(state=state)


def _captured_before(hold: HoldView, known: Posting | None, taken: int) -> Posting:
    if known is None or hold.state is not HoldState.CAPTURED or hold.captured_points != taken:
        raise HoldReferenceReused(reference=hold.reference)
    return known
