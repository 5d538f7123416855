import threading
import time

import pytest
from flask.testing import FlaskClient

from loyalty.gateways.answers import JsSignature
from loyalty.gateways.errors import WechatMisconfigured, WechatUnavailable
from loyalty.gateways.null import NullOfficialAccount
from portal.h5.js_sdk import SignatureUnavailable, Signer
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID

PAGE = "http://localhost/h5/"


def _ask(browser: Browser, url: str = PAGE) -> tuple[int, dict[str, object]]:
    answer = browser.client.get("/h5/js-signature", query_string={"url": url})
    return answer.status_code, answer.get_json()


class TestEndpoint:
    def test_signs_a_page_for_whoever_has_a_session(self, browser: Browser) -> None:
        status, told = _ask(browser)

        assert status == 200
        assert told["appid"] == OA_APPID
        assert told["signature"]

    def test_sends_strangers_to_log_in(self, client: FlaskClient) -> None:
        assert client.get("/h5/js-signature", query_string={"url": PAGE}).status_code == 302

    @pytest.mark.parametrize("url", ["", "x" * 2001])
    def test_refuses_an_address_that_is_none(self, browser: Browser, url: str) -> None:
        status, told = _ask(browser, url)

        assert status == 422
        assert told["error"]["code"] == "invalid_input"  # type: ignore[index]

    @pytest.mark.parametrize("error", [WechatUnavailable(), WechatMisconfigured()])
    def test_says_so_when_wechat_is_away_and_the_card_is_there_all_the_same(
        self, browser: Browser, container: NullContainer, error: Exception
    ) -> None:
        container.oa.signature_error = error

        assert _ask(browser)[0] == 503
        assert browser.open("/h5/").status_code == 200


class _Silent(NullOfficialAccount):
    """An account whose platform does not answer until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.may_answer = 0, threading.Event()

    def js_signature(self, url: str) -> JsSignature:
        self.calls += 1
        self.may_answer.wait(10)
        return super().js_signature(url)


class TestSigner:
    def test_nobody_waits_for_a_platform_that_is_silent(self) -> None:
        account, signer = _Silent(), Signer(patience_seconds=0.1)
        started_at = time.monotonic()
        for _ in range(20):
            with pytest.raises(SignatureUnavailable):
                signer.sign(account, PAGE)

        assert time.monotonic() - started_at < 5
        assert account.calls == 1
        account.may_answer.set()
