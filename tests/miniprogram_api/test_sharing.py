"""Inviting and being invited in the mini program."""

import io
from datetime import datetime
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.gateways.errors import WechatUnavailable
from loyalty.members.models import Member
from loyalty.missions.rules.terms import MissionEvent
from loyalty.referrals.models import ShareOpening, ShareTouch
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import switches
from loyalty.risk.models import Sighting
from tests.factories.members import make_member, unused_phone
from tests.factories.missions import make_mission
from tests.factories.referrals import ACTOR, invite, link_of, open_for_pay, publish
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.containers import NullContainer


@pytest.fixture
def offer(session: Session, at: datetime) -> int:
    programme_id = publish(session, at=at)
    session.commit()
    return programme_id


@pytest.fixture
def link(session: Session, offer: int, at: datetime) -> str:
    token = link_of(session, make_member(session).id, at=at)
    session.commit()
    return token


class TestInviting:
    def test_the_page_tells_what_it_brings_by_the_channels_that_are_on(
        self, mini_program: MiniProgram, offer: int, session: Session, at: datetime
    ) -> None:
        switches.turn_off(session, channel=Channel.POSTER, reason="异常", actor=ACTOR, at=at)
        session.commit()

        page = mini_program.get("/invite-page").json

        assert page is not None
        assert page["programme"]["sentences"][0] == "好友绑定手机号成为新会员，您得 100 积分，好友得 50 积分。"
        assert sorted(page["programme"]["channels"]) == ["code", "mini_program", "oa"]
        assert page["totals"] == {"friends": 0, "rewarded": 0, "points": 0, "coupons": 0}

    def test_before_any_programme_there_is_nothing_to_share(self, mini_program: MiniProgram) -> None:
        page = mini_program.get("/invite-page").json
        refused = mini_program.post("/shares", json={"channel": "mini_program"})

        assert page is not None
        assert page["programme"] is None
        assert (refused.status_code, refused.json["error"]["code"]) == (409, "referrals_not_open")  # type: ignore[index]

    def test_a_share_fits_a_scene_and_is_the_same_again(self, mini_program: MiniProgram, offer: int) -> None:
        first, second = (mini_program.post("/shares", json={"channel": "mini_program"}).json for _ in range(2))

        assert first == second
        assert first is not None
        assert len(first["scene"]) <= 32
        assert first["path"] == f"/pages/index/index?{first['scene']}"
        assert first["link"].endswith(f"/h5/i/{first['token']}")

    def test_a_share_for_a_mission_is_another_in_link_and_poster(
        self, mini_program: MiniProgram, offer: int, session: Session, container: NullContainer
    ) -> None:
        mission_id = make_mission(session, event=MissionEvent.INVITED_FRIEND)
        session.commit()

        general = mini_program.post("/shares", json={"channel": "poster"}).json
        shared = mini_program.post("/shares", json={"channel": "poster", "mission_id": mission_id}).json
        mini_program.get(f"/poster?mission_id={mission_id}")

        assert general is not None
        assert shared is not None
        assert shared["token"] != general["token"]
        assert container.mp.drawn_scenes == [shared["scene"]]

    @pytest.mark.parametrize("event", [MissionEvent.REVIEW, None])
    def test_only_a_mission_of_friends_can_be_shared(
        self, mini_program: MiniProgram, offer: int, session: Session, event: MissionEvent | None
    ) -> None:
        mission_id = 2**40 if event is None else make_mission(session, event=event)
        session.commit()

        shared = mini_program.post("/shares", json={"channel": "mini_program", "mission_id": mission_id})
        poster = mini_program.get(f"/poster?mission_id={mission_id}")

        code = "mission_not_found" if event is None else "mission_not_shareable"
        assert [answer.json["error"]["code"] for answer in (shared, poster)] == [code, code]  # type: ignore[index]

    def test_a_channel_that_is_off_shares_nothing(
        self, mini_program: MiniProgram, offer: int, session: Session, at: datetime
    ) -> None:
        for channel in (Channel.MINI_PROGRAM, Channel.POSTER):
            switches.turn_off(session, channel=channel, reason="异常", actor=ACTOR, at=at)
        session.commit()

        assert mini_program.post("/shares", json={"channel": "mini_program"}).status_code == 409
        assert mini_program.get("/poster").status_code == 409

    def test_friends_are_listed_without_a_name(
        self, mini_program: MiniProgram, member: Member, offer: int, session: Session, at: datetime
    ) -> None:
        invite(session, member, at=at)
        session.commit()

        (item,) = mini_program.get("/referrals").json["items"]  # type: ignore[index]

        assert set(item) == {"id", "channel", "state", "sentence", "reward", "came_at", "rewarded_at"}
        assert (item["state"], item["sentence"]) == ("attributed", "好友已入会，奖励待达成")

    def test_the_poster_is_a_picture_with_a_code_of_the_mini_program_that_asks(
        self, mini_program: MiniProgram, offer: int, container: NullContainer
    ) -> None:
        answer = mini_program.get("/poster")

        assert Image.open(io.BytesIO(answer.data)).format == "PNG"
        assert len(container.mp.drawn_scenes) == 1

    @pytest.mark.parametrize("drawn", [b'{"errcode":1}', WechatUnavailable()])
    def test_no_picture_from_wechat_is_told_as_come_back_later(
        self, mini_program: MiniProgram, offer: int, container: NullContainer, drawn: Any
    ) -> None:
        container.mp.drawn = drawn

        answer = mini_program.get("/poster")

        assert answer.status_code == 503
        assert answer.headers["Retry-After"]

    def test_openings_that_paid_and_that_did_not_are_told_with_the_reason(
        self, mini_program: MiniProgram, member: Member, session: Session, at: datetime
    ) -> None:
        open_for_pay(session, member, "phone-1", "phone-2", at=at)
        session.commit()

        items = mini_program.get("/opening-rewards").json["items"]  # type: ignore[index]

        assert [(one["state"], one["points"], one["reward"]) for one in items] == [
            ("missed", 0, "没有奖励：已达每天打开奖励上限"),
            ("paid", 2, "得 2 积分"),
        ]

    def test_visitors_do_not_invite(self, visitor: MiniProgram, offer: int) -> None:
        for answer in (visitor.get("/invite-page"), visitor.get("/referrals"), visitor.get("/poster")):
            assert answer.status_code == 403


