"""The forecast (投放前预估): whom a campaign would reach, what it would give and cost, and what stands against it.

What a point is worth (积分价值): by the rate at the till where points pay (积分抵现), else as the settings of campaigns
say; see ``loyalty.campaigns.queries.settings.points_per_yuan``.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from loyalty.broadcasts.queries.reach import reach
from loyalty.broadcasts.rules.reach import Reach
from loyalty.campaigns.holding_out import is_held_out
from loyalty.campaigns.models import CampaignEntry
from loyalty.campaigns.queries.facts import cost_once, coupon_facts
from loyalty.campaigns.queries.linting import lint_facts
from loyalty.campaigns.queries.overlap import Overlap, overlap
from loyalty.campaigns.queries.used import used_of
from loyalty.campaigns.rules.audience import basis, is_open, reached
from loyalty.campaigns.rules.checking import check_sense
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.findings import Finding, Severity
from loyalty.campaigns.rules.lint import lint
from loyalty.campaigns.rules.occurrences import occurrences
from loyalty.campaigns.rules.reckoning import Given, given_to, most_fen, rest_of
from loyalty.campaigns.rules.terms import At, GiveCoupon, Now, Recurring, SendMessage, Terms
from loyalty.kernel.crypto import Vault
from loyalty.notices.rules import NoticeKind
from loyalty.segments.matching import members_matching, plan_by_sets

_UNSAVED = 0
"""For the draw of a holdout of a campaign that has no id yet: as many, perhaps others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is foreseen of a campaign by what its audience is now."""

    audience: int
    """Whom its condition and its trigger find."""
    held_out: int
    """Of them, those who are given nothing."""
    basis: str
    """Whom the audience was counted by, in Chinese, where it is not the condition alone."""
    given: Given
    """What the rest is given, within what is left of the caps and the stock of coupons. All of it is owed from then on:
    points until they are spent or expire, coupons until they are used or lapse."""
    given_fen: int
    """What was given before has cost, where a campaign under way is revised."""
    most_fen: int | None
    """The most that it can cost in all, whoever else comes; None when nothing bounds it."""
    uncosted: frozenset[int]
    """Templates of coupons whose worth nobody can tell, left out of every figure in fen."""
    service_notices: int
    """Notices of coupons that have come (券已到账): service, counted apart from the message."""
    reach: Reach | None
    """Of its message, by channel, with why not the rest and what is left of the quotas; None when it sends none."""
    overlap: Sequence[Overlap]
    """With campaigns that are scheduled, running or paused, the most first."""
    findings: Sequence[Finding]

    @property
    def must_fix(self) -> Sequence[Finding]:
        """What stands against the launch."""
        return [finding for finding in self.findings if finding.severity is Severity.MUST_FIX]

    def needs_approval(self, above_fen: int) -> bool:
        """Tell whether a second person has to approve: what may cost more, or nobody knows what."""
        return self.most_fen is None or self.most_fen > above_fen or bool(self.uncosted)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as a revision keeps them."""
        return {
            "audience": self.audience,
            "held_out": self.held_out,
            "basis": self.basis,
            **asdict(self.given),
            "fen": self.given.fen,
            "given_fen": self.given_fen,
            "most_fen": self.most_fen,
            "uncosted": sorted(self.uncosted),
            "service_notices": self.service_notices,
            "reach": None if self.reach is None else asdict(self.reach),
            "overlap": [asdict(one) for one in self.overlap],
            "warnings": [finding.code for finding in self.findings],
        }


def forecast(
    session: Session, terms: Terms, *, at: datetime, zone: ZoneInfo, vault: Vault, campaign_id: int | None = None
) -> Forecast:
    """Foresee what a campaign would do if it were launched at an instant, saved or not.

    Raises:
        InvalidCampaign: it could not be carried out as it reads. What it must not promise is among the findings.
    """
    check_sense(terms, zone=zone)
    plan_by_sets(session)
    found = members_matching(reached(terms), at=at, zone=zone, vault=vault)
    audience, held_out = _count(session, found, terms, campaign_id)
    coupons = coupon_facts(session, terms)
    cost = cost_once(session, terms, coupons.terms)
    times = times_at_most(terms, at=at, zone=zone)
    used = used_of(session, campaign_id=campaign_id) if campaign_id is not None else {}
    caps, given_fen = rest_of(terms.caps, used), used.get("fen", 0)
    taken = _count_done(session, campaign_id)
    given = given_to(audience - held_out, times=times, cost=cost, caps=caps, stock=coupons.stock, taken=taken)
    most = most_fen(cost, caps=caps, stock=coupons.stock, given=given, is_open=is_open(terms))
    return Forecast(
        audience=audience,
        held_out=held_out,
        basis=basis(terms),
        given=given,
        given_fen=given_fen,
        most_fen=None if most is None else given_fen + most,
        uncosted=cost.uncosted,
        service_notices=given.coupons,
        reach=_reach(session, _recipients(found, terms, campaign_id), terms, at, zone),
        overlap=overlap(session, found, campaign_id=campaign_id, at=at, zone=zone, vault=vault),
        findings=lint(terms, lint_facts(session, terms, coupons.terms, at=at, zone=zone)),
    )


def times_at_most(terms: Terms, *, at: datetime, zone: ZoneInfo) -> int:
    """Return how often one member can take part, from an instant on."""
    if isinstance(terms.trigger, Now | At):
        return 1
    times = terms.caps.times_a_member
    if not isinstance(terms.trigger, Recurring) or terms.ends_at is None:
        return times
    since = max(at, terms.starts_at or at)
    return sum(1 for _ in islice(occurrences(terms.trigger, since=since, until=terms.ends_at, zone=zone), times))


def _recipients(found: Select[Any], terms: Terms, campaign_id: int | None) -> Select[Any]:
    """Select of those whom a campaign finds the ones who are not held out."""
    member_id = found.subquery().c.member_id
    query = select(member_id)
    if not terms.holdout_percent:
        return query
    return query.where(~is_held_out(campaign_id or _UNSAVED, member_id, terms.holdout_percent))


def _reach(session: Session, members: Select[Any], terms: Terms, at: datetime, zone: ZoneInfo) -> Reach | None:
    message = next((action for action in terms.actions if isinstance(action, SendMessage)), None)
    if message is None:
        return None
    has_coupons = any(isinstance(action, GiveCoupon) for action in terms.actions)
    kinds = (NoticeKind.COUPON_ISSUED,) if has_coupons else ()
    return reach(session, members=members, channels=message.channels, at=at, zone=zone, service_kinds=kinds)


def _count_done(session: Session, campaign_id: int | None) -> int:
    entry = CampaignEntry
    done = select(func.count()).where(entry.campaign_id == campaign_id, entry.state == EntryState.DONE)
    return 0 if campaign_id is None else session.scalars(done).one()


def _count(session: Session, found: Select[Any], terms: Terms, campaign_id: int | None) -> tuple[int, int]:
    members = found.subquery()
    held_out = is_held_out(campaign_id or _UNSAVED, members.c.member_id, terms.holdout_percent)
    counts = [func.count()] + ([func.count().filter(held_out)] if terms.holdout_percent else [])
    audience, *held = session.execute(select(*counts).select_from(members)).one()
    return audience, sum(held)
