"""Reports of WeChat on messages: early, late and repeated ones."""

from datetime import datetime, timedelta

import pytest

from loyalty.notices import queries, service
from loyalty.notices.rules import DeliveryNotYetKnown
from tests.factories.notices import (
    make_grants,
)
from tests.notices.conftest import Stage
from tests.support.settings import OA_APPID


def report(stage: Stage, number: str, at: datetime, *, is_delivered: bool, waited: timedelta = timedelta()) -> None:
    service.note_report(
        stage.session, appid=OA_APPID, openid=stage.official.openid, provider_message_id=number,
        is_delivered=is_delivered, detail="failed:user block", reported_at=at - waited, at=at,
    )  # fmt: skip


def test_a_report_closes_a_message(stage: Stage, at: datetime) -> None:
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    report(stage, "1", at, is_delivered=True)
    report(stage, "1", at, is_delivered=False)

    assert stage.states(notice_id) == [("template", "delivered")]


def test_a_report_of_failure_sends_the_notice_the_next_way(stage: Stage, at: datetime) -> None:
    make_grants(stage.session, stage.mini, count=1, at=at)
    notice_id = stage.notice(at)
    stage.send(notice_id, at)

    report(stage, "1", at, is_delivered=False)
    stage.send(notice_id, at)

    assert stage.states(notice_id) == [("template", "failed"), ("subscription", "sent")]


def test_a_report_before_the_answer_waits_and_one_of_a_stranger_is_dropped(stage: Stage, at: datetime) -> None:
    with pytest.raises(DeliveryNotYetKnown):
        report(stage, "77", at, is_delivered=True)

    report(stage, "77", at, is_delivered=True, waited=timedelta(minutes=11))

    assert queries.count_notices(stage.session).sending == 0
