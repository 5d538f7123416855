"""Control API: clock, configuration, reset, the accounts' settings, the JS-SDK check."""

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify

from sandbox import jssdk, templates
from sandbox.clock import iso
from sandbox.config import changed, read_template
from sandbox.control.door import Malformed, blueprint, body, need
from sandbox.pay import notices, transfers
from sandbox.users import UserNotFound
from sandbox.world import current_world


@blueprint.get("/clock")
def show_clock() -> Response:
    """The simulated time and its offset from real time."""
    clock = current_world().clock
    return jsonify(now=iso(clock.now()), offset_seconds=clock.offset())


@blueprint.post("/clock")
def set_clock() -> Response:
    """Moves the clock by ``advance_seconds`` or to ``offset_seconds``."""
    clock, given = current_world().clock, body()
    if set(given) not in ({"advance_seconds"}, {"offset_seconds"}):
        raise Malformed("give either advance_seconds or offset_seconds")
    seconds = need(given, next(iter(given)), int)
    wanted = seconds + (clock.offset() if "advance_seconds" in given else 0)
    if abs(wanted) > 20 * 366 * 86400:
        raise Malformed("the clock moves by twenty years at most")
    clock.set_offset(wanted)
    transfers.advance(current_world())
    notices.send_due(current_world())
    return show_clock()


@blueprint.get("/config")
def show_config() -> Response:
    """The accounts with all their settings, and the templates as they stand now."""
    world = current_world()
    found: dict[str, Any] = asdict(world.config)
    found["templates"] = [
        {"appid": account.appid, **one}
        for account in world.config.accounts
        for one in templates.listed(world, appid=account.appid)
    ]
    return jsonify(found)


@blueprint.patch("/config/accounts/<appid>")
def change_account(appid: str) -> Response:
    """Changes settings of an account until the process ends, e.g. push_url or request_base."""
    world = current_world()
    account = world.account(appid)
    if account is None:
        raise UserNotFound(f"no account {appid}")
    world.replace_account(changed(account, body()))
    return jsonify(asdict(world.account(appid) or account))


@blueprint.post("/templates")
def put_template() -> Response:
    """Lets an account have a template, new or in place of one with the same id, until the next reset."""
    world = current_world()
    template = read_template(body(), [account.appid for account in world.config.accounts])
    templates.put(world, template)
    return jsonify(asdict(template))


@blueprint.post("/reset")
def reset() -> Response:
    """Forgets people, messages, tokens, faults and logs, and sets the clock to real time."""
    world = current_world()
    world.faults.clear()
    world.store.empty()
    templates.seed_templates(world)
    world.logs.requests.clear()
    world.logs.pushes.clear()
    world.clock.set_offset(0)
    return jsonify(ok=True)


@blueprint.post("/jssdk/verify")
def verify_jssdk() -> Response:
    """Checks a page's wx.config as WeChat's browser does."""
    given = body()
    found = jssdk.verify(
        current_world(),
        appid=str(given.get("appid", "")),
        nonce=str(given.get("nonceStr", "")),
        timestamp=str(given.get("timestamp", "")),
        signature=str(given.get("signature", "")),
        url=str(given.get("url", "")),
    )
    return jsonify(ok=found == "config:ok", errMsg=found)


@blueprint.post("/jssdk/rotate")
def rotate_ticket() -> Response:
    """Makes the jsapi ticket of an account invalid, as happens now and then."""
    jssdk.rotate(current_world(), need(body(), "appid", str))
    return jsonify(ok=True)
