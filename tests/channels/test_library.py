"""The template library: what WeChat tells of an account's templates, and what no longer fits it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import library, service
from loyalty.channels.library import SyncView
from loyalty.channels.rules import MappingRefused
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.channels.service.library import Synced
from loyalty.channels.service.templates import TemplateSettings
from loyalty.gateways.answers import AccountTemplate
from loyalty.gateways.errors import WechatRequestRefused, WechatUnavailable
from loyalty.gateways.null import NullMiniProgram, NullOfficialAccount
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database

APPID = "wx5a0db7a000000001"
ACTOR = Actor("staff:1")
FACTS = {"points_changed": {"points": "points", "reason": "text"}}
MAPPING = {"thing1": "{reason}", "number2": "{points:unsigned}"}
POINTS = AccountTemplate("T1", "积分变动", "原因:{{thing1.DATA}}\n积分:{{number2.DATA}}")
OTHER = AccountTemplate("T2", "别的", "说明:{{thing1.DATA}}")
HOUR = timedelta(hours=1)


def save(session: Session, at: datetime, *, kind: str = "points_changed", is_enabled: bool = True) -> None:
    service.save_template(
        session,
        appid=APPID,
        notice_kind=kind,
        channel=TemplateChannel.TEMPLATE,
        settings=TemplateSettings(template_id="T1", title="积分变动", mapping=MAPPING, is_enabled=is_enabled),
        facts=FACTS["points_changed"],
        actor=ACTOR,
        at=at,
    )


def known(session: Session, *templates: AccountTemplate, at: datetime) -> Synced:
    return service.keep_library(session, appid=APPID, templates=templates, at=at)


def problems(session: Session) -> list[str]:
    (checked,) = library.check_settings(session, facts=FACTS)
    return list(checked.problems)


class TestSync:
    def test_learns_what_is_new_what_has_changed_and_what_is_gone(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        account = NullOfficialAccount(appid=APPID, templates=[POINTS, OTHER])
        assert service.sync_library(database, account, at=at) == Synced(2, 0)

        account.templates = [AccountTemplate("T1", "积分变动", "新:{{thing3.DATA}}")]
        assert service.sync_library(database, account, at=at + HOUR) == Synced(1, 1)

        seen = {one.template_id: (one.keys, one.gone_at) for one in library.list_library(session, appid=APPID)}
        assert seen == {"T1": (["thing3"], None), "T2": (["thing1"], at + HOUR)}

    def test_a_template_that_comes_back_is_there_again(self, session: Session, at: datetime) -> None:
        known(session, POINTS, at=at)
        known(session, at=at + HOUR)
        known(session, POINTS, at=at + 2 * HOUR)

        found = library.find_template(session, appid=APPID, template_id="T1")
        assert found is not None
        assert found.gone_at is None

    def test_an_answer_that_comes_late_changes_nothing(self, session: Session, at: datetime) -> None:
        known(session, POINTS, at=at)
        known(session, OTHER, at=at - HOUR)

        assert [(one.template_id, one.gone_at) for one in library.list_library(session)] == [("T1", None)]

    def test_another_account_keeps_its_own(self, session: Session, database: Database, at: datetime) -> None:
        known(session, POINTS, at=at)
        service.sync_library(database, NullMiniProgram(templates=[OTHER]), at=at)

        assert {(one.appid, one.gone_at) for one in library.list_library(session)} == {
            (APPID, None),
            (NullMiniProgram().appid, None),
        }

    def test_a_failure_is_told_beside_what_was_known(self, session: Session, database: Database, at: datetime) -> None:
        account = NullOfficialAccount(appid=APPID, templates=[POINTS])
        service.sync_library(database, account, at=at)
        account.templates = WechatRequestRefused(reason="账号被禁止使用订阅消息")

        with pytest.raises(WechatRequestRefused):
            service.sync_library(database, account, at=at + HOUR)

        assert library.last_syncs(session)[APPID] == SyncView(at, at + HOUR, "账号被禁止使用订阅消息")
        assert [one.gone_at for one in library.list_library(session)] == [None]
        account.templates = []
        service.sync_library(database, account, at=at + 2 * HOUR)
        assert library.last_syncs(session)[APPID] == SyncView(at + 2 * HOUR, None, None)

    def test_an_account_that_never_answered_has_nothing_to_check_against(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        account = NullOfficialAccount(appid=APPID, templates=WechatUnavailable())
        with pytest.raises(WechatUnavailable):
            service.sync_library(database, account, at=at)

        save(session, at)

        (checked,) = library.check_settings(session, facts=FACTS)
        assert (checked.is_checked, checked.problems, checked.is_broken) == (False, [], False)


class TestChecks:
    def test_what_fits_has_no_problem(self, session: Session, at: datetime) -> None:
        save(session, at)
        known(session, POINTS, at=at)

        assert problems(session) == []
        assert library.count_broken(session, facts=FACTS) == 0

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ("原因:{{thing1.DATA}}", "number2：模板中没有此字段"),
            (POINTS.content + "\n时间:{{time3.DATA}}", "time3：模板中有此字段，尚未设置"),
            ("原因:{{thing1.DATA}}\n积分:{{amount2.DATA}}", "number2：模板中此字段的类型已是 amount2"),
        ],
    )
    def test_a_template_that_was_changed_is_told_of(
        self, session: Session, at: datetime, content: str, problem: str
    ) -> None:
        save(session, at)
        known(session, AccountTemplate("T1", "积分变动", content), at=at)

        assert problems(session) == [problem]
        assert library.count_broken(session, facts=FACTS) == 1

    def test_a_deleted_or_unknown_template_is_told_of_and_stays_in_use(self, session: Session, at: datetime) -> None:
        save(session, at)
        known(session, OTHER, at=at)
        assert problems(session) == ["微信账号中没有这个模板"]
        known(session, POINTS, at=at + HOUR)
        known(session, OTHER, at=at + 2 * HOUR)

        (checked,) = library.check_settings(session, facts=FACTS)

        assert checked.problems == ["模板已在微信中删除"]
        assert (checked.setting.is_enabled, checked.is_broken) == (True, True)

    def test_a_notice_that_no_longer_exists_is_told_of(self, session: Session, at: datetime) -> None:
        save(session, at, kind="of_old")

        assert problems(session) == ["没有这种消息"]

    def test_what_is_switched_off_is_not_counted(self, session: Session, at: datetime) -> None:
        save(session, at, is_enabled=False)
        known(session, at=at)

        assert problems(session) == ["微信账号中没有这个模板"]
        assert library.count_broken(session, facts=FACTS) == 0

    def test_a_setting_that_does_not_fit_the_library_is_not_saved(self, session: Session, at: datetime) -> None:
        known(session, AccountTemplate("T1", "积分变动", "原因:{{thing1.DATA}}"), at=at)

        with pytest.raises(MappingRefused) as caught:
            save(session, at)

        assert caught.value.details["problems"] == ["number2：模板中没有此字段"]
