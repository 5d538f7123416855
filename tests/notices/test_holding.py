"""Holding back: the night, the daily cap, and news that grew old."""

from datetime import datetime, time, timedelta

from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from loyalty.notices import service
from loyalty.notices.rules import POLICY, QuietHours
from loyalty.notices.service.quiet_hours import save_quiet_hours
from tests.notices.conftest import Stage


def test_a_notice_of_the_night_goes_out_in_the_morning(stage: Stage, at: datetime) -> None:
    night, morning = at.replace(hour=15), at.replace(hour=0) + timedelta(days=1)
    notice_id = stage.notice(night)

    stage.send(notice_id, night)
    assert stage.official_account.sent == []
    assert stage.state(notice_id) == ("queued", morning)
    assert run(stage.database, lambda session: service.release_held(session, at=morning - timedelta(seconds=1))) == 0

    assert run(stage.database, lambda session: service.release_held(session, at=morning)) == 1
    assert stage.requested(notice_id) == 2
    stage.send(notice_id, morning)
    assert stage.states(notice_id) == [("template", "sent")]


def test_hours_that_headquarters_sets_hold_from_the_next_message_on(stage: Stage, at: datetime) -> None:
    evening, morning = at.replace(hour=12, minute=45), at.replace(hour=2) + timedelta(days=1)
    earlier, later = stage.notice(evening), stage.notice(evening)
    stage.send(earlier, evening)

    hours = QuietHours(time(20, 30), time(10))
    run(stage.database, lambda session: save_quiet_hours(session, hours=hours, actor=Actor("staff:1"), at=evening))
    stage.send(later, evening)

    assert stage.states(earlier) == [("template", "sent")]
    assert stage.state(later) == ("queued", morning)


def test_the_answer_to_an_own_act_goes_out_at_night(stage: Stage, at: datetime) -> None:
    night = at.replace(hour=15)
    notice_id = stage.notice(night, acted_at=night - timedelta(minutes=4))

    stage.send(notice_id, night)

    assert stage.states(notice_id) == [("template", "sent")]


def test_the_sixth_message_of_a_day_is_held(stage: Stage, at: datetime) -> None:
    notices = [stage.notice(at) for _ in range(6)]

    for notice_id in notices:
        stage.send(notice_id, at)

    assert len(stage.official_account.sent) == 5
    assert stage.state(notices[-1]) == ("queued", at.replace(hour=0) + timedelta(days=1))


def test_news_that_was_held_for_days_is_left_to_the_inbox(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)

    stage.send(notice_id, at + POLICY.held_at_most + timedelta(minutes=1))

    assert stage.official_account.sent == []
    assert stage.state(notice_id)[0] == "finished"
