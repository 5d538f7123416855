import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.arrivals.models import SceneScan
from loyalty.channels import queries
from loyalty.channels.models import Scene
from loyalty.gateways.errors import WechatQuotaUsed
from loyalty.kernel import audit
from loyalty.referrals.rules.sharing import SCENE_KIND
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.members import make_identity
from tests.factories.scenes import make_scene
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID
from tests.support.statements import StatementCounter


def scanned(session: Session, scene: Scene, at: datetime, *, push_id: int = 1) -> None:
    person = make_identity(session)
    session.add(
        SceneScan(
            push_id=push_id, scene_id=scene.id, identity_id=person.id, is_follow=True, is_new_follower=True,
            scanned_at=at,
        )
    )  # fmt: skip
    session.commit()


@pytest.fixture
def of_store(session: Session, store: Store) -> Scene:
    scene = make_scene(session, store_id=store.id, label="收银台立牌")
    session.commit()
    return scene


class TestMaking:
    def test_a_code_of_a_store_is_made_shown_and_downloaded(
        self, admin: Browser, session: Session, store: Store, container: NullContainer
    ) -> None:
        session.commit()
        page = admin.submit("/console/scenes", appid=OA_APPID, store_id=store.id, label="", days="")

        (scene,) = queries.list_scenes(session, appid=OA_APPID)
        assert (scene.subject_kind, scene.subject_id, scene.label) == ("store", store.id, "西湖店")
        assert container.oa.asked_scenes == [(scene.key, None)]
        assert "<svg" in page
        picture = admin.get(f"/console/scenes/{scene.id}/qr.png")
        assert picture.data.startswith(b"\x89PNG")
        assert picture.headers["Content-Disposition"] == f'attachment; filename="scene-{scene.id}.png"'
        assert len(audit.list_entries(session, action="channels.scene_create")) == 1

    def test_a_poster_may_end(self, admin: Browser, session: Session, container: NullContainer) -> None:
        admin.submit("/console/scenes", appid=OA_APPID, store_id="", label="三月海报", days="30")

        (scene,) = queries.list_scenes(session, appid=OA_APPID)
        assert (scene.subject_kind, scene.label) == ("poster", "三月海报")
        assert container.oa.asked_scenes == [(scene.key, 30 * 86400)]

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"days": "31"}, "临时二维码的有效期应在 1 分钟至 30 天之间"),
            ({"days": "0"}, "临时二维码的有效期应在 1 分钟至 30 天之间"),
            ({"days": "999999999999"}, "临时二维码的有效期应在 1 分钟至 30 天之间"),
            ({"label": ""}, "请填写二维码名称"),
        ],
    )
    def test_what_cannot_be_made_is_told(
        self, admin: Browser, session: Session, fields: dict[str, str], told: str
    ) -> None:
        known = {"appid": OA_APPID, "store_id": "", "label": "海报", "days": "7"}

        answer = admin.post("/console/scenes", **{**known, **fields})

        assert (answer.status_code, told in answer.get_data(as_text=True)) == (422, True)
        assert queries.list_scenes(session, appid=OA_APPID) == []

    def test_a_code_is_of_a_store_and_of_one_of_our_accounts(
        self, admin: Browser, session: Session, store: Store
    ) -> None:
        session.commit()
        for fields in ({"appid": "wxother"}, {"store_id": store.parent_id}, {"store_id": 999_999}):
            known = {"appid": OA_APPID, "store_id": "", "label": "海报", "days": "7"}
            assert admin.post("/console/scenes", **{**known, **fields}).status_code == 404

    def test_what_wechat_refused_is_asked_for_again(
        self, admin: Browser, session: Session, container: NullContainer
    ) -> None:
        container.oa.scene_error = WechatQuotaUsed()
        assert admin.post("/console/scenes", appid=OA_APPID, store_id="", label="海报", days="").status_code == 422
        (scene,) = queries.list_scenes(session, appid=OA_APPID)
        assert "未生成" in admin.text("/console/scenes")
        assert admin.get(f"/console/scenes/{scene.id}/qr.png").status_code == 404

        container.oa.scene_error = None
        assert "二维码已生成" in admin.submit(f"/console/scenes/{scene.id}/finish")

        assert admin.get(f"/console/scenes/{scene.id}/qr.png").status_code == 200


