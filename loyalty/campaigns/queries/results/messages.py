"""What became of a campaign's messages (推送), over all of its runs together."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, cast, func, literal, select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Attempt, Broadcast, Recipient
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.states import UNFINISHED, AttemptState, Reason, RecipientState
from loyalty.campaigns.models import CampaignRun
from loyalty.campaigns.queries.results.sources import entries_of
from loyalty.campaigns.rules.works import run_subject
from loyalty.members.models import Member
from loyalty.stores.rules import StoreScope


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages by what became of them; a member has one for each run."""

    total: int
    inbox: int
    """Those that lie in the inbox, pushed or not."""
    waiting: int
    """Not tried yet, to be tried on another way, or on its way."""
    sent: Mapping[Channel, int]
    """Pushed, by the channel that took it."""
    delivered: int
    """Of the pushed, reported as arrived by WeChat."""
    unknown: int
    """Sent without an answer: nobody knows."""
    clicked: int
    reasons: Mapping[Reason, int]
    """Those without a push, by why, the most frequent first."""


def messages(session: Session, *, campaign_id: int, scope: StoreScope) -> Messages:
    """Return what became of the messages to the members whose entries the scope sees."""
    is_its = _is_its(campaign_id, scope)
    rows = session.execute(
        select(
            *(Recipient.state, Recipient.channel, Recipient.reason),
            func.count().label("members"),
            func.count(Recipient.clicked_at).label("clicked"),
        )
        .where(is_its)
        .group_by(Recipient.state, Recipient.channel, Recipient.reason)
    ).all()
    attempts = select(Attempt.state, func.count().label("attempts")).join(
        Recipient, Recipient.id == Attempt.recipient_id
    )
    tried = {row.state: row.attempts for row in session.execute(attempts.where(is_its).group_by(Attempt.state))}
    sent, reasons, waiting, left_out = dict[Channel, int](), dict[Reason, int](), 0, 0
    for row in rows:
        if row.state == RecipientState.SENT:
            sent[Channel(row.channel)] = sent.get(Channel(row.channel), 0) + row.members
        elif row.state in UNFINISHED:
            waiting += row.members
        elif row.reason is not None:
            reasons[Reason(row.reason)] = reasons.get(Reason(row.reason), 0) + row.members
        left_out += row.members if row.state == RecipientState.LEFT_OUT else 0
    total = sum(row.members for row in rows)
    return Messages(
        total=total,
        inbox=total - left_out,
        waiting=waiting,
        sent=sent,
        delivered=tried.get(AttemptState.DELIVERED, 0),
        unknown=tried.get(AttemptState.UNKNOWN, 0),
        clicked=sum(row.clicked for row in rows),
        reasons=dict(sorted(reasons.items(), key=lambda item: -item[1])),
    )


def _is_its(campaign_id: int, scope: StoreScope) -> ColumnElement[bool]:
    # A run that never ends has one message for each day, whose subject says more behind the run's own.
    first, second = (func.split_part(Broadcast.subject, ":", number) for number in (1, 2))
    of_run = literal(run_subject(0).removesuffix("0")).concat(cast(CampaignRun.id, Text))
    runs = select(Broadcast.id).join(CampaignRun, first.concat(":").concat(second) == of_run)
    is_its = Recipient.broadcast_id.in_(runs.where(CampaignRun.campaign_id == campaign_id))
    if scope.is_chain_wide:
        return is_its
    # Messages move to the survivor of a merge, entries stay.
    entry, owner_id = entries_of(campaign_id, scope), func.coalesce(Member.merged_into_id, Member.id)
    return is_its & Recipient.member_id.in_(select(owner_id).join(entry, entry.c.member_id == Member.id))
