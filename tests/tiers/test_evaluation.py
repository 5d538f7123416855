"""The evaluation: what growth no longer keeps is told, kept for the grace, and lost after it; twice is once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.rules.members import MemberStatus
from loyalty.tiers.models import MemberTier
from loyalty.tiers.queries import MULTIPLIER, tier_of
from loyalty.tiers.rules import Benefits, Policy, Tier, Verdict
from loyalty.tiers.service import evaluate_page, save_tiers, set_manual_level
from tests.factories.members import make_member
from tests.factories.points import events_of
from tests.factories.tiers import ACTOR, LADDER, calendar_year, changes_of, evaluate, grow, make_ladder, rolling
from tests.support.events import recorded

SHANGHAI = ZoneInfo("Asia/Shanghai")


def night_of(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T00:45:00").replace(tzinfo=SHANGHAI).astimezone(UTC)


def standing(session: Session, member_id: int) -> tuple[int, datetime | None]:
    row = session.get_one(MemberTier, member_id, populate_existing=True)
    return row.level, row.grace_until_at


class TestTwoYears:
    """A member buys once; every night of two years the evaluation runs, some nights twice."""

    @pytest.mark.parametrize(
        ("policy", "nights", "grace_begins", "falls"),
        [
            (rolling(12, grace_days=30), 730, "2027-03-10", "2027-04-10"),
            (rolling(6, grace_days=0), 190, None, "2026-09-10"),
            (calendar_year(grace_days=30), 730, "2028-01-01", "2028-02-01"),
            (Policy(), 60, None, None),
        ],
        ids=["rolling", "without grace", "calendar", "for ever"],
    )
    def test_end_with_one_grace_one_notice_and_one_fall(
        self, session: Session, policy: Policy, nights: int, grace_begins: str | None, falls: str | None
    ) -> None:
        bought_at = night_of("2026-03-10") + timedelta(hours=10)
        make_ladder(session, policy=policy, at=bought_at)
        member = make_member(session)
        grow(session, member.id, 2_500, bought_at)
        seen: dict[str, str] = {}

        night = night_of("2026-03-11")
        for number in range(nights):
            for _ in range(2 if number % 7 == 0 else 1):
                evaluate_page(session, after_id=0, at=night)
            level, grace = standing(session, member.id)
            today = night.astimezone(SHANGHAI).date().isoformat()
            if grace is not None:
                seen.setdefault("grace", today)
            if level < 3:
                seen.setdefault("fall", today)
            night += timedelta(days=1)

        assert (seen.get("grace"), seen.get("fall")) == (grace_begins, falls)
        lost = [("demoted", 3, 1)] if falls else []
        assert changes_of(session, member.id) == [("promoted", 1, 3), *lost]
        assert len(recorded(session, "tier.ending")) == (grace_begins is not None)
        assert len(recorded(session, "tier.demoted")) == (falls is not None)


class TestGrace:
    @pytest.fixture
    def member_id(self, session: Session) -> int:
        """In grace since 2027-03-10, until the end of 2027-04-09."""
        make_ladder(session, policy=rolling(12), at=night_of("2026-03-10"))
        member = make_member(session)
        grow(session, member.id, 600, night_of("2026-03-10"))
        evaluate(session, night_of("2027-03-10"))
        return member.id

    def test_tells_until_when_and_what_is_lacking(self, session: Session, member_id: int) -> None:
        ((kind, payload), *_rest) = reversed(events_of(session, member_id))

        assert kind == "tier.ending"
        assert (payload["level"], payload["falls_to"], payload["growth_lacking"]) == (2, 1, 500)
        assert payload["last_day"] == "2027-04-09"
        view = tier_of(session, member_id=member_id, at=night_of("2027-03-11"))
        assert (view.level, view.grace_until_at) == (2, datetime(2027, 4, 9, 16, tzinfo=UTC))

    def test_is_over_at_once_when_the_growth_suffices_again(self, session: Session, member_id: int) -> None:
        grow(session, member_id, 500, night_of("2027-03-20"))

        assert standing(session, member_id) == (2, None)
        evaluate(session, night_of("2027-04-10"))
        assert standing(session, member_id) == (2, None)

    def test_is_over_when_the_ladder_asks_for_less(self, session: Session, member_id: int) -> None:
        save_tiers(session, tiers=[LADDER[0], Tier(2, "银卡会员", 1)], actor=ACTOR, at=night_of("2027-03-20"))
        grow(session, member_id, 1, night_of("2027-03-20"))

        assert standing(session, member_id)[1] is None

    def test_goes_on_while_the_growth_does_not_suffice(self, session: Session, member_id: int) -> None:
        grow(session, member_id, 499, night_of("2027-03-20"))
        (page,) = evaluate(session, night_of("2027-04-09"))

        assert page.verdicts == {Verdict.KEEP: 1}
        assert standing(session, member_id)[0] == 2

    def test_ends_in_the_level_that_the_growth_reaches(self, session: Session, member_id: int) -> None:
        evaluate(session, night_of("2027-04-10"))

        assert standing(session, member_id) == (1, None)
        assert recorded(session, "tier.demoted")[-1]["cause"] == "demoted"

    def test_nights_that_were_missed_only_prolong_it(self, session: Session, member_id: int) -> None:
        evaluate(session, night_of("2027-06-01"))

        assert standing(session, member_id) == (1, None)


class TestPages:
    def test_evaluate_everybody_once(self, session: Session, at: datetime) -> None:
        make_ladder(session, policy=rolling(12), at=at)
        members = [make_member(session) for _ in range(7)]
        for member in members:
            grow(session, member.id, 600, at)

        pages = evaluate(session, at + timedelta(days=400), limit=3)

        assert [dict(page.verdicts) for page in pages] == [
            {"begin_grace": 3}, {"begin_grace": 3}, {"begin_grace": 1},
        ]  # fmt: skip

    def test_pass_over_who_is_gone(self, session: Session, at: datetime) -> None:
        make_ladder(session, policy=rolling(12), at=at)
        member = make_member(session)
        grow(session, member.id, 600, at)
        member.status = MemberStatus.CLOSED

        (page,) = evaluate(session, at + timedelta(days=400))

        assert page.verdicts == {}
        assert standing(session, member.id) == (2, None)

    def test_raise_who_a_lower_ladder_lifts(self, session: Session, at: datetime) -> None:
        make_ladder(session, at=at)
        member = make_member(session)
        grow(session, member.id, 400, at)
        save_tiers(session, tiers=[LADDER[0], Tier(2, "银卡会员", 300)], actor=ACTOR, at=at)

        evaluate(session, at)

        assert standing(session, member.id)[0] == 2

    @pytest.mark.parametrize(
        ("growth", "told"),
        [(400, []), (100, [{"level": 2, "falls_to": 1, "growth_lacking": 200}])],
        ids=["keeps the top step", "falls below it"],
    )
    def test_tell_of_the_top_step_whoever_stood_on_one_that_the_ladder_lost(
        self, session: Session, at: datetime, growth: int, told: list[dict[str, int]]
    ) -> None:
        make_ladder(session, policy=rolling(12), at=at)
        member, later = make_member(session), at + timedelta(days=400)
        grow(session, member.id, 2_000, at)
        grow(session, member.id, growth, later - timedelta(days=1))
        save_tiers(session, tiers=[LADDER[0], Tier(2, "银卡会员", 300)], actor=ACTOR, at=later)

        evaluate(session, later)

        events = recorded(session, "tier.ending")
        assert [{key: one[key] for key in ("level", "falls_to", "growth_lacking")} for one in events] == told

    def test_say_nothing_of_a_grace_that_a_level_by_hand_outlives(
        self, session: Session, vault: Vault, at: datetime
    ) -> None:
        make_ladder(session, policy=rolling(12), at=at)
        member, later = make_member(session), at + timedelta(days=400)
        grow(session, member.id, 600, at)
        set_manual_level(
            session, vault, member_id=member.id, level=2, until_at=later + timedelta(days=90), reason="合作伙伴",
            actor=ACTOR, at=later,
        )  # fmt: skip

        evaluate(session, later)
        evaluate(session, later + timedelta(days=40))

        assert recorded(session, "tier.ending") == []
        assert recorded(session, "tier.demoted") == []
        assert tier_of(session, member_id=member.id, at=later + timedelta(days=41)).level == 2


class TestBenefits:
    def _multiplier(self, session: Session, member_id: int, at: datetime) -> int | None:
        return session.scalar(MULTIPLIER, {"member_id": member_id, "at": at})

    def test_are_those_of_the_level_that_counts(self, session: Session, at: datetime) -> None:
        tiers = [LADDER[0], Tier(2, "银卡会员", 500, Benefits(points_multiplier=15_000))]
        make_ladder(session, tiers=tiers, at=at)
        member = make_member(session)

        assert self._multiplier(session, member.id, at) == 10_000
        grow(session, member.id, 500, at)
        assert self._multiplier(session, member.id, at) == 15_000
        assert tier_of(session, member_id=member.id, at=at).benefits.points_multiplier == 15_000

    def test_without_any_ladder_are_none(self, session: Session, at: datetime) -> None:
        assert self._multiplier(session, make_member(session).id, at) is None
