"""An SMS provider of our own invention: one call, one bearer secret, and the texts land on the phones."""

import hmac

from flask import Blueprint, Response, request

from sandbox import sms, users
from sandbox.dispatch import as_json, serve
from sandbox.world import World, current_world

blueprint = Blueprint("sms", "sandbox.api.sms")


@blueprint.post("/sms.sandbox/send")
def send() -> Response:
    """Sends {"phone": E.164, "template", "params": […]} and answers {"ok", "id"}."""
    world = current_world()
    return serve(world, appid="", run=lambda: _send(world))


def _send(world: World) -> Response:
    given = request.get_json(force=True, silent=True)
    wanted = f"Bearer {world.config.sms.secret}"
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode()):
        return _refused(401, "wrong secret")
    if not isinstance(given, dict):
        return _refused(400, "the body must be a JSON object")
    phone, template, params = given.get("phone"), given.get("template"), given.get("params")
    if not isinstance(phone, str) or not phone.startswith("+") or not _is_number(phone):
        return _refused(400, "phone must be in E.164 form")
    if not isinstance(template, str) or not template or not isinstance(params, list):
        return _refused(400, "template and params are needed")
    return as_json(
        {"ok": True, "id": sms.deliver(world, phone=phone, template=template, params=[str(one) for one in params])}
    )


def _is_number(phone: str) -> bool:
    try:
        return users.e164(phone) == phone
    except users.UserInvalid:
        return False


def _refused(status: int, reason: str) -> Response:
    response = as_json({"ok": False, "error": reason})
    response.status_code = status
    return response
