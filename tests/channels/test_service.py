from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import queries, service
from loyalty.channels.models import StoredPush
from loyalty.channels.queries import PushGone
from loyalty.channels.rules import MappingRefused
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.channels.service.scenes import SceneLabelInvalid, SceneLifeInvalid, SceneOver
from loyalty.channels.service.templates import TemplateNotFound, TemplateSettings
from loyalty.gateways.answers import MiniProgramPage
from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.null import NullOfficialAccount
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database, Json

APPID = "wx5a0db7a000000001"
ACTOR = Actor("staff:1", ip="10.0.0.1", request_id="r")
FACTS = {"points": "points", "reason": "text"}


def save_template(session: Session, at: datetime, **changes: Any) -> int:
    settings = {"template_id": "T1", "title": "积分变动", "mapping": {"thing1": "{reason}"}, **changes}
    return service.save_template(
        session,
        appid=APPID,
        notice_kind="points_changed",
        channel=TemplateChannel.TEMPLATE,
        settings=TemplateSettings(**settings),
        facts=FACTS,
        actor=ACTOR,
        at=at,
    )


def filled(session: Session, **facts: str) -> queries.FilledTemplate | None:
    given = {"reason": "每日签到", "points": "10", **facts}
    return queries.fill_template(session, appid=APPID, kind="points_changed", channel="template", facts=given)


class TestTemplates:
    def test_a_notice_is_filled_into_its_template(self, session: Session, at: datetime) -> None:
        save_template(session, at, url="https://example.cn/h5/points")

        message = filled(session)

        assert message is not None
        assert (message.template_id, message.data, message.url) == (
            "T1",
            {"thing1": "每日签到"},
            "https://example.cn/h5/points",
        )

    def test_it_may_open_a_page_of_a_mini_program(self, session: Session, at: datetime) -> None:
        save_template(session, at, mini_program_appid="wxmp", page="pages/card/index")

        message = filled(session)

        assert message is not None
        assert message.mini_program == MiniProgramPage("wxmp", "pages/card/index")

    def test_a_fact_that_does_not_fit_closes_the_channel(self, session: Session, at: datetime) -> None:
        save_template(session, at)

        assert filled(session, reason="🎉") is None

    def test_no_template_or_one_switched_off_closes_the_channel(self, session: Session, at: datetime) -> None:
        assert filled(session) is None
        save_template(session, at, is_enabled=False)
        assert filled(session) is None

    def test_saving_again_replaces_and_deleting_ends_it(self, session: Session, at: datetime) -> None:
        first = save_template(session, at)
        second = save_template(session, at, template_id="T2")

        assert first == second
        assert [template.template_id for template in queries.list_templates(session, appid=APPID)] == ["T2"]
        service.delete_template(session, template_setting_id=first, actor=ACTOR, at=at)
        assert queries.list_templates(session) == []
        with pytest.raises(TemplateNotFound):
            service.delete_template(session, template_setting_id=first, actor=ACTOR, at=at)

    def test_a_mapping_that_cannot_work_is_not_saved(self, session: Session, at: datetime) -> None:
        with pytest.raises(MappingRefused):
            save_template(session, at, mapping={"number1": "{reason}好"})

        assert queries.list_templates(session) == []

    def test_subscription_templates_are_those_of_the_mini_program(self, session: Session, at: datetime) -> None:
        save_template(session, at)
        service.save_template(
            session,
            appid=APPID,
            notice_kind="member_bound",
            channel=TemplateChannel.SUBSCRIPTION,
            settings=TemplateSettings(template_id="S1", title="入会成功", mapping={"thing1": "{reason}"}),
            facts=FACTS,
            actor=ACTOR,
            at=at,
        )

        assert queries.subscription_templates(session, appid=APPID) == [
            queries.SubscriptionTemplate("S1", "入会成功", "member_bound")
        ]

    def test_marketing_stands_last_since_a_prompt_takes_only_the_first_ones(
        self, session: Session, at: datetime
    ) -> None:
        for kind in ("campaign", "member_bound", "points_changed"):
            settings = TemplateSettings(template_id=f"of {kind}", title="消息", mapping={"thing1": "{reason}"})
            service.save_template(
                session, appid=APPID, notice_kind=kind, channel=TemplateChannel.SUBSCRIPTION, settings=settings,
                facts=FACTS, actor=ACTOR, at=at,
            )  # fmt: skip

        asked = [one.notice_kind for one in queries.subscription_templates(session, appid=APPID)]
        assert asked == ["member_bound", "points_changed", "campaign"]


