"""Messages whose worker died or whose answer was lost."""

from datetime import datetime, timedelta

import pytest

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.kernel.transaction import run
from loyalty.notices import queries
from loyalty.notices.rules import POLICY
from loyalty.notices.service.claiming import claim_next
from tests.factories.notices import SHANGHAI, make_grants
from tests.notices.conftest import NOT_FOLLOWING, Stage

NO_ANSWER = SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER)


def claim(stage: Stage, notice_id: int, at: datetime) -> None:
    """What a worker does before it is killed."""
    claimed = run(stage.database, lambda s: claim_next(s, notice_id=notice_id, zone=SHANGHAI, at=at))
    assert claimed is not None


def test_a_template_message_whose_worker_died_is_sent_once_more_under_the_same_key(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.append(NO_ANSWER)
    notice_id = stage.notice(at)
    stage.send(notice_id, at)
    assert stage.states(notice_id) == [("template", "sending")]
    stage.send(notice_id, at)
    assert len(stage.official_account.sent) == 1

    assert stage.resolve(at + timedelta(minutes=1)) == 0
    assert stage.resolve(at + timedelta(minutes=3)) == 1

    assert len({message.client_msg_id for message in stage.official_account.sent}) == 1
    assert len(stage.official_account.sent) == 2
    assert stage.states(notice_id) == [("template", "sent")]
    assert stage.state(notice_id)[0] == "finished"


def test_a_second_silence_makes_a_template_message_unknown(stage: Stage, at: datetime) -> None:
    stage.official_account.outcomes.extend([NO_ANSWER, NO_ANSWER])
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    stage.resolve(at + timedelta(minutes=3))
    stage.resolve(at + timedelta(minutes=6))
    stage.resolve(at + timedelta(minutes=9))

    assert len(stage.official_account.sent) == 2
    assert stage.states(notice_id) == [("template", "unknown")]


def test_a_template_message_is_not_resent_when_its_key_may_be_forgotten(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)
    claim(stage, notice_id, at)

    stage.resolve(at + POLICY.resend_within)

    assert stage.official_account.sent == []
    assert stage.states(notice_id) == [("template", "unknown")]


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_subscription_message_without_an_answer_is_unknown_counted_and_never_resent(
    stage: Stage, at: datetime, is_killed: bool
) -> None:
    stage.official.is_following = False
    make_grants(stage.session, stage.mini, count=2, at=at)
    stage.mini_program.outcomes.append(NO_ANSWER)
    notice_id = stage.notice(at)
    if is_killed:
        claim(stage, notice_id, at)
    else:
        stage.send(notice_id, at)

    for minutes in (3, 6, 9):
        stage.resolve(at + timedelta(minutes=minutes))
        stage.send(notice_id, at + timedelta(minutes=minutes))

    assert len(stage.mini_program.sent) == (0 if is_killed else 1)
    assert stage.states(notice_id) == [("subscription", "unknown")]
    assert queries.count_notices(stage.session).unknown == 1
    assert stage.grants() == 1
    assert queries.count_unread(stage.session, member_id=stage.member_id) == 1


def test_a_resend_that_is_refused_lets_the_notice_go_on(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    notice_id = stage.notice(at)
    claim(stage, notice_id, at)
    stage.official_account.outcomes.append(NOT_FOLLOWING)

    stage.resolve(at + timedelta(minutes=3))

    assert stage.requested(notice_id) == 2
    stage.send(notice_id, at + timedelta(minutes=3))
    assert stage.states(notice_id) == [("template", "refused"), ("subscription", "sent")]
