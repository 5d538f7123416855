"""The form of campaigns: what it shows reads back as the same terms, rows come and go, mistakes are told in place."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from loyalty.campaigns.rules.errors import InvalidCampaign
from loyalty.campaigns.rules.templates import TEMPLATES
from loyalty.campaigns.rules.terms import (
    At,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Caps,
    GiveCoupon,
    GivePoints,
    Now,
    OnEvent,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Terms,
    Trigger,
    Visit,
)
from loyalty.kernel.documents import Problem
from loyalty.segments.rules.conditions import EVERYBODY, All, Condition
from loyalty.segments.rules.errors import SegmentNotFound
from loyalty.segments.rules.fact_types import Frequency, Tags
from portal.console.campaign_form import edited_actions, form_of, terms_of, told_at_fields
from portal.console.form_fields import Form
from portal.console.forms import InvalidField

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 12, 4, 0, tzinfo=UTC)
TAGGED = All((Tags(frozenset({3})), Frequency(within_days=30, least=1)))
FULL = Terms(
    title="三月会员日",
    audience=TAGGED,
    trigger=Now(),
    actions=(
        GivePoints(20, 7),
        GiveCoupon(5),
        PutTag(9),
        SendMessage("会员日", "今天有礼\n退订请到消息设置", ("customer", "subscription", "inbox"), "/h5/coupons"),
    ),
    rules_text="每人一次\n有效 7 天",
    caps=Caps(points=1_000, coupons=50, fen=99_50, members=40),
    holdout_percent=10,
    ends_at=datetime(2026, 4, 1, 16, 0, tzinfo=UTC),
)
TRIGGERS = [
    Now(),
    At(NOON),
    Recurring(Repetition.DAILY, time(9, 5)),
    Recurring(Repetition.WEEKLY, time(10), frozenset({2, 7})),
    Recurring(Repetition.MONTHLY, time(0), frozenset({1, 31})),
    OnEvent(CampaignEvent.PURCHASED),
    OnEvent(CampaignEvent.CHECKED_IN, 90),
    OnEvent(CampaignEvent.CHECKED_IN, 120),
    OnEvent(CampaignEvent.FOLLOWED, 2 * 24 * 60),
    Birthday(3, time(8, 30)),
    Sleeping(90),
    BeforeExpiry(7, 100, time(20)),
    Visit(),
]


def read(form: Form, segments: dict[int, Condition] | None = None) -> Terms:
    def condition_of(segment_id: int) -> Condition:
        if segment_id not in (segments or {}):
            raise SegmentNotFound
        return (segments or {})[segment_id]

    return terms_of(form, ZONE, condition_of)


def wrong(form: Form) -> dict[str, str]:
    with pytest.raises(InvalidCampaign) as refused:
        read(form)
    return {one.field: one.reason for one in refused.value.problems}


class TestShowingAndReading:
    @pytest.mark.parametrize("trigger", TRIGGERS, ids=str)
    def test_returns_the_same_terms(self, trigger: Trigger) -> None:
        stores = frozenset({2, 11}) if isinstance(trigger, Visit) else frozenset()
        terms = replace(FULL, trigger=trigger, store_ids=stores)

        assert read(form_of(terms, ZONE)) == terms

    def test_leaves_out_the_stores_of_entrances_that_a_campaign_does_not_have(self) -> None:
        form = form_of(replace(FULL, trigger=Visit(), store_ids=frozenset({2})), ZONE)

        assert read(form).store_ids == {2}
        assert read(form | {"trigger": ["now"]}).store_ids == frozenset()

    @pytest.mark.parametrize("name", TEMPLATES)
    def test_returns_what_a_template_begins_with(self, name: str) -> None:
        terms = TEMPLATES[name].start()
        audience = terms.audience if isinstance(terms.audience, All) else All((terms.audience,))

        assert read(form_of(terms, ZONE)) == replace(terms, audience=audience)

    def test_copies_the_condition_of_a_segment_and_names_it(self) -> None:
        form = form_of(FULL, ZONE) | {"source": ["segment"], "segment_id": ["4"]}

        terms = read(form, {4: EVERYBODY})

        assert (terms.segment_id, terms.audience) == (4, EVERYBODY)
        assert form_of(terms, ZONE)["source"] == ["segment"]


class TestWhatIsWrong:
    def test_is_told_by_field_all_at_once(self) -> None:
        bad = {
            "source": ["segment"],
            "segment_id": ["77"],
            "trigger": ["at"],
            "at.starts_at": [""],
            "actions[0].points": ["many"],
            "caps.fen": ["1.234"],
            "holdout_percent": ["-1"],
            "ends_at": ["tomorrow"],
        }

        assert wrong(form_of(FULL, ZONE) | bad) == {
            "segment_id": "分群：没有找到该分群",
            "at.starts_at": "执行时间不能为空",
            "actions[0].points": "积分须为整数",
            "caps.fen": "费用上限须为金额，如 20 或 9.90",
            "holdout_percent": "对照组比例须为整数",
            "ends_at": "结束时间须为日期和时间，如 2026-03-10 08:00",
        }

    def test_of_the_condition_is_told_at_its_row(self) -> None:
        form = form_of(FULL, ZONE) | {"c-2.within_days": ["x"]}

        assert list(wrong(form)) == ["c-2.within_days"]
        assert read(form | {"source": ["segment"], "segment_id": ["4"]}, {4: EVERYBODY}).segment_id == 4

    @pytest.mark.parametrize(
        ("trigger", "place", "field"),
        [
            (Recurring(Repetition.WEEKLY, time(9)), "trigger.days", "recurring.weekdays"),
            (Recurring(Repetition.MONTHLY, time(9)), "trigger.days", "recurring.monthdays"),
            (Sleeping(0), "trigger.days", "sleeping.days"),
            (OnEvent(CampaignEvent.PURCHASED), "trigger.delay_minutes", "event.delay"),
            (Now(), "trigger", "trigger"),
            (Now(), "actions[1].template_id", "actions[1].template_id"),
        ],
    )
    def test_in_the_eyes_of_the_domain_is_told_at_the_field_of_the_form(
        self, trigger: Trigger, place: str, field: str
    ) -> None:
        (told,) = told_at_fields([Problem(place, "不正确")], replace(FULL, trigger=trigger))

        assert told == Problem(field, "不正确")

    @pytest.mark.parametrize("text", ["25:00", "9点", "09:30+08:00", "09:30:15"])
    def test_is_a_time_of_day_that_is_none(self, text: str) -> None:
        form = form_of(replace(FULL, trigger=Birthday()), ZONE) | {"birthday.at": [text]}

        assert wrong(form) == {"birthday.at": "执行时刻须为时刻，如 09:30"}

    @pytest.mark.parametrize("field", ["trigger", "source", "actions[0].kind", "actions[3].channels"])
    def test_is_what_no_list_offers(self, field: str) -> None:
        assert wrong(form_of(FULL, ZONE) | {field: ["template"]})[field].endswith("请从列表中选择")


class TestRowsOfActions:
    def test_are_added_at_the_end_and_what_was_typed_stays(self) -> None:
        form = form_of(FULL, ZONE) | {"new_action": ["points"], "actions[0].points": ["typed"]}

        change = edited_actions(form, "action-add")

        assert change is not None
        assert change.focus == "actions[4]"
        assert change.form["actions[4].kind"] == ["points"]
        assert change.form["actions[0].points"] == ["typed"]

    def test_close_up_when_one_is_taken_away(self) -> None:
        change = edited_actions(form_of(FULL, ZONE), "action-remove:0")

        assert change is not None
        assert read(change.form).actions == FULL.actions[1:]

    def test_stay_as_they_are_when_nothing_was_chosen(self) -> None:
        change = edited_actions(form_of(FULL, ZONE), "action-add")

        assert change is not None
        assert read(change.form) == FULL

    @pytest.mark.parametrize("edit", ["action-remove:9", "action-remove:x", "action-add"])
    def test_that_no_page_offers_are_refused(self, edit: str) -> None:
        with pytest.raises(InvalidField):
            edited_actions(form_of(FULL, ZONE) | {"new_action": ["money"]}, edit)

    def test_leave_changes_to_the_condition_to_others(self) -> None:
        assert edited_actions(form_of(FULL, ZONE), "add:c") is None
