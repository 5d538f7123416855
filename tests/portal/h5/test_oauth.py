from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.gateways.answers import Follower, OAuthIdentity, WechatProfile
from loyalty.gateways.errors import WechatCodeUsed
from loyalty.members.models import Identity, Member
from loyalty.members.rules.identities import Door
from loyalty.members.service import open_session
from portal.h5.session import COOKIE
from tests.factories.members import make_identity, make_member
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID

RETURN = f"/h5/oauth/{OA_APPID}"


def _state(client: FlaskClient, path: str = "/h5/points") -> str:
    sent_to_login = client.get(path)
    sent_to_wechat = client.get(sent_to_login.headers["Location"])
    return parse_qs(urlsplit(sent_to_wechat.headers["Location"]).query)["state"][0]


def _person(openid: str = "o_person", **changes: object) -> OAuthIdentity:
    values = {"openid": openid, "unionid": None, "is_snapshot": False, "access_token": "t", "scope": "snsapi_base"}
    return OAuthIdentity(**(values | changes))  # type: ignore[arg-type]


class TestReturn:
    def test_logs_in_and_goes_back_to_the_page_that_was_asked_for(
        self, client: FlaskClient, container: NullContainer
    ) -> None:
        container.oa.identities["code"] = _person()

        back = client.get(RETURN, query_string={"code": "code", "state": _state(client)})

        assert back.headers["Location"] == "/h5/points"
        assert client.get_cookie(COOKIE) is not None

    def test_learns_the_unionid_of_a_follower(
        self, client: FlaskClient, container: NullContainer, session: Session
    ) -> None:
        container.oa.identities["code"] = _person("o_follower")
        container.oa.followers["o_follower"] = Follower("o_follower", is_following=True, unionid="u_follower")

        client.get(RETURN, query_string={"code": "code", "state": _state(client)})

        assert session.scalar(select(Identity.unionid).where(Identity.openid == "o_follower")) == "u_follower"

    @pytest.mark.parametrize("state", ["", "forged"])
    def test_refuses_a_state_that_is_not_this_browsers(
        self, client: FlaskClient, container: NullContainer, state: str
    ) -> None:
        container.oa.identities["code"] = _person()
        _state(client)

        assert client.get(RETURN, query_string={"code": "code", "state": state}).status_code == 400
        assert client.get_cookie(COOKIE) is None

    def test_refuses_the_state_of_another_browser(self, client: FlaskClient, container: NullContainer) -> None:
        container.oa.identities["code"] = _person()
        state = _state(client)
        stranger = client.application.test_client()

        assert stranger.get(RETURN, query_string={"code": "code", "state": state}).status_code == 400

    def test_a_snapshot_user_becomes_nobody(
        self, client: FlaskClient, container: NullContainer, session: Session
    ) -> None:
        container.oa.identities["code"] = _person("o_virtual", is_snapshot=True, unionid="u_virtual")
        before = session.scalar(select(func.count()).select_from(Member))

        page = client.get(RETURN, query_string={"code": "code", "state": _state(client)})

        assert "使用完整服务" in page.text
        assert client.get_cookie(COOKIE) is None
        assert session.scalar(select(Identity.id).where(Identity.openid == "o_virtual")) is None
        assert session.scalar(select(func.count()).select_from(Member)) == before

    def test_says_so_when_the_person_refused(self, client: FlaskClient) -> None:
        page = client.get(RETURN, query_string={"state": _state(client)})

        assert page.status_code == 403
        assert "取消了授权" in page.text

    def test_starts_anew_once_after_a_bad_code_and_then_stops(self, client: FlaskClient) -> None:
        again = client.get(RETURN, query_string={"code": "old", "state": _state(client)})
        assert again.headers["Location"].startswith("https://oauth.invalid/")
        state = parse_qs(urlsplit(again.headers["Location"]).query)["state"][0]

        assert client.get(RETURN, query_string={"code": "old", "state": state}).status_code == 400

    def test_a_reload_of_the_return_page_keeps_who_is_logged_in(
        self, client: FlaskClient, container: NullContainer
    ) -> None:
        container.oa.identities["code"] = _person()
        query = {"code": "code", "state": _state(client)}
        client.get(RETURN, query_string=query)
        container.oa.identities["code"] = WechatCodeUsed()

        assert client.get(RETURN, query_string=query).headers["Location"] == "/h5/"

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/console/", "/h5/\\evil"])
    def test_never_returns_outside_the_member_pages(
        self, client: FlaskClient, container: NullContainer, target: str
    ) -> None:
        container.oa.identities["code"] = _person()
        sent = client.get("/h5/login", query_string={"next": target})
        state = parse_qs(urlsplit(sent.headers["Location"]).query)["state"][0]

        assert client.get(RETURN, query_string={"code": "code", "state": state}).headers["Location"] == "/h5/"


class TestProfile:
    def test_takes_the_nickname_only_after_a_tap_and_consent(
        self, client: FlaskClient, container: NullContainer, session: Session, at: datetime
    ) -> None:
        member = make_member(session)
        identity = make_identity(session, member=member, openid="o_named")
        client.set_cookie(COOKIE, open_session(session, identity_id=identity.id, door=Door.H5, at=at))
        session.commit()
        asked = client.get("/h5/login/profile?next=/h5/settings").headers["Location"]
        assert "scope=snsapi_userinfo" in asked
        container.oa.identities["code"] = _person("o_named", scope="snsapi_userinfo")
        container.oa.profiles["o_named"] = WechatProfile("o_named", None, "小红😀", "")

        state = parse_qs(urlsplit(asked).query)["state"][0]
        page = client.get(RETURN, query_string={"code": "code", "state": state}, follow_redirects=True)

        assert "小红😀" in page.text

    def test_a_stranger_is_never_asked_for_the_profile_at_once(self, client: FlaskClient) -> None:
        first = client.get(client.get("/h5/").headers["Location"]).headers["Location"]

        assert "scope=snsapi_base" in first
