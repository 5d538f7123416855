"""The confirmation of a transfer (收款确认) as a page of its own, for clients without script.

It stands for what opens on ``requestMerchantTransfer``: the amount, who pays and why, and one button.
"""

from flask import Response, make_response, render_template, request

from sandbox import users
from sandbox.follows import ActRefused
from sandbox.pay import transfers
from sandbox.phone.consent import USER_COOKIE
from sandbox.phone.door import blueprint
from sandbox.world import World, current_world


@blueprint.get("/phone/transfer")
def transfer_page() -> Response:
    """Shows what may be taken: {"mchId", "appId", "package"} in the address."""
    world = current_world()
    transfers.advance(world)
    try:
        bill = transfers.confirmable(world, user_id=_person(world), package=request.args.get("package", ""))
    except ActRefused as refused:
        return _page(refusal=str(refused))
    return _page(bill=bill, merchant=_merchant_name(world, bill["appid"]), given=request.args)


@blueprint.post("/phone/transfer")
def take_transfer() -> Response:
    """The person taps 收款."""
    world, given = current_world(), request.form
    transfers.advance(world)
    try:
        bill = transfers.confirm(
            world,
            user_id=_person(world),
            appid=given.get("appId", ""),
            package=given.get("package", ""),
            mch_id=given.get("mchId", ""),
        )
    except ActRefused as refused:
        return _page(refusal=str(refused))
    return _page(taken=bill)


def _person(world: World) -> int:
    """Whose phone this is, by its cookie. Raises ActRefused."""
    try:
        return users.get(world, int(request.cookies.get(USER_COOKIE, "")))["id"]
    except (ValueError, OverflowError, users.UserNotFound) as error:
        raise ActRefused("请先在沙箱手机里选择一个微信用户") from error


def _merchant_name(world: World, appid: str) -> str:
    account = world.account(appid)
    return account.name if account else appid


def _page(**shown: object) -> Response:
    response = make_response(render_template("phone/transfer.html", **shown))
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; base-uri 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response
