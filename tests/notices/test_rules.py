"""When a notice may go out, and what it says."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty.notices import rules
from loyalty.notices.rules import (
    KINDS,
    Channel,
    InvalidChannels,
    InvalidNoticeFacts,
    InvalidQuietHours,
    NoticeKind,
    QuietHours,
)
from tests.factories.notices import points_facts

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = QuietHours()


def shanghai(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("at", "held_until"),
    [
        (shanghai(8), None),
        (shanghai(21, 59), None),
        (shanghai(22), shanghai(8, day=11)),
        (shanghai(23, 59), shanghai(8, day=11)),
        (shanghai(0), shanghai(8)),
        (shanghai(7, 59), shanghai(8)),
    ],
)
def test_quiet_hours_hold_a_notice_until_the_morning(at: datetime, held_until: datetime | None) -> None:
    assert rules.held_until(acted_at=None, sent_today=0, quiet=NIGHT, zone=SHANGHAI, at=at) == held_until


@pytest.mark.parametrize(
    ("at", "over_at"),
    [
        (shanghai(20, 29), None),
        (shanghai(20, 30), shanghai(10, day=11)),
        (shanghai(9, 59), shanghai(10)),
        (shanghai(10), None),
    ],
)
def test_quiet_hours_are_as_headquarters_sets_them(at: datetime, over_at: datetime | None) -> None:
    assert QuietHours(time(20, 30), time(10)).over_at(at, SHANGHAI) == over_at


@pytest.mark.parametrize(
    ("begins", "ends"), [("19:59", "08:00"), ("22:00", "05:59"), ("22:00", "12:01"), ("00:00", "08:00")]
)
def test_quiet_hours_that_leave_no_night_or_no_day_are_refused(begins: str, ends: str) -> None:
    with pytest.raises(InvalidQuietHours):
        rules.check_quiet_hours(QuietHours(time.fromisoformat(begins), time.fromisoformat(ends)))


def test_the_sixth_message_of_a_day_waits_until_the_next_morning() -> None:
    at = shanghai(15)

    assert rules.held_until(acted_at=None, sent_today=4, quiet=NIGHT, zone=SHANGHAI, at=at) is None
    assert rules.held_until(acted_at=None, sent_today=5, quiet=NIGHT, zone=SHANGHAI, at=at) == shanghai(8, day=11)


@pytest.mark.parametrize(("minutes_ago", "is_held"), [(0, False), (5, False), (6, True), (-1, True)])
def test_the_answer_to_an_own_act_of_the_last_five_minutes_is_not_held(minutes_ago: int, is_held: bool) -> None:
    at = shanghai(23)

    acted_at = at - timedelta(minutes=minutes_ago)
    held = rules.held_until(acted_at=acted_at, sent_today=9, quiet=NIGHT, zone=SHANGHAI, at=at)

    assert (held is not None) is is_held


def test_every_kind_has_a_text_that_its_own_facts_fill() -> None:
    samples = {
        rules.FactType.TEXT: "甲",
        rules.FactType.POINTS: 7,
        rules.FactType.INSTANT: "2026-03-10T02:00:00Z",
        rules.FactType.DAY: "2026-03-10",
        rules.FactType.MONEY: 20_005,
    }
    for kind, definition in KINDS.items():
        facts = {name: samples[fact_type] for name, fact_type in definition.facts.items()}

        title, body = rules.inbox_text(kind, facts, zone=SHANGHAI)

        assert title
        assert "{" not in body
        assert definition.defaults.channels[-1] is Channel.INBOX


def test_an_inbox_text_shows_the_sign_of_points_and_the_time_of_the_programme() -> None:
    gained = rules.inbox_text(NoticeKind.POINTS_CHANGED, points_facts(), zone=SHANGHAI)
    lost = rules.inbox_text(NoticeKind.POINTS_CHANGED, points_facts(points=-3), zone=SHANGHAI)

    assert gained == ("积分变动提醒", "消费获得10积分，积分变动 +10，当前余额 110 积分。")
    assert "积分变动 -3，" in lost[1]
    shown = rules.display(NoticeKind.POINTS_CHANGED, points_facts(), zone=SHANGHAI)
    assert shown["occurred_at"] == "2026年3月10日 10:00"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        points_facts(extra=1),
        points_facts(points="ten"),
        points_facts(occurred_at="yesterday"),
        points_facts(occurred_at=datetime(2026, 3, 10, tzinfo=UTC)),
    ],
)
def test_facts_that_a_kind_does_not_declare_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises(InvalidNoticeFacts):
        rules.checked_facts(NoticeKind.POINTS_CHANGED, facts)


@pytest.mark.parametrize("names", [[], ["template"], ["inbox", "template"], ["template", "template", "inbox"], ["fax"]])
def test_a_channel_order_without_the_inbox_at_its_end_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidChannels):
        rules.checked_channels(names)
