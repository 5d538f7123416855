"""The signature with which a page may speak to WeChat's JS-SDK, asked for by the page's script.

No page waits for it, and a WeChat that does not answer costs our threads next to nothing: one call
is under way at most, nobody waits for it longer than a moment, and after a failure it rests.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

from flask import Response, current_app, jsonify, make_response, request
from flask.blueprints import BlueprintSetupState

from loyalty.gateways.answers import JsSignature
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel.errors import InvalidInput, LimitReached, LoyaltyError, Unavailable
from portal.context import container
from portal.errors import status_of
from portal.h5 import session
from portal.h5.blueprint import blueprint

PATIENCE_SECONDS = 2.0
REST_SECONDS = 30.0
URL_LENGTH_MAX = 2000


class SignatureUnavailable(Unavailable):
    """WeChat gave no ticket to sign with; the page works without."""

    code = "js_signature_unavailable"
    message = "暂时连不上微信"


class Signer:
    """Signs pages for one process; whoever asks waits for WeChat no longer than ``patience_seconds``."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._pool = ThreadPoolExecutor(1, "js-signature")
        self._rests_until = 0.0

    def sign(self, account: OfficialAccount, url: str) -> JsSignature:
        """Sign one of our pages.

        Raises:
            SignatureHostRefused: the page is not on a host of ours.
            SignatureUnavailable: WeChat does not answer, or did not a moment ago.
        """
        if time.monotonic() < self._rests_until:
            raise SignatureUnavailable
        signing = self._pool.submit(account.js_signature, url)
        try:
            return signing.result(self._patience_seconds)
        except (Unavailable, LimitReached, TimeoutError) as error:
            self._rest(signing)
            raise SignatureUnavailable from error

    def _rest(self, signing: "Future[JsSignature]") -> None:
        signing.cancel()
        self._rests_until = time.monotonic() + REST_SECONDS


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    state.app.extensions["js_signer"] = Signer()


@blueprint.get("/js-signature")
@session.visitors_too
def js_signature() -> Response:
    """Answer with what ``wx.config`` needs for the page at ``url``."""
    url = request.args.get("url", "")
    try:
        if not 0 < len(url) <= URL_LENGTH_MAX:
            raise InvalidInput
        account = container().official_account(session.caller().appid)
        signed = cast(Signer, current_app.extensions["js_signer"]).sign(account, url)
    except LoyaltyError as error:
        return make_response(jsonify(error={"code": error.code, "message": error.message}), status_of(error))
    response = jsonify(appid=signed.appid, timestamp=signed.timestamp, nonce=signed.nonce, signature=signed.signature)
    response.headers["Cache-Control"] = "no-store"
    return response
