"""Control API: users and what lies on their phones."""

from typing import Any

from flask import Response, jsonify, request

from sandbox import grants, menus, messages, sms, users
from sandbox.control.door import Malformed, blueprint, body
from sandbox.world import current_world


@blueprint.get("/users")
def list_users() -> Response:
    """All people."""
    return jsonify(users.everybody(current_world()))


@blueprint.post("/users")
def create_user() -> tuple[Response, int]:
    """Adds a person."""
    return jsonify(users.create(current_world(), body())), 201


@blueprint.get("/users/<int:user_id>")
def show_user(user_id: int) -> Response:
    """One person."""
    return jsonify(users.get(current_world(), user_id))


@blueprint.patch("/users/<int:user_id>")
def change_user(user_id: int) -> Response:
    """Changes nickname, phone, unionid, risk_rank or blocks."""
    return jsonify(users.update(current_world(), user_id, body()))


@blueprint.get("/users/<int:user_id>/messages")
def list_messages(user_id: int) -> Response:
    """What arrived after a message id; with ``include=sent`` also what the person wrote."""
    world = current_world()
    users.get(world, user_id)
    with_sent = request.args.get("include") == "sent"
    return jsonify(messages.of_user(world, user_id, after=_after(), with_sent=with_sent))


@blueprint.get("/users/<int:user_id>/menu")
def show_menu(user_id: int) -> Response:
    """The menu the person sees in one account: {"menuid", "button"}; empty when there is none."""
    world = current_world()
    users.get(world, user_id)
    found = menus.seen_by(world, appid=request.args.get("appid", ""), user_id=user_id)
    menu: dict[str, Any] = {"menuid": None, "button": []} if found is None else {"menuid": found[0], "button": found[1]}
    return jsonify(menu)


@blueprint.get("/users/<int:user_id>/grants")
def list_grants(user_id: int) -> Response:
    """The subscription grants given and not used yet."""
    world = current_world()
    users.get(world, user_id)
    return jsonify(grants.balances(world, user_id=user_id))


@blueprint.get("/sms")
def list_sms() -> Response:
    """The SMS sent, all or to one ``phone``, newest last."""
    return jsonify(sms.listed(current_world(), phone=users.e164(request.args.get("phone"))))


def _after() -> int:
    text = request.args.get("after", "0")
    if not (text.isascii() and text.isdigit()):
        raise Malformed("after must be a message id")
    return int(text)
