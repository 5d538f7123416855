"""Sending: a claim in one transaction, the calls to WeChat outside any, their outcomes in another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Recipient
from loyalty.broadcasts.queries.broadcasts import BroadcastView, get_broadcast, list_running
from loyalty.broadcasts.queries.policy import current_policy
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.policy import GROUP_SECONDS, is_quiet, service_since
from loyalty.broadcasts.rules.states import BroadcastState, RecipientState
from loyalty.broadcasts.service.claiming import NOTHING, Claim, Group, claim_group
from loyalty.broadcasts.service.settling import settle
from loyalty.broadcasts.service.sorting import sort_page
from loyalty.gateways.answers import SendOutcome
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.limits.rules import LimitExhausted
from loyalty.notices import queries as notices


class Carrier(Protocol):
    """Who calls WeChat, several messages at once and no faster than an account may be called."""

    def send(self, claims: Sequence[Claim], *, content: MessageContent) -> Sequence[SendOutcome]:
        """Send one message to many; an outcome for each of them, in their order."""


GROUP = 64
"""Messages between two transactions: what a worker that dies leaves in doubt."""


def send_group(database: Database, *, courier: Carrier, broadcast_id: int, zone: ZoneInfo, at: datetime) -> int:
    """Do one step of a broadcast; return how many members it dealt with, none when there is nothing to do now.

    Call it outside any transaction. Marketing stands behind service notices that wait, and behind the quiet hours.

    Raises:
        BroadcastNotFound: there is no such broadcast.
        DatabaseUnavailable: outcomes may be unwritten; their attempts count as unknown when stale.
    """
    broadcast = run(database, lambda session: get_broadcast(session, broadcast_id=broadcast_id))
    if broadcast.state is not BroadcastState.RUNNING or not run(database, lambda session: may_send(session, zone, at)):
        return 0
    looked_at = run(
        database,
        lambda session: sort_page(session, broadcast_id=broadcast_id, channels=broadcast.channels, at=at),
    )
    try:
        group = run(database, lambda session: _claim(session, broadcast, zone, at))
    except LimitExhausted:
        group = NOTHING
    if group.claims:
        outcomes = courier.send(group.claims, content=broadcast.content)
        answered = {claim.attempt_id: outcome for claim, outcome in zip(group.claims, outcomes, strict=True)}
        run(database, lambda session: settle(session, outcomes=answered, at=at))
    return looked_at + group.looked_at


def _claim(session: Session, broadcast: BroadcastView, zone: ZoneInfo, at: datetime) -> Group:
    policy = current_policy(session)
    size = min(GROUP, policy.messages_a_second * GROUP_SECONDS)
    return claim_group(session, broadcast=broadcast, size=size, policy=policy, zone=zone, at=at)


def may_send(session: Session, zone: ZoneInfo, at: datetime) -> bool:
    """Tell whether marketing may go out at all now: outside the quiet hours (免打扰), and no service notice waits."""
    quiet = notices.quiet_hours(session)
    if is_quiet(at, zone, quiet):
        return False
    return not notices.is_any_waiting(session, since=service_since(at, zone, quiet), at=at)


def list_due(session: Session, *, at: datetime) -> list[int]:
    """Return the broadcasts that have something to send now, the oldest first."""
    return [broadcast_id for broadcast_id in list_running(session) if _is_due(session, broadcast_id, at)]


def _is_due(session: Session, broadcast_id: int, at: datetime) -> bool:
    row = Recipient
    for state in (RecipientState.READY, RecipientState.WAITING):
        due = select(row.id).where(row.broadcast_id == broadcast_id, row.state == state, row.due_at <= at).limit(1)
        if session.scalar(due) is not None:
            return True
    return False
