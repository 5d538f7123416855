"""The JS-SDK ticket (jsapi_ticket) and the check of a page's configuration signature."""

import hashlib
import hmac

from sandbox.addresses import web_host
from sandbox.config import Account
from sandbox.world import World

LIFE = 7200


def ticket(world: World, account: Account) -> tuple[str, int]:
    """The living ticket of an account and its life in seconds; a new one when the last has run out."""
    with world.store.transaction():
        now = world.clock.now()
        found = world.store.row(
            "SELECT * FROM jsapi_tickets WHERE appid = ? AND expires_at > ? AND NOT replaced", account.appid, now
        )
        if found is not None:
            return str(found["ticket"]), int(found["expires_at"] - now)
        fresh = world.random.text(86)
        world.store.run(
            "INSERT INTO jsapi_tickets (ticket, appid, expires_at) VALUES (?, ?, ?)", fresh, account.appid, now + LIFE
        )
        return fresh, LIFE


def rotate(world: World, appid: str) -> None:
    """Kills the account's ticket; the next request gets another one."""
    world.store.run("UPDATE jsapi_tickets SET replaced = 1 WHERE appid = ?", appid)


def verify(world: World, *, appid: str, nonce: str, timestamp: str, signature: str, url: str) -> str:
    """The ``errMsg`` of wx.config: ``config:ok`` or the reason; the fragment of the page address does not count."""
    account = world.account(appid)
    if account is None or account.kind != "oa":
        return "config:invalid appid"
    page = url.split("#")[0]
    if web_host(page) not in account.js_domains:
        return "config:invalid url domain"
    alive = world.store.rows(
        "SELECT ticket FROM jsapi_tickets WHERE appid = ? AND expires_at > ? AND NOT replaced", appid, world.clock.now()
    )
    expected = [_sign(row["ticket"], nonce, timestamp, page) for row in alive]
    is_right = any(hmac.compare_digest(one, signature.lower().encode()) for one in expected)
    return "config:ok" if is_right else "config:invalid signature"


def _sign(jsapi_ticket: str, nonce: str, timestamp: str, url: str) -> bytes:
    text = f"jsapi_ticket={jsapi_ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return hashlib.sha1(text.encode()).hexdigest().encode()
