"""Paying (发放任务奖励): one primitive for what comes by itself and for what is claimed, and its taking back.

The caller holds the member and the progress. The limits of the mission are taken before the reward is given; a reward
that is refused has written nothing, and they are given back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from loyalty.check_ins.cards import grant_cards, withdraw_cards
from loyalty.checkout.queries import current_policy
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.issuing import issue
from loyalty.coupons.service.taking_back import take_back as take_back_coupon
from loyalty.earning.service.coupons import REFUSALS
from loyalty.kernel import outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import InvariantBroken
from loyalty.limits import service as limits
from loyalty.limits.rules import Limit, LimitExhausted
from loyalty.members.queries import family_of
from loyalty.missions.models import MissionReward
from loyalty.missions.rules.documents import reward_from_json, reward_to_json
from loyalty.missions.rules.limiting import limits_of, refusal_of
from loyalty.missions.rules.terms import CardsReward, CouponReward, PointsReward, Reward, Step, Terms
from loyalty.missions.running import Running, terms_of
from loyalty.points import service as points
from loyalty.points.queries import find_posting, lock_account
from loyalty.points.rules import EntryKind, Shortfall
from loyalty.points.rules.expiry import lot_terms

UNDONE = "mission_undone"
"""The reason that is kept of a coupon that is taken back: the mission is no longer done."""


@dataclass(frozen=True, slots=True)
class Place:
    """Of whom, of which mission and of which period something is paid."""

    member_id: int
    mission_id: int
    period: str


def pay(
    session: Session, *, mission: Running, place: Place, step: Step, key: str | None, at: datetime, zone: ZoneInfo
) -> MissionReward:
    """Give the reward of a step that was reached and has no reward that stands; return its row.

    Raises:
        MissionBudgetSpent, MissionMemberLimitReached: a limit of the mission has nothing left.
        CouponSoldOut and the others of ``earning.service.coupons.REFUSALS``: its coupon is refused.
    """
    attempt = _attempts(session, place, step.target) + 1
    reference = _reference(place, step, attempt)
    _reserve(session, mission.terms, place, step.reward)
    try:
        coupon_id = _give(session, mission, place, step, reference, at, zone)
    except REFUSALS:
        _give_back(session, mission.terms, place, step.reward)
        raise
    reward = MissionReward(
        member_id=place.member_id,
        mission_id=place.mission_id,
        period=place.period,
        target=step.target,
        attempt=attempt,
        revision_id=mission.revision_id,
        reward=reward_to_json(step.reward),
        reference=reference,
        coupon_id=coupon_id,
        idempotency_key=key,
        paid_at=at,
        reversed_at=None,
    )
    session.add(reward)
    session.flush()
    if key is None and isinstance(step.reward, CardsReward):
        _tell_of_cards(session, place, mission.terms.title, reference, step.reward, at)
    return reward


def take_back(session: Session, *, row: MissionReward, title: str, at: datetime, zone: ZoneInfo) -> None:
    """Take back a reward that is no longer earned: points by the policy of refunds, coupons and cards if unused.

    What was used meanwhile stays the member's, and is not given again when the step is reached anew.
    """
    place, reward = Place(row.member_id, row.mission_id, row.period), reward_from_json(row.reward)
    if not _undo(session, row, place, reward, title, at, zone):
        return
    session.execute(
        update(MissionReward)
        .where(
            MissionReward.member_id == row.member_id,
            MissionReward.mission_id == row.mission_id,
            MissionReward.period == row.period,
            MissionReward.target == row.target,
            MissionReward.attempt == row.attempt,
        )
        .values(reversed_at=at)
        .execution_options(synchronize_session=False)
    )
    _give_back(session, terms_of(session, revision_id=row.revision_id), place, reward)


def _reference(place: Place, step: Step, attempt: int) -> str:
    """Return the reference of what a step gives; of cards, which a merge moves, it is nobody else's."""
    again = f":{attempt}" if attempt > 1 else ""
    whose = f":member:{place.member_id}" if isinstance(step.reward, CardsReward) else ""
    return f"mission:{place.mission_id}:{place.period}:{step.target}{again}{whose}"


def _attempts(session: Session, place: Place, target: int) -> int:
    """Count what was given for a step before, also to members merged into this one."""
    family = family_of(session, member_id=place.member_id)
    query = select(func.max(MissionReward.attempt)).where(
        MissionReward.member_id.in_(family),
        MissionReward.mission_id == place.mission_id,
        MissionReward.period == place.period,
        MissionReward.target == target,
    )
    return session.scalar(query) or 0