class TestScenes:
    def test_a_code_leads_back_to_its_subject(self, session: Session, database: Database, at: datetime) -> None:
        scene = service.create_scene(
            database,
            NullOfficialAccount(appid=APPID),
            subject_kind="store",
            subject_id=7,
            label="一号店",
            life=timedelta(days=30),
            actor=ACTOR,
            at=at,
        )

        found = queries.find_scene(session, appid=APPID, key=scene.key)
        assert found == queries.SceneView(scene.id, "store", 7, "一号店")
        assert (scene.ticket, scene.expires_at) == (f"ticket-{scene.key}", at + timedelta(days=30))
        assert queries.find_scene(session, appid="wxother", key=scene.key) is None
        assert [row.id for row in queries.list_scenes(session, appid=APPID)] == [scene.id]

    @pytest.mark.parametrize("life", [timedelta(seconds=59), timedelta(days=30, seconds=1)])
    def test_a_life_wechat_does_not_know_is_refused(self, database: Database, at: datetime, life: timedelta) -> None:
        with pytest.raises(SceneLifeInvalid):
            service.create_scene(
                database,
                NullOfficialAccount(appid=APPID),
                subject_kind="store",
                subject_id=7,
                label="一号店",
                life=life,
                actor=ACTOR,
                at=at,
            )

    def test_a_code_that_wechat_did_not_make_is_made_on_the_second_try(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        account = NullOfficialAccount(appid=APPID, scene_error=WechatUnavailable())
        asked = {"subject_kind": "poster", "subject_id": 0, "label": "海报", "actor": ACTOR, "at": at}
        with pytest.raises(WechatUnavailable):
            service.create_scene(database, account, life=timedelta(days=1), **asked)
        (scene,) = queries.list_scenes(session, appid=APPID)
        assert (scene.ticket, scene.url) == (None, None)

        account.scene_error = None
        with pytest.raises(SceneOver):
            service.finish_scene(database, account, scene_id=scene.id, at=at + timedelta(days=1))
        made = service.finish_scene(database, account, scene_id=scene.id, at=at + timedelta(hours=1))

        assert account.asked_scenes == [(scene.key, 86400), (scene.key, 82800)]
        assert made.ticket == f"ticket-{scene.key}"
        assert service.finish_scene(database, account, scene_id=scene.id, at=at).ticket == made.ticket
        assert queries.count_permanent_scenes(session, appid=APPID) == 0

    def test_a_code_needs_a_name(self, database: Database, at: datetime) -> None:
        asked = {"subject_kind": "poster", "subject_id": 0, "life": None, "actor": ACTOR, "at": at}

        for label in ("", "字" * 61, "\0"):
            with pytest.raises(SceneLabelInvalid):
                service.create_scene(database, NullOfficialAccount(appid=APPID), label=label, **asked)


class TestPushes:
    def store(self, session: Session, vault: Vault, at: datetime, **changes: str) -> None:
        fields: Json = {"FromUserName": "o1", "CreateTime": "1", "MsgType": "text", "MsgId": "1", **changes}
        service.store_push(session, vault, appid=APPID, mode="safe", fields=fields, reply_text=None, at=at)

    def test_forgetting_a_person_deletes_theirs_and_nobody_elses(
        self, session: Session, vault: Vault, at: datetime
    ) -> None:
        self.store(session, vault, at)
        self.store(session, vault, at, MsgId="2")
        self.store(session, vault, at, MsgId="3", FromUserName="o2")

        assert service.forget_pushes(session, vault, appid=APPID, openid="o1") == 2
        assert service.forget_pushes(session, vault, appid="wxother", openid="o2") == 0
        assert session.query(StoredPush).count() == 1

    def test_old_pushes_are_purged(self, session: Session, vault: Vault, at: datetime) -> None:
        self.store(session, vault, at - timedelta(days=31))
        self.store(session, vault, at - timedelta(days=29), MsgId="2")

        assert service.purge_pushes(session, at=at) == 1
        assert session.query(StoredPush).count() == 1

    def test_a_push_that_is_gone_is_told(self, session: Session, vault: Vault) -> None:
        with pytest.raises(PushGone):
            queries.read_push(session, vault, 1)
