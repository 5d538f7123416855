"""Levels (等级): members hear of every change and of one to come; the evaluation runs every night."""

from collections import Counter
from datetime import datetime

from jobs.periodic import PeriodicRun
from jobs.recipients import recipient_of
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.tiers import queries
from loyalty.tiers import service as tiers
from loyalty.tiers.rules import CAUSE_SENTENCES, NAME_BEFORE_ANY_TIER, TierChangeCause


def tell_changed(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member which level they have now, which they had, and why."""
    member = recipient_of(session, container, payload["member_id"])
    if member is None:
        return
    notices.request(
        session,
        member_id=member.id,
        kind=NoticeKind.TIER_CHANGED,
        subject=f"tier_change:{payload['change_id']}",
        facts={
            "member_number": member.number,
            "previous": _name(session, payload["from_level"]),
            "tier": _name(session, payload["to_level"]),
            "reason": CAUSE_SENTENCES[TierChangeCause(payload["cause"])],
            "occurred_at": at.isoformat(),
        },
        zone=container.zone,
        at=at,
    )


def tell_ending(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member until when their level stays and what is lacking to keep it."""
    member = recipient_of(session, container, payload["member_id"])
    if member is None:
        return
    notices.request(
        session,
        member_id=member.id,
        kind=NoticeKind.TIER_ENDING,
        subject=f"tier_ending:{payload['level']}:{payload['last_day']}",
        facts={
            "member_number": member.number,
            "tier": _name(session, payload["level"]),
            "next_tier": _name(session, payload["falls_to"]),
            "growth_lacking": payload["growth_lacking"],
            "valid_until": payload["last_day"],
        },
        zone=container.zone,
        at=at,
    )


def evaluate_tiers(periodic: PeriodicRun) -> Json:
    """Hold every level against the growth that has to keep it, a page at a time."""
    container, verdicts, ended, last_id = periodic.container, Counter[str](), 0, 0
    at = container.clock.now()
    while True:
        page = run(
            container.database,
            lambda session, after_id=last_id: tiers.evaluate_page(  # type: ignore[misc]
                session, after_id=after_id, at=at
            ),
        )
        if page.last_id is None:
            break
        last_id = page.last_id
        verdicts.update({verdict.value: count for verdict, count in page.verdicts.items()})
        ended += page.ended_by_hand
        periodic.beat()
    told = ("promote", "begin_grace", "retain", "demote")
    return {f"tiers_{name}": verdicts[name] for name in told} | {"tiers_ended_by_hand": ended}


def _name(session: Session, level: int) -> str:
    names = [tier.name for tier in queries.list_tiers(session) if tier.level <= level]
    return names[-1] if names else NAME_BEFORE_ANY_TIER
