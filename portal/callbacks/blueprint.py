"""The blueprint, what it keeps at hand, and its error table: short texts for a machine, in the sender's own shape."""

from typing import cast

import structlog
from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException

from loyalty.channels.rules.pushes import PushIncomplete
from loyalty.gateways.push_wire import PushMalformed
from loyalty.gateways.pushes import PushForged
from loyalty.kernel.errors import LoyaltyError, NotFound, Unavailable
from portal.callbacks.desk import Desk

blueprint = Blueprint("callbacks", __name__, url_prefix="/callbacks")
log = structlog.get_logger("callbacks")

STATUSES: dict[type[LoyaltyError], int] = {
    PushForged: 403,
    PushMalformed: 400,
    PushIncomplete: 400,
    NotFound: 404,
    Unavailable: 503,
}
"""After a 503 WeChat pushes again, so that nothing is lost while the database is away."""


def desk() -> Desk:
    """Return what this process keeps at hand for its pushes."""
    return cast(Desk, current_app.extensions["callbacks"])


def plain(text: str, status: int = 200) -> Response:
    """Answer with a plain text."""
    return Response(text, status, content_type="text/plain; charset=utf-8")


def pay_refusal(message: str, status: int) -> Response:
    """Refuse as WeChat Pay wants to be refused."""
    answer = jsonify(code="FAIL", message=message)
    answer.status_code = status
    return answer


def _answer(text: str, status: int) -> Response:
    is_pay = request.path.startswith(f"{blueprint.url_prefix}/wechatpay")
    return pay_refusal(text, status) if is_pay else plain(text, status)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    settings = state.app.extensions["container"].settings
    state.app.extensions["callbacks"] = Desk(settings.wechat_accounts)


@blueprint.errorhandler(LoyaltyError)
def _refused(error: LoyaltyError) -> Response:
    status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 400)
    appid = (request.view_args or {}).get("appid")
    log.warning("push_refused", appid=appid, reason=error.code, status=status)
    return _answer(error.code, status)


@blueprint.errorhandler(HTTPException)
def _refused_by_framework(error: HTTPException) -> Response:
    return _answer(error.name, error.code or 500)


@blueprint.errorhandler(Exception)
def _failed(_error: Exception) -> Response:
    log.exception("push_failed")
    return _answer("internal error", 500)
