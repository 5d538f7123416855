"""Sending: ways in order, what each outcome leads to, further tries."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.members.service import set_notice_wanted
from loyalty.notices import queries
from loyalty.notices.rules import POLICY, SendAgainLater
from tests.factories.notices import (
    MP_TEMPLATE,
    OA_TEMPLATE,
    make_grants,
)
from tests.notices.conftest import NOT_FOLLOWING, Stage

BUSY = SendOutcome(SendState.FAILED_RETRY, SendReason.BUSY, errcode=-1)
NO_GRANT = SendOutcome(SendState.REFUSED, SendReason.NO_GRANT, errcode=43101)


def test_a_follower_gets_a_template_message(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    message = stage.official_account.sent[0]
    assert (message.openid, message.template_id) == (stage.official.openid, OA_TEMPLATE)
    assert message.data == {"thing1": "消费获得10积分", "character_string2": "10", "time3": "2026年3月10日 10:00"}
    assert message.client_msg_id is not None
    assert stage.states(notice_id) == [("template", "sent")]
    assert stage.state(notice_id)[0] == "finished"
    assert stage.mini_program.sent == []


def test_a_notice_that_is_sent_is_not_sent_again(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    stage.send(notice_id, at)

    assert len(stage.official_account.sent) == 1


def test_who_does_not_follow_gets_a_subscription_message_for_one_grant(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=2, at=at)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.mini_program.sent[0].template_id == MP_TEMPLATE
    assert stage.states(notice_id) == [("subscription", "sent")]
    assert stage.grants() == 1


def test_without_follow_and_grant_the_inbox_stands_alone(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    stage.session.flush()
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.states(notice_id) == []
    assert stage.state(notice_id)[0] == "finished"
    assert queries.count_unread(stage.session, member_id=stage.member_id) == 1


def test_a_refused_template_message_falls_back_and_the_follow_is_gone(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    stage.official_account.outcomes.append(NOT_FOLLOWING)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    stage.session.refresh(stage.official)
    assert stage.states(notice_id) == [("template", "refused"), ("subscription", "sent")]
    assert not stage.official.is_following


def test_43101_empties_the_grants_and_is_not_tried_again(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=3, at=at)
    stage.mini_program.outcomes.append(NO_GRANT)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)
    stage.send(notice_id, at)

    assert len(stage.mini_program.sent) == 1
    assert stage.grants() == 0
    assert stage.states(notice_id) == [("subscription", "refused")]


def test_a_message_that_was_surely_not_sent_gives_its_grant_back(stage: Stage, at: datetime) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=1, at=at)
    stage.mini_program.outcomes.append(SendOutcome(SendState.FAILED_FINAL, SendReason.VALUE_REFUSED, errcode=47003))
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.grants() == 1
    assert stage.states(notice_id) == [("subscription", "failed")]


def test_a_busy_platform_is_tried_again_five_times_under_one_key(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.extend([BUSY] * 9)
    notice_id = stage.notice(at)

    for _ in range(POLICY.attempts_max - 1):
        with pytest.raises(SendAgainLater):
            stage.send(notice_id, at)
    stage.send(notice_id, at)

    assert len(stage.official_account.sent) == POLICY.attempts_max
    assert len({message.client_msg_id for message in stage.official_account.sent}) == 1
    assert stage.states(notice_id) == [("template", "failed")]
    assert stage.state(notice_id)[0] == "finished"


def test_a_used_quota_moves_on_at_once(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    stage.official_account.outcomes.append(SendOutcome(SendState.FAILED_RETRY, SendReason.QUOTA_USED, errcode=45009))
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.states(notice_id) == [("template", "failed"), ("subscription", "sent")]


def test_a_retry_that_finds_the_follow_gone_takes_the_next_way(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.append(BUSY)
    notice_id = stage.notice(at)
    with pytest.raises(SendAgainLater):
        stage.send(notice_id, at)
    stage.official.is_following = False
    stage.session.flush()

    stage.send(notice_id, at)

    assert stage.states(notice_id) == [("template", "failed")]
    assert stage.state(notice_id)[0] == "finished"


def test_who_unsubscribed_from_a_kind_finds_it_in_the_inbox_only(stage: Stage, at: datetime) -> None:
    set_notice_wanted(stage.session, member_id=stage.member_id, kind="points_changed", is_wanted=False, at=at)
    notice_id = stage.notice(at)

    stage.send(notice_id, at)

    assert stage.official_account.sent == []
    assert queries.count_unread(stage.session, member_id=stage.member_id) == 1


def test_the_console_sees_a_notice_with_its_attempts(stage: Stage, at: datetime, zone: ZoneInfo) -> None:
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    view = queries.list_notices(stage.session, member_id=stage.member_id).items[0]

    assert (view.id, view.title) == (notice_id, "积分变动提醒")
    assert [(one.channel, one.state, one.attempts) for one in view.deliveries] == [("template", "sent", 1)]
