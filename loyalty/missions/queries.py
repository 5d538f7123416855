"""Mission queries: what a member can do and how far they are; what the console shows of all missions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from loyalty.coupons.queries.titles import titles
from loyalty.kernel.clock import business_date
from loyalty.members.models import Member
from loyalty.missions.models import MissionProgress, MissionReward
from loyalty.missions.rules.counting import CLAIM_DAYS, period_of
from loyalty.missions.rules.sentences import progress_words, sentence
from loyalty.missions.rules.standing import StepState, state_of
from loyalty.missions.rules.terms import ONCE_IN_A_LIFE, CouponReward, MissionEvent, Period, Step, Terms
from loyalty.missions.rules.words import Names, refusal_words, reward_words
from loyalty.missions.running import Running, list_published
from loyalty.tiers.queries import list_tiers, tier_of
from loyalty.tiers.rules import LOWEST_LEVEL

_Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class StepView:
    """One step as a member sees it."""

    target: int
    progress: str
    """How far the member is, in words: 3/7 天."""
    reward: str
    state: StepState
    refusal: str | None
    """Why it was reached and did not come by itself; it can be claimed once that has changed."""
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class MissionView:
    """A mission in one of its periods, as a member sees it."""

    mission_id: int
    period: str
    terms: Terms
    sentence: str
    progress: int
    steps: tuple[StepView, ...]
    ends_at: datetime | None
    is_running: bool
    """Whether what happens now still counts for it."""
    is_for_member: bool
    """Whether the member has a tier whose events count."""
    is_paused: bool
    claimable_until: date | None

    @property
    def has_something_to_claim(self) -> bool:
        """Whether a reward waits for the member."""
        return any(step.state is StepState.CLAIMABLE for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Standing:
    progress: int
    refusals: Mapping[str, str]


_NOTHING_YET = _Standing(0, {})


def list_missions(session: Session, *, member_id: int, at: datetime, zone: ZoneInfo) -> Sequence[MissionView]:
    """Return what a member can do now, and earlier periods with a reward that waits; the latter first.

    What was done before its mission began, such as binding the phone, is not offered.
    """
    today = business_date(at, zone)
    missions = [one for one in list_published(session) if one.starts_at <= at]
    if not missions:
        return []
    progress, rewards = _progress(session, member_id, missions, today), _rewards(session, member_id, missions, today)
    names, level = _names(session, missions), _level(session, member_id, missions, at)
    done = _done_before(session, member_id, missions)
    views = []
    for mission in missions:
        current = period_of(mission.terms.period, today)
        for period in _periods(mission, today):
            known = progress.get((mission.mission_id, period))
            view = _view(mission, period, known or _NOTHING_YET, rewards, names, level, at, zone)
            is_still_to_do = known is not None or mission.terms.event not in done
            is_offered = period == current and mission.covers(at) and is_still_to_do
            if is_offered or (view.has_something_to_claim and _is_in_time(view, today)):
                views.append(view)
    return sorted(views, key=lambda view: (not view.has_something_to_claim, view.mission_id, view.period))


def _is_in_time(view: MissionView, today: date) -> bool:
    return view.claimable_until is None or today <= view.claimable_until


def _periods(mission: Running, today: date) -> Iterator[str]:
    """Yield the period of today and those before it of which something can still be claimed."""
    seen = set()
    for days_ago in range(1 if mission.terms.period is Period.ONCE else CLAIM_DAYS + 1):
        period = period_of(mission.terms.period, today - timedelta(days=days_ago))
        if period not in seen:
            seen.add(period)
            yield period


def _view(
    mission: Running,
    period: str,
    known: _Standing,
    rewards: Mapping[tuple[int, str, int], datetime],
    names: Names,
    level: int,
    at: datetime,
    zone: ZoneInfo,
) -> MissionView:
    terms = mission.terms
    return MissionView(
        mission_id=mission.mission_id,
        period=period,
        terms=terms,
        sentence=sentence(terms, names=names),
        progress=known.progress,
        steps=tuple(
            _step(mission, step, known, rewards.get((mission.mission_id, period, step.target)), names)
            for step in terms.steps
        ),
        ends_at=mission.ends_at,
        is_running=mission.covers(at),
        is_for_member=not terms.tier_levels or level in terms.tier_levels,
        is_paused=mission.is_paused,
        claimable_until=mission.claimable_until(period, zone),
    )


def _step(mission: Running, step: Step, known: _Standing, paid_at: datetime | None, names: Names) -> StepView:
    is_paid, is_reached = paid_at is not None, known.progress >= step.target
    refusal = known.refusals.get(str(step.target)) if is_reached else None
    return StepView(
        target=step.target,
        progress=progress_words(mission.terms.measure, known.progress, step.target),
        reward=reward_words(step.reward, names),
        state=state_of(is_paid=is_paid, is_reached=is_reached, is_paused=mission.is_paused, refusal=refusal),
        refusal=refusal_words(refusal) if refusal is not None and not is_paid else None,
        paid_at=paid_at,
    )


def _wanted(missions: Sequence[Running], today: date) -> list[_Place]:
    return [(mission.mission_id, period) for mission in missions for period in _periods(mission, today)]


def _progress(session: Session, member_id: int, missions: Sequence[Running], today: date) -> Mapping[_Place, _Standing]:
    row = MissionProgress
    rows = session.execute(
        select(row.mission_id, row.period, row.progress, row.refusals).where(
            row.member_id == member_id, tuple_(row.mission_id, row.period).in_(_wanted(missions, today))
        )
    )
    return {(one.mission_id, one.period): _Standing(one.progress, one.refusals) for one in rows}


def _rewards(
    session: Session, member_id: int, missions: Sequence[Running], today: date
) -> Mapping[tuple[int, str, int], datetime]:
    row = MissionReward
    rows = session.execute(
        select(row.mission_id, row.period, row.target, row.paid_at).where(
            row.member_id == member_id,
            row.reversed_at.is_(None),
            tuple_(row.mission_id, row.period).in_(_wanted(missions, today)),
        )
    )
    return {(one.mission_id, one.period, one.target): one.paid_at for one in rows}


def _names(session: Session, missions: Sequence[Running]) -> Names:
    """Return what the coupons and tiers of some missions are called; nothing is asked where they name none."""
    rewards = [step.reward for mission in missions for step in mission.terms.steps]
    template_ids = {reward.template_id for reward in rewards if isinstance(reward, CouponReward)}
    has_tiers = any(mission.terms.tier_levels for mission in missions)
    return Names(
        tiers={tier.level: tier.name for tier in list_tiers(session)} if has_tiers else {},
        coupons=titles(session, template_ids) if template_ids else {},
    )


def _level(session: Session, member_id: int, missions: Sequence[Running], at: datetime) -> int:
    """Return a member's level; it is asked for only where it matters."""
    if not any(mission.terms.tier_levels for mission in missions):
        return LOWEST_LEVEL
    return tier_of(session, member_id=member_id, at=at).level


def _done_before(session: Session, member_id: int, missions: Sequence[Running]) -> Collection[MissionEvent]:
    """Return what a member has done already that is done once in a life, where a mission is for it."""
    if not any(mission.terms.event in ONCE_IN_A_LIFE for mission in missions):
        return set()
    row = session.execute(
        select(
            Member.phone_index.is_not(None),
            Member.nickname_sealed.is_not(None) & Member.birthday_sealed.is_not(None),
        ).where(Member.id == member_id)
    ).one()
    events = (MissionEvent.PHONE_BOUND, MissionEvent.PROFILE_COMPLETED)
    return {event for event, is_done in zip(events, row, strict=True) if is_done}
