"""Capping (限额): what days and months leave of claims; limits are taken last, ascending by their keys."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from loyalty.commissions.rules.limiting import limits_of
from loyalty.commissions.rules.states import Why
from loyalty.commissions.service.judging import Claim
from loyalty.limits import service as limits
from loyalty.limits.rules import Limit


def within_caps(session: Session, *, claims: Sequence[Claim]) -> list[Claim]:
    """Reserve what members may still earn, and return the claims as far as that goes: who comes first is paid first."""
    groups: dict[tuple[tuple[tuple[str, str, str], ...], int], list[Claim]] = {}
    found: list[Claim] = []
    for claim in claims:
        capped_by = _limits(claim)
        if claim.reason is not None or not capped_by:
            found.append(claim)
        else:
            key = tuple(limit.key for limit in capped_by), claim.view.id
            groups.setdefault(key, []).append(claim)
    for key in sorted(groups):
        found += _granted(session, _limits(groups[key][0]), groups[key])
    return found


def _granted(session: Session, capped_by: Sequence[Limit], claims: Sequence[Claim]) -> Iterator[Claim]:
    wanted = sum(claim.amount_fen for claim in claims)
    granted = limits.reserve_up_to(session, limits=capped_by, amount=wanted)
    left = granted.amount
    for claim in claims:
        if granted.stopped_by is None or claim.amount_fen <= left:
            left -= claim.amount_fen
            yield claim
        else:
            yield claim.brought_down(left, Why(granted.stopped_by.name))
            left = 0


def _limits(claim: Claim) -> Sequence[Limit]:
    return limits_of(claim.view.plan, member_id=claim.member_id, on=claim.on)
