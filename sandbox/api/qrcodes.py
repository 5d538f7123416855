"""Parameter QR codes (带参数二维码) of an Official Account."""

from typing import Any

from flask import Blueprint, Response, request

from sandbox import picture
from sandbox.dispatch import Answer, Call, endpoint, serve
from sandbox.errors import ApiError
from sandbox.world import World, current_world

blueprint = Blueprint("qrcodes", "sandbox.api.qrcodes")
LONGEST_LIFE = 2_592_000
DEFAULT_LIFE = 60
MOST_PERMANENT = 100_000
ACTIONS = {"QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"}


@endpoint("/cgi-bin/qrcode/create", kind="oa", day=100_000)
def create(call: Call) -> Answer:
    """Makes a code; temporary ones live at most 30 days, of the others an account gets 100,000 for ever."""
    action = call.body.get("action_name")
    if action not in ACTIONS:
        raise ApiError(40053)
    is_permanent, is_text = action.startswith("QR_LIMIT"), "STR" in action
    scene = _scene(call, is_permanent=is_permanent, is_text=is_text)
    store, appid = call.world.store, call.account.appid
    ticket, url = f"gQ{call.world.random.text(94)}==", f"http://weixin.qq.com/q/02{call.world.random.text(20)}"
    if is_permanent:
        return _permanent(call, scene, is_text=is_text, ticket=ticket, url=url)
    seconds = call.integer("expire_seconds", refuse=40097, default=DEFAULT_LIFE)
    if not 1 <= seconds <= LONGEST_LIFE:
        raise ApiError(40097, "invalid expire_seconds")
    store.run(
        "INSERT INTO qr_tickets VALUES (?, ?, ?, ?, ?, ?)",
        ticket,
        appid,
        url,
        scene,
        is_text,
        call.world.clock.now() + seconds,
    )
    return {"ticket": ticket, "expire_seconds": seconds, "url": url}


@blueprint.get("/mp.weixin.qq.com/cgi-bin/showqrcode")
def show() -> Response:
    """The picture of a ticket, without a token; 404 for an unknown one."""
    world = current_world()
    return serve(world, appid="", run=lambda: _picture(world))


def _picture(world: World) -> Response:
    url = world.store.value("SELECT url FROM qr_tickets WHERE ticket = ?", request.args.get("ticket", ""))
    if url is None:
        return Response("", status=404)
    return Response(picture.code(url, width=430), content_type="image/png")


def _scene(call: Call, *, is_permanent: bool, is_text: bool) -> str:
    info = call.body.get("action_info")
    scene: Any = info.get("scene") if isinstance(info, dict) else None
    value = scene.get("scene_str" if is_text else "scene_id") if isinstance(scene, dict) else None
    if is_text:
        if not isinstance(value, str) or not 1 <= len(value) <= 64:
            raise ApiError(40053)
        return value
    most = 100_000 if is_permanent else 0xFFFF_FFFF
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ApiError(40053)
    return str(value)


def _permanent(call: Call, scene: str, *, is_text: bool, ticket: str, url: str) -> Answer:
    """The same scene gives the same code for ever."""
    store, appid = call.world.store, call.account.appid
    known = store.row(
        "SELECT ticket, url FROM qr_tickets WHERE appid = ? AND scene = ? AND is_text = ? AND expires_at IS NULL",
        appid, scene, is_text,
    )  # fmt: skip
    if known is not None:
        return dict(known)
    if store.value("SELECT COUNT(*) FROM qr_tickets WHERE appid = ? AND expires_at IS NULL", appid) >= MOST_PERMANENT:
        raise ApiError(45029)
    store.run("INSERT INTO qr_tickets VALUES (?, ?, ?, ?, ?, NULL)", ticket, appid, url, scene, is_text)
    return {"ticket": ticket, "url": url}