class TestOpening:
    @pytest.mark.parametrize("written", ["{}", "r={}"])
    def test_counts_once_however_it_is_written_and_tells_risk_the_device(
        self, visitor: MiniProgram, link: str, session: Session, written: str
    ) -> None:
        body = {"share": written.format(link)}
        first, second = (visitor.post("/share-openings", json=body, device="phone-1").json for _ in range(2))

        assert first == {"counted": True, "notice": None, "to_the_friend": "绑定手机号成为新会员，得 50 积分"}
        assert second is not None
        assert not second["counted"]
        assert len(session.scalars(select(ShareOpening)).all()) == 1
        assert session.scalars(select(Sighting)).one().device_index is not None

    def test_a_member_is_told_so_and_offered_nothing(self, mini_program: MiniProgram, link: str) -> None:
        answer = mini_program.post("/share-openings", json={"share": link}).json

        assert answer == {"counted": False, "notice": "您已经是会员了", "to_the_friend": None}

    def test_what_nobody_shared_is_not_found(self, visitor: MiniProgram, offer: int) -> None:
        for share in ("nothing", "r=", "😀"):
            assert visitor.post("/share-openings", json={"share": share}).status_code == 404

    def test_a_code_typed_at_binding_counts_and_the_header_names_the_device(
        self, visitor: MiniProgram, offer: int, container: NullContainer, session: Session, at: datetime
    ) -> None:
        code = link_of(session, make_member(session).id, channel=Channel.CODE, at=at)
        session.commit()
        container.mp.phones["button"] = unused_phone()
        texts = visitor.get("/privacy-texts").json["items"]  # type: ignore[index]
        consents = [{"purpose": one["purpose"], "version": one["version"]} for one in texts if one["is_required"]]

        bound = visitor.post(
            "/phone", {"code": "button", "consents": consents, "referral_code": code}, device="phone-2"
        )

        assert bound.json["outcome"] == "enrolled"  # type: ignore[index]
        assert session.scalars(select(ShareTouch)).one().identity_id == visitor.identity.id
        assert all(seen.device_index is not None for seen in session.scalars(select(Sighting)))
