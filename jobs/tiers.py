"""Levels (等级): members hear of every change and of one to come; the evaluation runs every night."""

from collections import Counter
from datetime import datetime

from jobs.periodic import PeriodicRun
from jobs.recipients import notify, recipient_of
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.notices.rules import NoticeKind
from loyalty.tiers import queries
from loyalty.tiers import service as tiers
from loyalty.tiers.rules import CAUSE_SENTENCES, NAME_BEFORE_ANY_TIER, TierChangeCause
from loyalty.tiers.service import Evaluated


def tell_changed(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member which level they have now, which they had, and why.

    Nothing is told of a fall from a step that the ladder has lost: by its name the level stays the same.
    """
    member = recipient_of(session, container, payload["member_id"])
    previous, tier = _name(session, payload["from_level"]), _name(session, payload["to_level"])
    if member is None or previous == tier:
        return
    notify(
        session,
        container,
        member,
        kind=NoticeKind.TIER_CHANGED,
        subject=f"tier_change:{payload['change_id']}",
        facts={
            "previous": previous,
            "tier": tier,
            "reason": CAUSE_SENTENCES[TierChangeCause(payload["cause"])],
            "occurred_at": at.isoformat(),
        },
        at=at,
    )


def tell_ending(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member until when their level stays and what is lacking to keep it."""
    member = recipient_of(session, container, payload["member_id"])
    if member is None:
        return
    notify(
        session,
        container,
        member,
        kind=NoticeKind.TIER_ENDING,
        subject=f"tier_ending:{payload['level']}:{payload['last_day']}",
        facts={
            "tier": _name(session, payload["level"]),
            "next_tier": _name(session, payload["falls_to"]),
            "growth_lacking": payload["growth_lacking"],
            "valid_until": payload["last_day"],
        },
        at=at,
    )


def evaluate_tiers(periodic: PeriodicRun) -> Json:
    """Hold every level against the growth that has to keep it, a page at a time."""
    verdicts, ended, after_id = Counter[str](), 0, 0
    at = periodic.container.clock.now()

    def work(session: Session) -> Evaluated:
        return tiers.evaluate_page(session, after_id=after_id, at=at)

    while (page := run(periodic.container.database, work)).last_id is not None:
        verdicts.update({verdict.value: count for verdict, count in page.verdicts.items()})
        ended, after_id = ended + page.ended_by_hand, page.last_id
        periodic.beat()
    told = ("promote", "begin_grace", "retain", "demote")
    return {f"tiers_{name}": verdicts[name] for name in told} | {"tiers_ended_by_hand": ended}


def _name(session: Session, level: int) -> str:
    names = [tier.name for tier in queries.list_tiers(session) if tier.level <= level]
    return names[-1] if names else NAME_BEFORE_ANY_TIER
