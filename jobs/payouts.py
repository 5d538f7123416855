"""Payouts: steps that are due, notices, what nobody confirmed, the platform's bill, and batches."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from jobs.due_steps import take_due
from jobs.periodic import Alarm, PeriodicRun
from loyalty.container import Container
from loyalty.gateways.pay_protocols import TransferState, WechatPay
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, Page
from loyalty.kernel.database import Json, Session
from loyalty.kernel.errors import Conflict
from loyalty.kernel.transaction import run
from loyalty.members.rules.consents import Purpose
from loyalty.payouts.queries import payouts as queries
from loyalty.payouts.rules.states import CONFIRM_WITHIN, STUCK_AFTER
from loyalty.payouts.service import batches, bill_days, deciding, noticing, payees, reconciling, reviewing, sending
from loyalty.payouts.service.batches import Paying
from loyalty.payouts.service.reconciling import Difference
from loyalty.payouts.service.sending import Sender
from loyalty.risk.rules.subjects import Occasion

OVERDUE_AT_A_TIME = 100
_GRACE = timedelta(hours=1)
"""For WeChat Pay to close a bill by itself before we ask for it."""
_CANCELLER = Actor("system:cancel_overdue_payouts")


def take_steps(container: Container, payload: Json, _at: datetime) -> None:
    """Take the steps of a payout that are due."""
    sender = _sender(container)
    if sender is not None:
        sending.drive(sender, payout_id=payload["payout_id"])


def follow_notice(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Move the payout that a verified callback is about."""
    noticing.noticed(
        session,
        out_bill_no=payload["out_bill_no"],
        state=TransferState(payload["state"]),
        transfer_bill_no=payload["transfer_bill_no"],
        amount_fen=payload["amount_fen"],
        fail_reason=payload["fail_reason"],
        is_our_payee=payload.get("is_our_payee", True),  # recorded before it was compared, it says nothing of it
        zone=container.zone,
        at=at,
    )


def follow_release(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Let a withdrawal go on that a person released."""
    if payload["occasion"] == Occasion.WITHDRAWAL:
        reviewing.follow_release(session, decision_id=payload["decision_id"], zone=container.zone, at=at)


def follow_reversal(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Give back, or call back, a withdrawal that a person reversed."""
    if payload["occasion"] == Occasion.WITHDRAWAL:
        reviewing.follow_reversal(session, decision_id=payload["decision_id"], zone=container.zone, at=at)


def forget_payee(session: Session, _container: Container, payload: Json, _at: datetime) -> None:
    """Delete name and ID number of who no longer consents to their use."""
    if payload["purpose"] == Purpose.PAYEE_IDENTITY:
        payees.forget_payee(session, member_id=payload["member_id"])


def take_due_steps(periodic: PeriodicRun) -> Json:
    """Send and query what is due; what is not reached in time falls to the next run."""
    sender = _sender(periodic.container)
    if sender is None:
        return {"steps": 0}
    return {"steps": take_due(periodic, queries.list_due, lambda payout_id: sending.drive(sender, payout_id=payout_id))}


def cancel_overdue(periodic: PeriodicRun) -> Json:
    """Call back what its member has not confirmed in time, should WeChat Pay not have closed it."""
    container = periodic.container
    at, cancelled = container.clock.now(), 0
    overdue = partial(queries.list_unconfirmed, at=at, since=CONFIRM_WITHIN + _GRACE, limit=OVERDUE_AT_A_TIME)
    for payout_id in run(container.database, overdue):
        call_back = partial(deciding.cancel, payout_id=payout_id, zone=container.zone, actor=_CANCELLER, at=at)
        try:
            run(container.database, call_back)
        except Conflict:
            continue  # it has ended a moment ago
        cancelled += 1
    return {"payouts": cancelled}


def reconcile_bills(periodic: PeriodicRun) -> Json:
    """Compare every bill that is still to be read with our payouts; one that is not there is asked for on a later run.

    Raises:
        Alarm: something differs, or a bill that must be there is still missing.
        WechatUnavailable: the platform does not answer; the run is tried again.
    """
    container, pay = periodic.container, periodic.container.pay
    until, days, found = periodic.business_on - timedelta(days=1), 0, 0
    if pay is None:
        return {"days": 0}
    for on in run(container.database, partial(bill_days.missing_days, until=until, zone=container.zone)):
        differences = _reconciled(periodic, pay, on)
        if differences is None:
            break
        found += len(differences)
        days += 1
        periodic.beat()
    counts: Json = {"days": days, "discrepancies": found}
    if found:
        raise Alarm("payouts and the platform's bill differ", counts)
    return counts


def _reconciled(periodic: PeriodicRun, pay: WechatPay, on: date) -> Sequence[Difference] | None:
    """Compare a day's bill, or go without it; None where those of later days wait for it."""
    lines, container = pay.fetch_bill(on), periodic.container
    zone, at = container.zone, container.clock.now()
    if lines is None:
        go_without = partial(bill_days.go_without, on=on, today=periodic.business_on, zone=zone, at=at)
        return run(container.database, go_without)
    return run(container.database, partial(reconciling.reconcile, on=on, lines=lines, zone=zone, at=at))


def watch_payouts(periodic: PeriodicRun) -> Json:
    """Look for what people must see.

    Raises:
        Alarm: sending is paused, a payout contradicts what WeChat Pay says, or should long have ended.
    """
    container = periodic.container
    pause = run(container.database, queries.find_pause)
    sent_before = container.clock.now() - STUCK_AFTER
    count = partial(queries.count_alarming, sent_before=sent_before)
    contradicting, stuck = run(container.database, count)
    counts: Json = {"paused": int(pause is not None), "contradicting": contradicting, "stuck": stuck}
    if any(counts.values()):
        raise Alarm("payouts need attention", counts)
    return counts


def plan_batch(periodic: PeriodicRun) -> Json:
    """Plan the day's batch, if the settings name this day and there is a merchant account that could send it."""
    if periodic.container.pay is None:
        return {"batches": 0}
    at = periodic.container.clock.now()
    planned = run(periodic.container.database, partial(batches.plan, on=periodic.business_on, at=at))
    return {"batches": int(planned is not None)}


def pay_batch(container: Container, _started: BulkRun) -> Iterator[Page]:
    """Pay the members of a batch, one after another."""
    appid_first = next(iter(container.mini_programs), None)
    while True:
        paying = Paying(
            vault=container.vault,
            zone=container.zone,
            appid_first=appid_first,
            is_tax_required=container.settings.is_production,
            at=container.clock.now(),
        )
        yield partial(batches.pay_next, paying=paying)


def _sender(container: Container) -> Sender | None:
    pay: WechatPay | None = container.pay
    if pay is None:
        return None
    return Sender(container.database, pay, container.vault, container.zone, container.clock.now)
