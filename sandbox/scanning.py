"""Scanning any code or opening any link by the text it holds: account codes, mini-program codes, links, web pages."""

from typing import Any

from sandbox import follows
from sandbox.follows import ActRefused
from sandbox.push import Push
from sandbox.world import World


def scan(world: World, *, user_id: int, text: str) -> tuple[dict[str, Any], Push | None]:
    """What the phone does with a scanned text, and the push of an account's code.

    ``action`` is account, mini_program (with appid, path, query), view (with url) or text. Raises ActRefused for
    expired codes and links, UserNotFound.
    """
    ticket = world.store.value("SELECT ticket FROM qr_tickets WHERE url = ?", text)
    if ticket is not None:
        return {"action": "account"}, follows.scan(world, user_id=user_id, ticket=ticket)
    link = world.store.row("SELECT * FROM links WHERE url = ?", text)
    if link is None:
        return (
            {"action": "view", "url": text}
            if text.startswith(("http://", "https://"))
            else {"action": "text", "text": text}
        ), None
    if link["expires_at"] is not None and link["expires_at"] <= world.clock.now():
        raise ActRefused("the link has expired")
    return {"action": "mini_program", **{name: link[name] for name in ("appid", "path", "query")}}, None