def _give(
    session: Session, mission: Running, place: Place, step: Step, reference: str, at: datetime, zone: ZoneInfo
) -> int | None:
    reward = step.reward
    if isinstance(reward, CouponReward):
        issued = issue(
            session,
            template_id=reward.template_id,
            member_id=place.member_id,
            path=IssuePath.MISSION,
            reference=reference,
            at=at,
            zone=zone,
        )
        return issued.coupon_id
    if isinstance(reward, CardsReward):
        grant_cards(session, member_id=place.member_id, cards=reward.cards, reference=reference, at=at)
        return None
    points.earn(
        session,
        member_id=place.member_id,
        points=reward.points,
        reference=reference,
        explanation=_explanation(place, step.target, mission.terms.title),
        occurred_at=at,
        at=at,
        terms=lot_terms(points.programme_policy(session), at, zone),
    )
    return None


def _tell_of_cards(
    session: Session, place: Place, title: str, reference: str, reward: CardsReward, at: datetime
) -> None:
    """Record that cards came by themselves (points and coupons are told by their own modules)."""
    told = {"member_id": place.member_id, "title": title, "reference": reference, "cards": reward.cards}
    outbox.record(session, "mission.cards_given", told, at=at)


def _undo(
    session: Session, row: MissionReward, place: Place, reward: Reward, title: str, at: datetime, zone: ZoneInfo
) -> bool:
    match reward:
        case PointsReward():
            _reverse(session, place, row.reference, _explanation(place, row.target, title), at, zone)
            return True
        case CardsReward(cards):
            return withdraw_cards(session, member_id=place.member_id, cards=cards, reference=row.reference, at=at)
    assert row.coupon_id is not None
    actor = Actor("system:missions")
    return take_back_coupon(session, coupon_id=row.coupon_id, reason=UNDONE, actor=actor, at=at, zone=zone).is_voided


def _reverse(
    session: Session, place: Place, reference: str, explanation: dict[str, object], at: datetime, zone: ZoneInfo
) -> None:
    """Reverse the entry where it stands: with the member, or with one merged into the member, who bears it then."""
    owner_id, entry_id = _find_paid(session, place.member_id, reference)
    for member_id in sorted({owner_id, place.member_id}):
        lock_account(session, member_id=member_id)
    shortfall, is_merged = current_policy(session).shortfall, owner_id != place.member_id
    if is_merged and shortfall is Shortfall.CLAMP:
        # The merge has emptied the account: the survivor has the points, and bears what is owed.
        shortfall = Shortfall.OFFSET_NEXT_EARN
    undone = f"{reference}:reversed"
    points.reverse(
        session,
        member_id=owner_id,
        entry_id=entry_id,
        reference=undone,
        at=at,
        zone=zone,
        shortfall=shortfall,
        explanation=explanation,
    )
    if is_merged:
        points.transfer(
            session, from_member_id=owner_id, to_member_id=place.member_id, reference=f"merge:{undone}", at=at
        )


def _find_paid(session: Session, member_id: int, reference: str) -> tuple[int, int]:
    for owner_id in family_of(session, member_id=member_id):
        posting = find_posting(session, member_id=owner_id, kind=EntryKind.EARN, reference=reference)
        if posting is not None:
            return owner_id, posting.entry_id
    raise InvariantBroken(f"{reference} was kept as paid")


def _reserve(session: Session, terms: Terms, place: Place, reward: Reward) -> None:
    taken: list[tuple[Sequence[Limit], int]] = []
    for bounds, amount in limits_of(terms.limits, reward, mission_id=place.mission_id, member_id=place.member_id):
        try:
            limits.reserve(session, limits=bounds, amount=amount)
        except LimitExhausted as exhausted:
            for others, count in taken:
                limits.give_back(session, limits=others, amount=count)
            raise refusal_of(exhausted) from exhausted
        taken.append((bounds, amount))


def _give_back(session: Session, terms: Terms, place: Place, reward: Reward) -> None:
    for bounds, amount in limits_of(terms.limits, reward, mission_id=place.mission_id, member_id=place.member_id):
        limits.give_back(session, limits=bounds, amount=amount)


def _explanation(place: Place, target: int, title: str) -> dict[str, object]:
    return {
        "rule": "mission",
        "mission_id": place.mission_id,
        "title": title,
        "period": place.period,
        "target": target,
    }
