"""Judging (判定): what each of a page of orders earns whom, or why nothing; nothing is written here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.commissions.queries.firsts import Invited, first_orders
from loyalty.commissions.queries.money import PaidOrder
from loyalty.commissions.queries.people import Person, people
from loyalty.commissions.queries.plans import PlanView, in_force, list_plans
from loyalty.commissions.rules.plan import Rate
from loyalty.commissions.rules.reckoning import Part, Term, capped, reckon
from loyalty.commissions.rules.states import Why
from loyalty.commissions.rules.window import is_over
from loyalty.kernel.clock import business_date
from loyalty.referrals.queries.programmes import off_since
from loyalty.referrals.queries.uplines import Upline, uplines
from loyalty.referrals.rules.sharing import Channel


@dataclass(frozen=True, slots=True)
class Claim:
    """What an order earns a member on a level, before the caps of days and months; or why it earns nothing."""

    order: PaidOrder
    level: int
    member_id: int
    referee_id: int
    referral_id: int
    view: PlanView
    on: date
    """The business date on which it was paid."""
    base_fen: int = 0
    parts: tuple[Part, ...] = ()
    terms: tuple[Term, ...] = ()
    reason: Why | None = None
    limited_by: Why | None = None

    @property
    def amount_fen(self) -> int:
        """What it comes to."""
        return sum(part.amount_fen for part in self.parts)

    def brought_down(self, amount_fen: int, why: Why) -> "Claim":
        """Return what a cap leaves of it."""
        if amount_fen >= self.amount_fen:
            return self
        if not amount_fen:
            return replace(self, parts=(), reason=why, limited_by=None)
        return replace(self, parts=capped(self.parts, amount_fen), limited_by=why)


@dataclass(frozen=True, slots=True)
class _Facts:
    plans: Sequence[PlanView]
    above: Mapping[int, Upline]
    above_referrers: Mapping[int, Upline]
    """Whether the second of an upline still is who invited the first; asked where a second level is paid."""
    people: Mapping[int, Person]
    firsts: Mapping[int, int]
    off_since: Mapping[Channel, datetime]


def judge(session: Session, *, orders: Sequence[PaidOrder], at: datetime, zone: ZoneInfo) -> list[Claim]:
    """Return what orders earn; an order that nobody invited anybody to, or that no plan is for, is not in it."""
    plans = list_plans(session)
    above = uplines(session, member_ids={order.member_id for order in orders}, at=at) if plans and orders else {}
    invited = [order for order in orders if order.member_id in above]
    if not invited:
        return []
    referrers = {one.referrer_id for one in above.values()}
    is_second_paid = any(view.plan.second for view in plans)
    above_referrers = uplines(session, member_ids=referrers, at=at) if is_second_paid else {}
    concerned = referrers | {one.second for one in above.values() if one.second is not None}
    known = people(session, member_ids=concerned | set(above), at=at)
    friends = {known[order.member_id].survivor_id: above[order.member_id].since for order in invited}
    is_asked = any(view.plan.is_first_order_only for view in plans)
    firsts = first_orders(session, invited=[Invited(*one) for one in friends.items()]) if is_asked else {}
    facts = _Facts(plans, above, above_referrers, known, firsts, off_since(session))
    return [claim for order in invited for claim in _claims(order, facts, zone)]


def _claims(order: PaidOrder, facts: _Facts, zone: ZoneInfo) -> Iterator[Claim]:
    view, above = in_force(facts.plans, order.paid_at), facts.above[order.member_id]
    if view is None or not view.plan.is_open or order.paid_at < above.since:
        return
    earners = {1: above.referrer_id, 2: _second(above, facts)}
    against = _against(order, view, facts, zone)
    referee_id = facts.people[order.member_id].survivor_id
    on = business_date(order.paid_at, zone)
    for level, rates in view.plan.rates.items():
        if (earner_id := earners[level]) is None:
            continue
        claim = Claim(order, level, earner_id, referee_id, above.referral_id, view, on)
        reason = against or _against_earner(facts.people[earner_id])
        yield _reckoned(claim, rates) if reason is None else replace(claim, reason=reason)


def _second(above: Upline, facts: _Facts) -> int | None:
    """Return who had invited the referrer, if that invitation still stands too."""
    invited_by = facts.above_referrers.get(above.referrer_id)
    return above.second if invited_by is not None and invited_by.referrer_id == above.second else None


def _against(order: PaidOrder, view: PlanView, facts: _Facts, zone: ZoneInfo) -> Why | None:
    above, friend = facts.above[order.member_id], facts.people[order.member_id]
    if above.channel in facts.off_since and order.paid_at >= facts.off_since[above.channel]:
        return Why.CHANNEL_OFF
    if order.is_refunded:
        return Why.REFUNDED
    if friend.is_blocked:
        return Why.BLOCKLISTED
    if is_over(view.plan, since=above.since, paid_at=order.paid_at, zone=zone):
        return Why.MONTHS_OVER
    if view.plan.is_first_order_only and facts.firsts.get(friend.survivor_id) != order.id:
        return Why.FIRST_ORDER_ONLY
    return None


def _against_earner(earner: Person) -> Why | None:
    if earner.is_gone:
        return Why.EARNER_GONE
    return Why.BLOCKLISTED if earner.is_blocked else None


def _reckoned(claim: Claim, rates: Sequence[Rate]) -> Claim:
    found = reckon(rates, claim.order.lines)
    if not found.amount_fen:
        return replace(claim, reason=Why.NOTHING_IN_SCOPE)
    told = replace(claim, base_fen=found.base_fen, parts=found.parts, terms=found.terms)
    cap = claim.view.plan.order_cap_fen
    return told if cap is None else told.brought_down(cap, Why.ORDER_CAP)
