"""Paying: which entries an evaluation posts, what of them stands after refunds, and what a change takes back.

Awards whose points become available and expire alike are one entry. What stands is kept by revision, with the share
of each entry in it, so that a refund takes back from the very entries that paid.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.earning.rules.evaluation import Award, Evaluation, RuleRevision, evaluate
from loyalty.earning.rules.facts import EventFacts, FactLine
from loyalty.kernel.clock import start_of
from loyalty.points.rules.expiry import ExpiryPolicy, LotTerms, lot_terms

Share = tuple[str, int]
"""The reference of an entry, and points of it."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One entry to be posted, and the points of each revision in it."""

    reference: str
    available_at: datetime
    terms: LotTerms
    shares: Mapping[int, int]

    @property
    def points(self) -> int:
        """All points of the entry."""
        return sum(self.shares.values())

    @property
    def revision_id(self) -> int | None:
        """The revision that paid, where it was a single one."""
        return next(iter(self.shares)) if len(self.shares) == 1 else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of one revision's award: points by entry, the oldest first, growth, and its coupon."""

    revision_id: int
    growth: int
    entries: tuple[Share, ...]
    coupon_id: int | None = None
    """The coupon that it gave and that was not taken back."""
    coupon_kept: str | None = None
    """Where a coupon stood that stays although it is not earned any more: it was used, or had lapsed."""

    @property
    def points(self) -> int:
        """The points that stand."""
        return sum(points for _reference, points in self.entries)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        entries = [list(share) for share in self.entries]
        coupon = {"coupon_id": self.coupon_id, "coupon_kept": self.coupon_kept}
        stands = {"revision_id": self.revision_id, "points": self.points, "growth": self.growth, "entries": entries}
        return stands | {name: value for name, value in coupon.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Change:
    """What a refund or a correction changes of one revision's award."""

    standing: Standing
    """What stands afterwards, without what has yet to be paid."""
    taken: tuple[Share, ...]
    """Points to take back, by entry."""
    added: int
    """Points to pay on top, which only a correction does."""
    growth: int
    """Signed."""
    is_coupon_lost: bool = False
    """Whether the coupon that stands is not earned any more."""
    is_coupon_added: bool = False
    """Whether a coupon is earned that was not before, which only a correction does."""


def read_standing(stored: Mapping[str, Any]) -> Standing:
    """Read back what stood of an award."""
    entries = tuple((reference, points) for reference, points in stored["entries"])
    return Standing(
        stored["revision_id"], stored["growth"], entries, stored.get("coupon_id"), stored.get("coupon_kept")
    )


def payments(
    points: Mapping[int, int],
    awards: Iterable[Award],
    *,
    reference: str,
    facts: EventFacts,
    default: ExpiryPolicy,
    zone: ZoneInfo,
) -> list[Payment]:
    """Group points by revision into entries; the first has the reference itself, the next :2, :3 and so on.

    Points live from the day of the event on, also when it is reported late.
    """
    groups: dict[tuple[datetime, LotTerms], dict[int, int]] = {}
    for award in awards:
        if points.get(award.revision_id):
            group = groups.setdefault(_life(award, facts, default, zone), {})
            group[award.revision_id] = points[award.revision_id]
    return [
        Payment(reference if number == 1 else f"{reference}:{number}", available_at, terms, shares)
        for number, ((available_at, terms), shares) in enumerate(groups.items(), start=1)
    ]


def standings(
    awards: Iterable[Award], paid: Sequence[Payment], coupon_ids: Mapping[int, int] | None = None
) -> list[Standing]:
    """Return what stands of each award right after it was paid, with the coupons given by revision."""
    given = coupon_ids or {}
    return [
        Standing(one.revision_id, one.growth, _entries_of(one.revision_id, paid), given.get(one.revision_id))
        for one in awards
    ]


def evaluate_rest(
    revisions: Iterable[RuleRevision], facts: EventFacts, lines: Sequence[FactLine], room: Mapping[tuple[int, str], int]
) -> Evaluation:
    """Reckon what revisions pay for what is left of an order, with everything else as it was."""
    left = tuple(line for line in lines if line.quantity or line.amount_fen)
    if not left:
        return Evaluation((), ())
    return evaluate(revisions, replace(facts, lines=left), room=room)


def changes(before: Sequence[Standing], after: Evaluation, *, may_grow: bool) -> list[Change]:
    """Compare what stands with what should; a refund never adds to any award."""
    due = {one.revision_id: (one.points, one.growth, one.coupon_template_id is not None) for one in after.awards}
    known = {standing.revision_id: standing for standing in before}
    fresh = [Standing(revision_id, 0, ()) for revision_id in due if revision_id not in known and may_grow]
    return [
        _change(standing, *due.get(standing.revision_id, (0, 0, False)), may_grow) for standing in [*before, *fresh]
    ]


def after_payment(changed: Iterable[Change], paid: Sequence[Payment]) -> list[Standing]:
    """Return what stands after a change and after what it paid on top."""
    return [
        replace(change.standing, entries=(*change.standing.entries, *_entries_of(change.standing.revision_id, paid)))
        for change in changed
    ]


def _change(standing: Standing, points: int, growth: int, has_coupon: bool, may_grow: bool) -> Change:
    if not may_grow:
        points, growth = min(points, standing.points), min(growth, standing.growth)
    surplus = max(0, standing.points - points)
    kept, taken = [], []
    for reference, paid in reversed(standing.entries):
        part = min(paid, surplus)
        surplus -= part
        if part:
            taken.append((reference, part))
        if paid > part:
            kept.append((reference, paid - part))
    coupon_kept = None if has_coupon else standing.coupon_kept
    left = replace(standing, growth=growth, entries=tuple(reversed(kept)), coupon_kept=coupon_kept)
    added = max(0, points - standing.points)
    return Change(
        left,
        tuple(taken),
        added,
        growth - standing.growth,
        is_coupon_lost=standing.coupon_id is not None and not has_coupon,
        is_coupon_added=standing.coupon_id is None and has_coupon and may_grow,
    )


def _entries_of(revision_id: int, paid: Iterable[Payment]) -> tuple[Share, ...]:
    return tuple((one.reference, one.shares[revision_id]) for one in paid if revision_id in one.shares)


def _life(award: Award, facts: EventFacts, default: ExpiryPolicy, zone: ZoneInfo) -> tuple[datetime, LotTerms]:
    days = award.available_after_days
    available_at = start_of(facts.local.on + timedelta(days=days), zone) if days else facts.occurred_at
    return available_at, lot_terms(award.expiry or default, facts.occurred_at, zone)
