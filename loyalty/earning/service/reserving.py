"""Reserving (占用额度): what the caps and budgets of rules leave for an event, taken in its transaction.

Limits are the last that a transaction locks. Rules come in the order of their counters, so that two transactions
never wait for each other.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.orm import Session

from loyalty.earning.rules import Award, EventFacts, RuleRevision
from loyalty.earning.rules.limiting import limits_of
from loyalty.limits import service as limits
from loyalty.limits.rules import Limit

Room = dict[tuple[int, str], int]


def reserve(
    session: Session, *, revisions: Iterable[RuleRevision], points: Mapping[int, int], facts: EventFacts
) -> Room:
    """Take points by revision from the limits of their rules; return what was left where that was less.

    What a limit did not allow is not taken from the others either.
    """
    room: Room = {}
    for revision, bounds in _bounded(revisions, points, facts):
        granted = limits.reserve_up_to(session, limits=bounds, amount=points[revision.id])
        if granted.stopped_by is not None:
            room[revision.id, granted.stopped_by.name] = granted.amount
    return room


def look(session: Session, *, revisions: Iterable[RuleRevision], awards: Sequence[Award], facts: EventFacts) -> Room:
    """Return what is left of the limits at this moment, taking nothing."""
    points = {award.revision_id: award.points for award in awards}
    return {
        (revision.id, bound.name): max(0, bound.ceiling - limits.used(session, limit=bound))
        for revision, bounds in _bounded(revisions, points, facts)
        for bound in bounds
    }


def give_back(
    session: Session, *, revisions: Iterable[RuleRevision], points: Mapping[int, int], facts: EventFacts
) -> None:
    """Put points by revision back to the limits they were taken from."""
    for revision, bounds in _bounded(revisions, points, facts):
        limits.give_back(session, limits=bounds, amount=points[revision.id])


def _bounded(
    revisions: Iterable[RuleRevision], points: Mapping[int, int], facts: EventFacts
) -> list[tuple[RuleRevision, tuple[Limit, ...]]]:
    found = [(revision, limits_of(revision, facts)) for revision in revisions if points.get(revision.id)]
    return sorted((pair for pair in found if pair[1]), key=lambda pair: pair[1][0].subject)
