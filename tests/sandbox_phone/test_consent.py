"""Web authorisation over HTTP: the consent sheet and its three answers, and who is refused one."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.sandbox_phone.stranger import OA, SECRET, Stranger


@pytest.fixture
def person(stranger: Stranger, control: Callable[..., Any]) -> requests.Session:
    user = control("POST", "/users", nickname="<b>小林</b>")
    session = requests.Session()
    session.cookies.set("sim_user", str(user["id"]))
    return session


def _address(stranger: Stranger, **changes: str) -> str:
    query = {
        "appid": OA, "redirect_uri": f"{stranger.url}/back", "response_type": "code", "scope": "snsapi_userinfo",
        "state": "abc",
    } | changes  # fmt: skip
    return f"{stranger.sandbox}/open.weixin.qq.com/connect/oauth2/authorize?{urlencode(query)}"


def _answer(person: requests.Session, stranger: Stranger, answer: str, **changes: str) -> requests.Response:
    form = {"url": _address(stranger, **changes), "answer": answer}
    return person.post(f"{stranger.sandbox}/phone/authorize", data=form, allow_redirects=False, timeout=5)


def _exchange(stranger: Stranger, location: str) -> dict[str, Any]:
    code = parse_qs(urlsplit(location).query)["code"][0]
    query = {"appid": OA, "secret": SECRET, "code": code, "grant_type": "authorization_code"}
    found: dict[str, Any] = requests.get(
        f"{stranger.sandbox}/api.weixin.qq.com/sns/oauth2/access_token", params=query, timeout=5
    ).json()
    return found


class TestSheet:
    def test_it_names_the_account_and_the_person_without_trusting_their_names(
        self, person: requests.Session, stranger: Stranger
    ) -> None:
        page = person.get(_address(stranger), timeout=5)

        assert "示例茶饮 申请使用" in page.text
        assert "&lt;b&gt;小林&lt;/b&gt;" in page.text
        assert "<b>小林</b>" not in page.text

    def test_a_silent_request_is_sent_on_without_a_sheet(self, person: requests.Session, stranger: Stranger) -> None:
        answer = person.get(_address(stranger, scope="snsapi_base"), allow_redirects=False, timeout=5)

        assert answer.status_code == 302
        assert _exchange(stranger, answer.headers["Location"])["scope"] == "snsapi_base"

    def test_a_forced_snapshot_is_not_asked_for(self, person: requests.Session, stranger: Stranger) -> None:
        answer = person.get(_address(stranger, forceSnapShot="true"), allow_redirects=False, timeout=5)

        assert _exchange(stranger, answer.headers["Location"])["is_snapshotuser"] == 1


class TestAnswers:
    def test_accept_gives_a_code_for_this_person(
        self, person: requests.Session, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        location = _answer(person, stranger, "accept").headers["Location"]

        assert _exchange(stranger, location)["openid"] == control("GET", "/users")[0]["openids"][OA]
        assert parse_qs(urlsplit(location).query)["state"] == ["abc"]

    def test_refuse_gives_the_state_alone(self, person: requests.Session, stranger: Stranger) -> None:
        location = _answer(person, stranger, "refuse").headers["Location"]

        assert location == f"{stranger.url}/back?state=abc"

    def test_snapshot_hides_the_person(
        self, person: requests.Session, stranger: Stranger, control: Callable[..., Any]
    ) -> None:
        found = _exchange(stranger, _answer(person, stranger, "snapshot").headers["Location"])

        assert found["is_snapshotuser"] == 1
        assert found["openid"] != control("GET", "/users")[0]["openids"][OA]

    @pytest.mark.parametrize("answer", ["", "maybe"])
    def test_another_answer_is_an_error_page(self, person: requests.Session, stranger: Stranger, answer: str) -> None:
        page = _answer(person, stranger, answer)

        assert page.status_code == 200
        assert 'data-code="10005"' in page.text

    @pytest.mark.parametrize("cookie", [None, "999", "x", "9" * 30])
    def test_a_browser_that_is_nobodys_phone_is_refused(self, stranger: Stranger, cookie: str | None) -> None:
        browser = requests.Session()
        if cookie is not None:
            browser.cookies.set("sim_user", cookie)

        page = _answer(browser, stranger, "accept")

        assert 'data-code="10000"' in page.text
        assert "请在微信客户端打开链接" in page.text

    def test_a_changed_redirect_address_is_checked_again(self, person: requests.Session, stranger: Stranger) -> None:
        page = _answer(person, stranger, "accept", redirect_uri="http://evil.example/")

        assert 'data-code="10003"' in page.text


def test_a_foreign_redirect_domain_gets_the_error_page(person: requests.Session, stranger: Stranger) -> None:
    page = person.get(_address(stranger, redirect_uri="http://evil.example/"), timeout=5)

    assert "redirect_uri 域名与后台配置不一致" in page.text
    assert 'data-code="10003"' in page.text
