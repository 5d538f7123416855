"""Taking back (扣回): what a refund or a correction changes of an award, by the revisions that paid it.

What is left of the order is evaluated with the inputs that were kept: tier, tags and room as they were. So partial
refunds add up to exactly the whole, below a threshold a fixed reward goes back, and no later change of rules or of
other orders matters.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from loyalty.earning.evaluations import Kept, find_kept
from loyalty.earning.models import Settlement
from loyalty.earning.queries import get_revisions
from loyalty.earning.rules import Award, Evaluation, EventFacts, FactLine, RuleRevision
from loyalty.earning.rules.keeping import room_to_json
from loyalty.earning.rules.paying import Change, Payment, Standing, after_payment, changes, evaluate_rest, payments
from loyalty.earning.service.award import post
from loyalty.earning.service.facts import DEFAULT_EXPIRY, read_default_expiry
from loyalty.earning.service.reserving import Room, give_back, reserve
from loyalty.earning.service.settling_coupons import settle_coupons
from loyalty.earning.titles import with_titles
from loyalty.kernel.database import Json
from loyalty.members.queries import survivor_of
from loyalty.points import service as points
from loyalty.points.queries import find_posting, lock_account, summary
from loyalty.points.rules import EntryKind, Shortfall
from loyalty.tiers import service as tiers


@dataclass(frozen=True, slots=True)
class Settled:
    """What a refund or a correction came to."""

    points_taken_back: int = 0
    """What the refund undoes; negative where a correction paid more."""
    growth_taken_back: int = 0
    debt: int = 0
    """What the member owes afterwards."""
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """One settlement under way."""

    kept: Kept
    facts: EventFacts
    revisions: Sequence[RuleRevision]
    cause: str
    is_correction: bool
    at: datetime
    zone: ZoneInfo


def settle(
    session: Session,
    *,
    member_id: int,
    reference: str,
    lines: Sequence[FactLine],
    cause: str,
    at: datetime,
    zone: ZoneInfo,
    shortfall: Shortfall = Shortfall.OFFSET_NEXT_EARN,
    is_correction: bool = False,
) -> Settled:
    """Make what an event earned fit the lines that are left of it (退款扣回, 订单更正).

    Once by ``cause`` (``refund:5``, ``correction:12:2``). A refund only takes back, by the revisions that paid; a
    correction may also pay, by those that were in force. Caps and budgets are given back, growth is lowered, and
    ``shortfall`` says what becomes of points that the member no longer has.
    """
    for bearer_id in sorted({member_id, survivor_of(session, member_id=member_id)}):
        lock_account(session, member_id=bearer_id)
    kept = find_kept(session, member_id=member_id, reference=reference)
    if kept is None:
        return Settled(debt=_debt(session, member_id, at))
    if cause in kept.settlements:
        return _told_again(session, kept, cause, at)
    facts = EventFacts.from_json(kept.view.inputs["facts"])
    wanted = kept.view.inputs["revision_ids"] if is_correction else [one.revision_id for one in kept.standings]
    case = _Case(kept, facts, get_revisions(session, revision_ids=wanted), cause, is_correction, at, zone)
    return _settle(session, case, lines, reference, shortfall)


def _settle(session: Session, case: _Case, lines: Sequence[FactLine], reference: str, shortfall: Shortfall) -> Settled:
    """Do it in the order of locks: the accounts are held, then come coupons, then limits, then only rows of its own."""
    kept, facts, cause, at = case.kept, case.facts, case.cause, case.at
    due = evaluate_rest(case.revisions, facts, lines, kept.room)
    changed = changes(kept.standings, due, may_grow=case.is_correction)
    _undo(session, case, changed, _for_merged(session, case, shortfall))
    coupons = settle_coupons(
        session, changed=changed, due=due, facts=_borne(session, case), cause=cause, at=at, zone=case.zone
    )
    changed, room = _release(session, case, coupons.changed)
    room |= coupons.withheld
    if coupons.withheld:
        due = evaluate_rest(case.revisions, facts, lines, room)
    due = with_titles(session, due)
    paid = _top_up(session, case, changed, due)
    _regrow(session, case, changed, reference)
    _note(session, case, _told(after_payment(changed, paid), due), lines, room)
    follow_merge(session, member_id=facts.member_id, cause=cause, at=at)
    taken = sum(part for change in changed for _entry, part in change.taken)
    added = sum(one.points for one in paid)
    lost = -sum(change.growth for change in changed)
    return Settled(taken - added, lost, _debt(session, survivor_of(session, member_id=facts.member_id), at))


def _borne(session: Session, case: _Case) -> EventFacts:
    """Since a merge the caps and coupons of the merged member count for the survivor."""
    return replace(case.facts, member_id=survivor_of(session, member_id=case.facts.member_id))


def _undo(session: Session, case: _Case, changed: Collection[Change], shortfall: Shortfall) -> None:
    by_entry: dict[str, int] = {}
    for entry, part in (share for change in changed for share in change.taken):
        by_entry[entry] = by_entry.get(entry, 0) + part
    for number, (entry, part) in enumerate(sorted(by_entry.items()), start=1):
        posted = find_posting(session, member_id=case.facts.member_id, kind=EntryKind.EARN, reference=entry)
        assert posted is not None, f"{entry} was kept as paid"
        points.reverse(
            session,
            member_id=case.facts.member_id,
            entry_id=posted.entry_id,
            reference=case.cause if number == 1 else f"{case.cause}:{number}",
            at=case.at,
            zone=case.zone,
            points=part,
            shortfall=shortfall,
            explanation={"rule": "refund", "cause": case.cause},
            store_id=case.facts.store_id,
        )


def _for_merged(session: Session, case: _Case, shortfall: Shortfall) -> Shortfall:
    """Forgive nothing on an account that a merge has emptied: the survivor has the points, and bears the debt."""
    is_merged = survivor_of(session, member_id=case.facts.member_id) != case.facts.member_id
    return Shortfall.OFFSET_NEXT_EARN if is_merged and shortfall is Shortfall.CLAMP else shortfall


def _release(session: Session, case: _Case, changed: Sequence[Change]) -> tuple[list[Change], Room]:
    """Give back what was taken back, and reserve what is added; what no limit allows is not added."""
    taken = {one.standing.revision_id: sum(part for _entry, part in one.taken) for one in changed}
    added = {one.standing.revision_id: one.added for one in changed}
    bearer = _borne(session, case)
    give_back(session, revisions=case.revisions, points=taken, facts=bearer)
    short = reserve(session, revisions=case.revisions, points=added, facts=bearer)
    granted = {revision_id: least for (revision_id, _name), least in short.items()}
    allowed = [replace(one, added=granted.get(one.standing.revision_id, one.added)) for one in changed]
    stood = {one.standing.revision_id: one.standing.points for one in allowed}
    fresh = {(revision_id, name): stood[revision_id] + left for (revision_id, name), left in short.items()}
    return allowed, {**case.kept.room, **fresh}


def _top_up(session: Session, case: _Case, changed: Sequence[Change], due: Evaluation) -> list[Payment]:
    added = {one.standing.revision_id: one.added for one in changed if one.added}
    if not added:
        return []
    default = read_default_expiry(session.execute(select(DEFAULT_EXPIRY)).one())
    paid = payments(added, due.awards, reference=case.cause, facts=case.facts, default=default, zone=case.zone)
    post(session, paid=paid, awards=_only(due.awards, added), facts=case.facts, at=case.at)
    return paid


def _only(awards: Sequence[Award], added: Mapping[int, int]) -> list[Award]:
    return [one for one in awards if one.revision_id in added]


def _regrow(session: Session, case: _Case, changed: Sequence[Change], reference: str) -> None:
    growth = sum(one.growth for one in changed)
    member_id = survivor_of(session, member_id=case.facts.member_id)
    if growth < 0:
        tiers.lower(session, member_id=member_id, growth=-growth, of=reference, reference=case.cause, at=case.at)
    elif growth > 0:
        tiers.review(
            session,
            member_id=member_id,
            growth=growth,
            reference=case.cause,
            at=case.at,
            counted_at=case.facts.occurred_at,
            part_of=reference,
        )


def _note(
    session: Session,
    case: _Case,
    awards: Sequence[Json],
    lines: Sequence[FactLine],
    room: Room,
) -> None:
    session.execute(
        insert(Settlement).values(
            member_id=case.facts.member_id,
            evaluation_id=case.kept.view.id,
            number=len(case.kept.settlements) + 1,
            reference=case.cause,
            is_correction=case.is_correction,
            lines=replace(case.facts, lines=tuple(lines)).to_json()["lines"],
            room=room_to_json(room),
            awards=awards,
            points=sum(one["points"] for one in awards),
            growth=sum(one["growth"] for one in awards),
            recorded_at=case.at,
        )
    )


def _told(stands: Sequence[Standing], due: Evaluation) -> list[Json]:
    """Return what stands, each with the explanation of how it was reckoned; none where nothing is due any more."""
    explained = {one.revision_id: one.explanation for one in due.awards}
    return [{**explained.get(one.revision_id, {}), **one.to_json()} for one in stands]


def follow_merge(session: Session, *, member_id: int, cause: str, at: datetime) -> None:
    """Let a survivor bear what happened on the account of a member who was merged into it."""
    survivor_id = survivor_of(session, member_id=member_id)
    if survivor_id != member_id:
        points.transfer(session, from_member_id=member_id, to_member_id=survivor_id, reference=f"merge:{cause}", at=at)


def _told_again(session: Session, kept: Kept, cause: str, at: datetime) -> Settled:
    stood = [(kept.view.points, kept.view.growth), *kept.settlements.values()]
    number = list(kept.settlements).index(cause)
    (points_before, growth_before), (points_after, growth_after) = stood[number], stood[number + 1]
    debt = _debt(session, survivor_of(session, member_id=kept.view.member_id), at)
    return Settled(points_before - points_after, growth_before - growth_after, debt, is_replay=True)


def _debt(session: Session, member_id: int, at: datetime) -> int:
    return summary(session, member_id=member_id, at=at).debt
