"""Missions as data: what may be saved, how it reads, and how far what was done comes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.missions.rules.checking import check_same_kind, check_terms
from loyalty.missions.rules.counting import longest_run, period_of, progress_of
from loyalty.missions.rules.documents import from_json, to_json
from loyalty.missions.rules.errors import InvalidMission
from loyalty.missions.rules.sentences import sentence
from loyalty.missions.rules.templates import TEMPLATES
from loyalty.missions.rules.terms import (
    CardsReward,
    CouponReward,
    Limits,
    Measure,
    MissionEvent,
    Period,
    PointsReward,
    Step,
)
from loyalty.missions.rules.words import Names
from tests.factories.check_ins import SHANGHAI
from tests.factories.missions import mission_of, steps

CHECK_INS = {"event": MissionEvent.CHECK_IN}
PURCHASES: dict[str, Any] = {"event": MissionEvent.PURCHASE}
SUNDAY_EVENING = datetime(2026, 3, 15, 12, tzinfo=UTC)


class TestASavedMission:
    @pytest.mark.parametrize("name", TEMPLATES)
    def test_may_start_from_any_template_and_survives_storing(self, name: str) -> None:
        terms = TEMPLATES[name].start()

        check_terms(terms, zone=SHANGHAI)

        assert from_json(to_json(terms)) == terms

    def test_reads_as_one_sentence_with_all_it_says(self) -> None:
        terms = mission_of(
            event=MissionEvent.PURCHASE,
            measure=Measure.AMOUNT,
            period=Period.WEEKLY,
            steps=(Step(100_00, PointsReward(50)), Step(300_00, CouponReward(7)), Step(500_00, CardsReward(2))),
            minimum_amount_fen=20_00,
            tier_levels=frozenset({2}),
            is_claimed_by_hand=True,
            limits=Limits(points_budget=10_000, rewards_budget=300, member_rewards=3),
        )

        told = sentence(terms, names=Names(tiers={2: "金卡"}, coupons={7: "满减券"}))

        assert told == (
            "每周（周一至周日）消费累计满 ¥100.00 得 50 积分，累计满 ¥300.00 得 满减券，累计满 ¥500.00 得 2 张补签卡"
            "；单笔实付满 ¥20.00 才计入；限金卡；完成后手动领取"
            "；积分总预算 10,000；奖励总份数 300；每人累计奖励次数 3。"
        )

    def test_for_a_reported_event_reads_by_its_title_and_to_staff_by_its_code(self) -> None:
        terms = mission_of(title="线下课", event=MissionEvent.CUSTOM, custom_kind="class_attended")

        told = [sentence(terms), sentence(terms, has_codes=True)]

        assert told == [
            "「线下课」 1 次 得 10 积分；完成后自动到账。",
            "自定义事件（class_attended） 1 次 得 10 积分；完成后自动到账。",
        ]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"title": " 评价"}, "title"),
            ({"description": "很" * 501}, "description"),
            ({"steps": ()}, "steps"),
            ({"steps": steps((2, 5), (2, 6))}, "steps"),
            ({"steps": steps((0, 5))}, "steps"),
            ({"steps": steps((1, 0))}, "steps"),
            ({"steps": (Step(1, CardsReward(32)),)}, "steps"),
            ({"steps": (Step(1, CouponReward(0)),)}, "steps"),
            ({"measure": Measure.AMOUNT}, "measure"),
            ({"minimum_amount_fen": 1}, "minimum_amount_fen"),
            ({"custom_kind": "event_attended"}, "custom_kind"),
            ({"event": MissionEvent.CUSTOM}, "custom_kind"),
            ({"event": MissionEvent.CUSTOM, "custom_kind": "purchase"}, "custom_kind"),
            ({"tier_levels": frozenset({21})}, "tier_levels"),
            ({"limits": Limits(rewards_budget=0)}, "rewards_budget"),
            ({"limits": Limits(points_budget=9)}, "points_budget"),
            ({"limits": Limits(points_budget=9), "steps": (Step(1, CardsReward(1)),)}, "points_budget"),
            ({"starts_at": SUNDAY_EVENING, "ends_at": SUNDAY_EVENING}, "ends_at"),
        ],
    )
    def test_that_makes_no_sense_is_refused_by_name(self, changes: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidMission) as refused:
            check_terms(mission_of(**changes), zone=SHANGHAI)

        assert field in {problem.field for problem in refused.value.problems}

    @pytest.mark.parametrize(
        "changes",
        [
            {**CHECK_INS, "period": Period.DAILY, "steps": steps((2, 5))},
            {**CHECK_INS, "period": Period.WEEKLY, "measure": Measure.DAYS, "steps": steps((8, 5))},
            {"period": Period.DAILY, "measure": Measure.STREAK, "steps": steps((2, 5))},
            {"event": MissionEvent.PHONE_BOUND, "steps": steps((2, 5))},
            {
                **CHECK_INS,
                "measure": Measure.DAYS,
                "steps": steps((3, 5)),
                "starts_at": SUNDAY_EVENING,
                "ends_at": SUNDAY_EVENING + timedelta(days=1),
            },
            {
                **CHECK_INS,
                "period": Period.WEEKLY,
                "measure": Measure.DAYS,
                "steps": steps((2, 5)),
                "starts_at": SUNDAY_EVENING,
                "ends_at": SUNDAY_EVENING + timedelta(days=1),
            },
        ],
        ids=["twice a day", "eight days a week", "a run in a day", "twice in a life", "window", "over the week's end"],
    )
    def test_that_nobody_could_do_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidMission) as refused:
            check_terms(mission_of(**changes), zone=SHANGHAI)

        assert "达不到" in refused.value.problems[0].reason

    @pytest.mark.parametrize(
        "kind",
        ["share", "Share", "SHARED", "shareToMoments", "share_poster", "moments.sharing", "oa_followed", "followOA"]
        + ["subscribe", "newSubscribed", "message.forwarded", "Forward"],
    )
    def test_that_pays_for_following_subscribing_or_sharing_is_refused_in_any_spelling(self, kind: str) -> None:
        with pytest.raises(ValueForFollowingOrSharing):
            check_terms(mission_of(event=MissionEvent.CUSTOM, custom_kind=kind), zone=SHANGHAI)
        with pytest.raises(ValueForFollowingOrSharing):
            from_json({"title": "x", "event": kind, "steps": []})

    @pytest.mark.parametrize("text", ["分享海报得积分", "关注公众号领 50 积分", "转发给好友，送券", "先分享再领取"])
    @pytest.mark.parametrize("field", ["title", "description"])
    def test_whose_texts_promise_it_is_refused(self, field: str, text: str) -> None:
        with pytest.raises(ValueForFollowingOrSharing):
            check_terms(mission_of(**{field: text}), zone=SHANGHAI)

    def test_that_is_stored_with_a_key_that_is_unknown_is_refused(self) -> None:
        stored = to_json(mission_of())

        for spoiled in ({**stored, "reward": 1}, {**stored, "steps": [{"target": 1}]}, {"title": "x"}, None):
            with pytest.raises(InvalidMission):
                from_json(spoiled)

    @pytest.mark.parametrize(
        "changes", [PURCHASES, {"measure": Measure.DAYS}, {"period": Period.DAILY}], ids=["event", "measure", "period"]
    )
    def test_stays_the_mission_it_was_published_as(self, changes: dict[str, Any]) -> None:
        published = mission_of()

        check_same_kind(replace(published, steps=steps((2, 20))), published)
        with pytest.raises(InvalidMission):
            check_same_kind(replace(published, **changes), published)


class TestProgress:
    @pytest.mark.parametrize(
        ("days", "longest"),
        [
            ([], 0),
            (["2026-02-27", "2026-02-28", "2026-03-01"], 3),
            (["2028-02-28", "2028-02-29", "2028-03-01"], 3),
            (["2025-12-31", "2026-01-01"], 2),
            (["2026-01-05", "2026-01-01", "2026-01-02", "2026-01-04"], 2),
        ],
        ids=["none", "month", "leap day", "year", "out of order"],
    )
    def test_of_a_streak_is_the_longest_run_over_any_border(self, days: list[str], longest: int) -> None:
        assert longest_run(map(date.fromisoformat, days)) == longest

    @given(st.lists(st.integers(0, 60), max_size=40))
    def test_of_a_streak_is_never_more_than_the_days_nor_the_days_more_than_the_times(self, offsets: list[int]) -> None:
        by_day: dict[date, int] = {}
        for offset in offsets:
            day = date(2026, 1, 1) + timedelta(days=offset)
            by_day[day] = by_day.get(day, 0) + 1

        streak, days, times = (progress_of(one, by_day) for one in (Measure.STREAK, Measure.DAYS, Measure.TIMES))

        assert streak <= days <= times == len(offsets)

    @pytest.mark.parametrize(
        ("period", "on", "named"),
        [
            (Period.ONCE, date(2026, 3, 10), "total"),
            (Period.DAILY, date(2026, 3, 10), "2026-03-10"),
            (Period.WEEKLY, date(2026, 3, 15), "2026-W11"),
            (Period.WEEKLY, date(2026, 3, 16), "2026-W12"),
            (Period.WEEKLY, date(2025, 12, 29), "2026-W01"),
        ],
    )
    def test_belongs_to_the_period_of_its_business_date(self, period: Period, on: date, named: str) -> None:
        assert period_of(period, on) == named
