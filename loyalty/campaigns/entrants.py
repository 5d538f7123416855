"""Entrants (进入活动的会员): whom a run of a campaign reaches, as one statement, each with the occurrence it counts as.

The audience says for whom the campaign is, the trigger who of them is reached now. An occurrence that names more than
the run, such as the year of a birthday, lets nobody enter for the same thing twice.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Text, exists, func, literal

from loyalty.campaigns.rules.terms import BeforeExpiry, Birthday, Sleeping, Terms
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.profile import birthday_mark, days_celebrated
from loyalty.segments.matching import members_matching
from loyalty.segments.models import MemberPurchaseTotal
from loyalty.segments.sources.parts import Asked, IdSpan
from loyalty.segments.sources.standing import points_expiring


@dataclass(frozen=True, slots=True)
class Reached:
    """For when, and with what, it is asked whom a campaign reaches."""

    at: datetime
    zone: ZoneInfo
    vault: Vault

    @property
    def asked(self) -> Asked:
        """The same, as the facts of a segment take it."""
        return Asked(self.at, self.zone, self.vault)


def entrants(terms: Terms, *, occurrence: str, reached: Reached, span: IdSpan) -> Select[Any]:
    """Select whom a run of this occurrence reaches among some ids: ``member_id``, ``occurrence`` and ``store_id``.

    For many members call ``plan_by_sets`` before.
    """
    everybody = members_matching(terms.audience, at=reached.at, zone=reached.zone, vault=reached.vault, span=span)
    match terms.trigger:
        case Birthday() as trigger:
            return _by_birthday(everybody, trigger, reached)
        case Sleeping() as trigger:
            return _by_sleep(everybody, trigger, reached)
        case BeforeExpiry() as trigger:
            return _by_expiry(everybody, trigger, reached, span)
    return _counted_as(everybody, literal(occurrence))


def _by_birthday(everybody: Select[Any], trigger: Birthday, reached: Reached) -> Select[Any]:
    day = reached.asked.today + timedelta(days=trigger.days_before)
    marks = [birthday_mark(reached.vault, *mark) for mark in days_celebrated(day)]
    return _counted_as(everybody.where(Member.birthday_index.in_(marks)), literal(f"birthday:{day.year}"))


def _by_sleep(everybody: Select[Any], trigger: Sleeping, reached: Reached) -> Select[Any]:
    last = MemberPurchaseTotal.last_bought_on
    asleep = everybody.join(MemberPurchaseTotal, MemberPurchaseTotal.member_id == Member.id).where(
        last <= reached.asked.days_ago(trigger.days)
    )
    return _counted_as(asleep, func.concat("sleep:", func.to_char(last, "YYYY-MM-DD"), type_=Text))


def _by_expiry(everybody: Select[Any], trigger: BeforeExpiry, reached: Reached, span: IdSpan) -> Select[Any]:
    day: date = reached.asked.today + timedelta(days=trigger.days)
    expiring = points_expiring(
        reached.asked, after=reached.asked.start_of(day), until=reached.asked.end_of(day)
    )  # fmt: skip
    enough = exists().where(
        expiring.c.member_id == Member.id,
        span.covers(expiring.c.member_id),
        expiring.c.points >= trigger.points_least,
    )
    return _counted_as(everybody.where(enough), literal(f"expiry:{day.isoformat()}"))


def _counted_as(found: Select[Any], occurrence: Any) -> Select[Any]:
    return found.add_columns(occurrence.label("occurrence"), Member.enrolled_store_id.label("store_id"))
