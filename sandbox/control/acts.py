"""Control API: what people do in an Official Account. Most acts end in a push, whose outcome is told."""

from flask import Response, jsonify

from sandbox import chat, follows, menus, oauth, scanning
from sandbox.control.door import Malformed, blueprint, body, need, pushed
from sandbox.world import current_world


@blueprint.post("/users/<int:user_id>/follow")
def follow(user_id: int) -> Response:
    """Follows an account; ``ticket`` of a parameter QR code makes it a ``qrscene_`` follow."""
    world, given = current_world(), body()
    push = follows.follow(
        world, user_id=user_id, appid=need(given, "appid", str), scene=given.get("scene"), ticket=given.get("ticket")
    )
    return jsonify(push=pushed(world, push, given))


@blueprint.post("/users/<int:user_id>/unfollow")
def unfollow(user_id: int) -> Response:
    """Stops following."""
    world, given = current_world(), body()
    push = follows.unfollow(world, user_id=user_id, appid=need(given, "appid", str))
    return jsonify(push=pushed(world, push, given))


@blueprint.post("/users/<int:user_id>/scan")
def scan(user_id: int) -> Response:
    """Scans a code, by the ``ticket`` of a parameter QR code or by the ``url`` any code holds."""
    world, given = current_world(), body()
    if "ticket" in given:
        push = follows.scan(world, user_id=user_id, ticket=need(given, "ticket", str))
        return jsonify(action="account", push=pushed(world, push, given))
    found, scanned = scanning.scan(world, user_id=user_id, text=need(given, "url", str))
    return jsonify(**found, push=pushed(world, scanned, given))


@blueprint.post("/users/<int:user_id>/menu")
def menu(user_id: int) -> Response:
    """Taps a menu entry by its place: [i] or [i, j]."""
    world, given = current_world(), body()
    index = need(given, "index", list)
    if not 1 <= len(index) <= 2 or not all(isinstance(place, int) for place in index):
        raise Malformed("index must be [i] or [i, j]")
    action, push = menus.tap(world, user_id=user_id, appid=need(given, "appid", str), index=index)
    return jsonify(**action, push=pushed(world, push, given))


@blueprint.post("/users/<int:user_id>/text")
def text(user_id: int) -> Response:
    """Writes to an account."""
    world, given = current_world(), body()
    push = chat.write(world, user_id=user_id, appid=need(given, "appid", str), content=need(given, "content", str))
    return jsonify(push=pushed(world, push, given))


@blueprint.post("/users/<int:user_id>/oauth")
def authorize(user_id: int) -> Response:
    """Answers an authorize address: where the person's browser goes next."""
    given = body()
    answer = given.get("answer", "accept")
    if answer not in oauth.ANSWERS:
        raise Malformed(f"answer must be one of {', '.join(oauth.ANSWERS)}")
    url = oauth.decide(current_world(), user_id=user_id, url=need(given, "url", str), answer=answer)
    return jsonify(redirect=url)
