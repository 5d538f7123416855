"""What makes no sense is refused on save, everything at once and in Chinese."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty.campaigns.rules.checking import check_follows, check_terms
from loyalty.campaigns.rules.errors import InvalidCampaign
from loyalty.campaigns.rules.templates import TEMPLATES, with_coupon
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
    Visit,
)
from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from tests.factories.campaigns import SHANGHAI, campaign_of

AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
MESSAGE = SendMessage("周年庆", "全场第二杯半价。", ("subscription",))


def places(**changes: Any) -> list[str]:
    try:
        check_terms(campaign_of(**changes), zone=SHANGHAI)
    except InvalidCampaign as refused:
        return [problem.field for problem in refused.problems if problem.reason]
    return []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_ready_campaign_can_be_saved_as_it_stands_and_with_a_coupon(name: str) -> None:
    terms = TEMPLATES[name].start()

    check_terms(terms, zone=SHANGHAI)
    check_terms(with_coupon(terms, 5), zone=SHANGHAI)


@pytest.mark.parametrize("action", [GivePoints(10), GiveCoupon(1)])
def test_following_is_never_paid_for(action: GivePoints | GiveCoupon) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        places(trigger=OnEvent(CampaignEvent.FOLLOWED), actions=(MESSAGE, action))


def test_a_new_follower_may_be_greeted_and_tagged() -> None:
    assert places(trigger=OnEvent(CampaignEvent.FOLLOWED), actions=(MESSAGE, PutTag(3))) == []


@pytest.mark.parametrize("field", ["title", "rules_text"])
def test_texts_that_lure_are_refused_on_save(field: str) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        places(**{field: "转发朋友圈领积分"})


def test_a_text_that_tells_how_messages_come_is_no_lure() -> None:
    assert places(rules_text="奖励通过订阅消息发送通知，30 天内有效。") == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"title": ""}, "title"),
        ({"title": "字" * 31}, "title"),
        ({"rules_text": "字" * 3_001}, "rules_text"),
        ({"rules_text": "\0"}, "rules_text"),
        ({"actions": ()}, "actions"),
        ({"actions": (GivePoints(0),)}, "actions[0].points"),
        ({"actions": (GivePoints(-5),)}, "actions[0].points"),
        ({"actions": (GivePoints(5, 0),)}, "actions[0].valid_days"),
        ({"actions": (GivePoints(5), GivePoints(5))}, "actions"),
        ({"actions": (MESSAGE, MESSAGE)}, "actions"),
        ({"actions": (PutTag(1), PutTag(1))}, "actions"),
        ({"actions": (GiveCoupon(2**63),)}, "actions[0].template_id"),
        ({"actions": (replace(MESSAGE, channels=("template",)),)}, "actions[0].channels"),
        ({"actions": (replace(MESSAGE, body=""),)}, "actions[0].body"),
        ({"actions": (replace(MESSAGE, page="https://elsewhere.example"),)}, "actions[0].page"),
        ({"actions": (replace(MESSAGE, page="/h5/../admin"),)}, "actions[0].page"),
        ({"trigger": Recurring(Repetition.DAILY, time(9), frozenset({1}))}, "trigger.days"),
        ({"trigger": Recurring(Repetition.WEEKLY, time(9))}, "trigger.days"),
        ({"trigger": Recurring(Repetition.WEEKLY, time(9), frozenset({8}))}, "trigger.days"),
        ({"trigger": Recurring(Repetition.MONTHLY, time(9), frozenset({0}))}, "trigger.days"),
        ({"trigger": OnEvent(CampaignEvent.PURCHASED, -1)}, "trigger.delay_minutes"),
        ({"trigger": Birthday(61)}, "trigger.days_before"),
        ({"trigger": Sleeping(0)}, "trigger.days"),
        ({"trigger": BeforeExpiry(0)}, "trigger.days"),
        ({"trigger": BeforeExpiry(7, 0)}, "trigger.points_least"),
        ({"starts_at": AT, "ends_at": AT, "trigger": Visit()}, "ends_at"),
        ({"starts_at": AT}, "starts_at"),
        ({"trigger": At(AT), "ends_at": AT}, "ends_at"),
        ({"caps": Caps(points=0)}, "caps.points"),
        ({"caps": Caps(points=9)}, "caps.points"),
        ({"caps": Caps(coupons=5)}, "caps.coupons"),
        ({"caps": Caps(members=0)}, "caps.members"),
        ({"caps": Caps(times_a_member=0)}, "caps.times_a_member"),
        ({"caps": Caps(times_a_member=2)}, "caps.times_a_member"),
        ({"holdout_percent": 51}, "holdout_percent"),
        ({"holdout_percent": -1}, "holdout_percent"),
        ({"store_ids": frozenset({0})}, "store_ids"),
        ({"segment_id": 0}, "segment_id"),
    ],
)
def test_what_makes_no_sense_is_named_by_its_place(changes: dict[str, Any], place: str) -> None:
    assert places(**changes) == [place]


def test_everything_wrong_is_named_at_once() -> None:
    assert places(title="", actions=(), holdout_percent=60) == ["title", "actions", "holdout_percent"]


@pytest.mark.parametrize(
    ("trigger", "days", "is_refused"),
    [
        (Recurring(Repetition.MONTHLY, time(9), frozenset({31})), 20, True),
        (Recurring(Repetition.MONTHLY, time(9), frozenset({31})), 22, False),
        (Recurring(Repetition.WEEKLY, time(9), frozenset({1})), 3, True),
        (OnEvent(CampaignEvent.PURCHASED, 3 * 24 * 60), 3, True),
        (OnEvent(CampaignEvent.PURCHASED, 3 * 24 * 60 - 1), 3, False),
    ],
)
def test_a_campaign_that_would_never_do_anything_is_refused(trigger: Any, days: int, is_refused: bool) -> None:
    found = places(trigger=trigger, starts_at=AT, ends_at=AT + timedelta(days=days), caps=Caps(times_a_member=3))

    assert bool(found) is is_refused


class TestWhatFollows:
    """A revision of a campaign in force."""

    def refused(self, changes: dict[str, Any], published: dict[str, Any], *, has_started: bool) -> bool:
        terms = campaign_of(**(published | changes))
        try:
            check_follows(terms, campaign_of(**published), has_started=has_started)
        except InvalidCampaign:
            return True
        return False

    @pytest.mark.parametrize(
        ("old", "new", "is_refused"),
        [
            (Sleeping(30), Sleeping(60), False),
            (Sleeping(30), Birthday(), True),
            (Now(), At(AT), True),
            (OnEvent(CampaignEvent.PURCHASED), OnEvent(CampaignEvent.PURCHASED, 30), False),
            (OnEvent(CampaignEvent.PURCHASED), OnEvent(CampaignEvent.ENROLLED), True),
        ],
    )
    def test_keeps_the_kind_of_trigger(self, old: Any, new: Any, is_refused: bool) -> None:
        assert self.refused({"trigger": new}, {"trigger": old}, has_started=False) is is_refused

    @pytest.mark.parametrize("has_started", [True, False])
    def test_may_change_its_instant_and_holdout_only_before_it_has_started(self, has_started: bool) -> None:
        later = {"trigger": At(AT + timedelta(days=1))}

        assert self.refused(later, {"trigger": At(AT)}, has_started=has_started) is has_started
        assert self.refused({"holdout_percent": 5}, {}, has_started=has_started) is has_started


def test_the_zone_decides_on_which_day_a_campaign_begins_again() -> None:
    window: dict[str, Any] = {
        "starts_at": datetime(2026, 3, 9, 15, tzinfo=UTC),
        "ends_at": datetime(2026, 3, 9, 17, tzinfo=UTC),
    }
    terms = campaign_of(trigger=Recurring(Repetition.WEEKLY, time(0, 30), frozenset({2})), **window)

    check_terms(terms, zone=SHANGHAI)
    with pytest.raises(InvalidCampaign):
        check_terms(terms, zone=ZoneInfo("UTC"))