class TestFigures:
    def test_stand_beside_the_code_in_the_report_and_in_the_chart(
        self, admin: Browser, session: Session, of_store: Scene, at: datetime
    ) -> None:
        scanned(session, of_store, at)

        (row,) = download(admin, "scenes.csv")
        assert (row["名称"], row["门店"], row["扫码"], row["新关注"], row["入会"]) == (
            "收银台立牌",
            "西湖店",
            "1",
            "1",
            "0",
        )
        assert download(admin, "scenes.csv?since=2026-03-01&until=2026-03-02")[0]["扫码"] == "0"
        assert [row["扫码"] for row in download(admin, "scene-report.csv") if row["日期"] == "2026-03-10"] == ["1"]
        assert download(admin, "scene-report/stores.csv") == [
            {"门店": "西湖店", "扫码": "1", "扫码人数": "1", "新关注": "1", "入会": "0"}
        ]
        chart = admin.get(f"/console/scene-report/days.json?scene_id={of_store.id}").json
        assert [(one["name"], one["figures"][-1]) for one in chart["series"]] == [  # type: ignore[index]
            ("扫码", 1),
            ("新关注", 1),
            ("入会", 0),
        ]
        page = admin.text("/console/scene-report")
        assert re.search(r"西湖店</a></th><td class=\"num\">1</td>", page)

    def test_codes_of_members_posters_are_listed_only_when_asked_for(self, admin: Browser, session: Session) -> None:
        make_scene(session, kind=SCENE_KIND, subject_id=1, label="邀请海报")
        session.commit()

        assert download(admin, "scenes.csv") == []
        assert len(download(admin, f"scenes.csv?kind={SCENE_KIND}")) == 1
        assert admin.get("/console/scenes?kind=x").status_code == 422

    @pytest.mark.parametrize("query", ["since=2026-03-02&until=2026-03-01", "since=2020-01-01", "until=9999-12-31"])
    def test_days_that_make_no_sense_are_refused(self, admin: Browser, query: str) -> None:
        for page in ("scenes", "scene-report", "scene-report.csv"):
            assert admin.get(f"/console/{page}?{query}").status_code == 422

    def test_who_sees_some_stores_sees_their_codes_only(
        self, log_in: LogIn, session: Session, of_store: Scene, at: datetime
    ) -> None:
        poster = make_scene(session)
        scanned(session, of_store, at)
        scanned(session, poster, at, push_id=2)
        local = log_in(Role.MARKETER, stores=[session.get_one(Store, of_store.subject_id)])

        assert [row["编号"] for row in download(local, "scenes.csv")] == [str(of_store.id)]
        assert local.get(f"/console/scenes/{of_store.id}").status_code == 200
        assert local.get(f"/console/scenes/{poster.id}").status_code == 404
        assert sum(int(row["扫码"]) for row in download(local, "scene-report.csv")) == 1
        answer = local.post("/console/scenes", appid=OA_APPID, store_id=of_store.subject_id, label="x", days="")
        assert answer.status_code == 403

    def test_take_as_many_statements_for_one_code_as_for_many(
        self, admin: Browser, session: Session, of_store: Scene, at: datetime, statements: StatementCounter
    ) -> None:
        counts = []
        for number in range(2):
            scanned(session, make_scene(session, store_id=of_store.subject_id), at, push_id=10 + number)
            statements.clear()
            admin.text("/console/scenes")
            counts.append(statements.count)

        assert counts[0] == counts[1]


def test_a_code_that_has_ended_says_so(admin: Browser, session: Session, at: datetime) -> None:
    scene = make_scene(session, expires_at=at - timedelta(days=1))
    session.commit()

    assert "已过期" in admin.text("/console/scenes")
    assert "已过期" in admin.text(f"/console/scenes/{scene.id}")
