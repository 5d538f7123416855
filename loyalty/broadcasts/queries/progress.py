"""How far a broadcast is: counted from its recipients and attempts, so that it is never wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Executable, String, exists, func, literal_column, or_, select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Attempt, Broadcast, Recipient
from loyalty.broadcasts.queries.broadcasts import get_broadcast
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.states import UNFINISHED, AttemptState, BroadcastState, Reason, RecipientState

_HAVE_GONE = (AttemptState.SENT, AttemptState.DELIVERED, AttemptState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Progress:
    """What has become of a broadcast so far."""

    state: BroadcastState
    total: int
    waiting: int
    """Not tried yet, or to be tried on another way."""
    sending: int
    sent: Mapping[Channel, int]
    """Members by the way their message went; the inbox has also theirs."""
    inbox: int
    """Members who have it in the inbox, pushed to or not."""
    delivered: int
    """Reported as arrived by WeChat."""
    unknown: int
    """Sent without an answer: nobody knows."""
    clicked: int
    reasons: Mapping[Reason, int]
    """Members without a push, by why."""

    @property
    def percent(self) -> int:
        """How much is done."""
        left = self.waiting + self.sending
        return 100 if not left else min(99, (self.total - left) * 100 // self.total)


def unfinished(session: Session, subjects: Sequence[str]) -> set[str]:
    """Return of which subjects the broadcast still has members to write to."""
    is_of_broadcast = exists().where(Recipient.broadcast_id == Broadcast.id)
    # Each state has an index of its own.
    some = or_(
        *(is_of_broadcast.where(Recipient.state == literal_column(f"'{state}'", String)) for state in UNFINISHED)
    )
    return set(session.scalars(select(Broadcast.subject).where(Broadcast.subject.in_(subjects), some)))


def progress(session: Session, broadcast_id: int) -> Progress:
    """Return how far a broadcast is.

    Raises:
        BroadcastNotFound: there is no such broadcast.
    """
    broadcast = get_broadcast(session, broadcast_id=broadcast_id)
    states, sent, reasons = Counter[str](), Counter[Channel](), Counter[Reason]()
    clicked = 0
    for row in session.execute(_recipients(broadcast_id)):
        states[row.state] += row.members
        clicked += row.clicked
        if row.state == RecipientState.SENT:
            sent[Channel(row.channel)] += row.members
        elif row.reason is not None:
            reasons[Reason(row.reason)] += row.members
    attempts = {row.state: row.attempts for row in session.execute(_attempts(broadcast_id))}
    total = states.total()
    return Progress(
        state=broadcast.state,
        total=total,
        waiting=states[RecipientState.WAITING] + states[RecipientState.READY],
        sending=states[RecipientState.SENDING],
        sent=sent,
        inbox=total - states[RecipientState.LEFT_OUT],
        delivered=attempts.get(AttemptState.DELIVERED, 0),
        unknown=attempts.get(AttemptState.UNKNOWN, 0),
        clicked=clicked,
        reasons=reasons,
    )


def _recipients(broadcast_id: int) -> Executable:
    return (
        select(
            Recipient.state, Recipient.channel, Recipient.reason,
            func.count().label("members"), func.count(Recipient.clicked_at).label("clicked"),
        )
        .where(Recipient.broadcast_id == broadcast_id)
        .group_by(Recipient.state, Recipient.channel, Recipient.reason)
    )  # fmt: skip


def _attempts(broadcast_id: int) -> Executable:
    return (
        select(Attempt.state, func.count().label("attempts"))
        .join(Recipient, Recipient.id == Attempt.recipient_id)
        .where(Recipient.broadcast_id == broadcast_id, Attempt.state.in_(_HAVE_GONE))
        .group_by(Attempt.state)
    )
