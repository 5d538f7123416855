"""Every night WeChat is asked for the templates of each account; what no longer fits raises an alarm."""

from datetime import date, datetime

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from jobs.library import sync_template_libraries
from jobs.periodic import Alarm, PeriodicRun
from loyalty.channels import library
from loyalty.gateways.answers import AccountTemplate
from loyalty.gateways.errors import WechatUnavailable
from loyalty.kernel.timetable import Slot
from loyalty.notices.mappings import count_broken
from tests.factories.notices import MP_TEMPLATE, OA_TEMPLATE, make_templates
from tests.support.containers import NullContainer

OA = [AccountTemplate(OA_TEMPLATE, "积分变动", "{{thing1.DATA}}{{number2.DATA}}")]


def sync(container: NullContainer) -> dict[str, object]:
    slot = Slot("2026-03-10", date(2026, 3, 10))
    return sync_template_libraries(PeriodicRun(container, job="sync_template_libraries", slot=slot))


def test_every_account_is_asked_and_nothing_is_wrong(jobs_container: NullContainer, session: Session) -> None:
    jobs_container.oa.templates = OA

    assert sync(jobs_container) == {"templates": 1, "accounts_failed": 0, "broken": 0}
    assert set(library.last_syncs(session)) == {jobs_container.oa.appid, jobs_container.mp.appid}


def test_one_account_that_cannot_be_asked_leaves_the_others(jobs_container: NullContainer, session: Session) -> None:
    jobs_container.oa.templates = WechatUnavailable()
    jobs_container.mp.templates = [AccountTemplate(MP_TEMPLATE, "积分变动", "{{thing1.DATA}}")]

    with pytest.raises(Alarm) as caught:
        sync(jobs_container)

    assert caught.value.result == {"templates": 1, "accounts_failed": 1, "broken": 0}
    assert [one.template_id for one in library.list_library(session)] == [MP_TEMPLATE]


def test_a_template_deleted_at_wechat_is_an_alarm_and_a_metric(
    jobs_container: NullContainer, app: Flask, session: Session, at: datetime
) -> None:
    make_templates(session, at=at)
    session.commit()

    with pytest.raises(Alarm) as caught:
        sync(jobs_container)

    broken = count_broken(session)
    assert caught.value.result["broken"] == broken > 0
    assert f"portal_message_templates_broken {broken}.0" in app.test_client().get("/metrics").text
