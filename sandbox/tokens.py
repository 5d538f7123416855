"""Access tokens of accounts: those of ``/cgi-bin/token`` and of ``stable_token`` live apart and never touch each other.

A token that was replaced after its time is refused with 40001, one that merely ran out with 42001.
"""

import re
import sqlite3

from sandbox import quotas
from sandbox.config import Account
from sandbox.errors import ApiError
from sandbox.world import World

LIFE = 7200
OVERLAP = 300
FORCED_PER_DAY = 20
FORCED_APART = 30
SHAPE = re.compile(r"[0-9A-Za-z_-]{60,512}")


def classic(world: World, account: Account) -> tuple[str, int]:
    """A new token; the last one dies five minutes later. Returns the token and its life in seconds."""
    with world.store.transaction():
        last = _latest(world, account, "classic")
        if last is not None:
            _kill(world, last, after=OVERLAP)
        return _mint(world, account, "classic")


def stable(world: World, account: Account) -> tuple[str, int]:
    """The living token; within its last five minutes a new one, while the old one runs out."""
    with world.store.transaction():
        last = _latest(world, account, "stable")
        if last is not None and (left := last["expires_at"] - world.clock.now()) > OVERLAP:
            return str(last["token"]), int(left)
        return _mint(world, account, "stable")


def forced(world: World, account: Account) -> tuple[str, int]:
    """A new stable token; the last one dies at once. Sooner than 30 s after the last force nothing is refreshed.

    Raises ApiError 45009 after twenty forced refreshes in a day.
    """
    with world.store.transaction():
        at = world.store.value("SELECT MAX(minted_at) FROM tokens WHERE appid = ? AND kind = 'forced'", account.appid)
        if at is not None and world.clock.now() - float(at) < FORCED_APART:
            return stable(world, account)
        day = world.clock.day()
        quotas.limit(world, appid=account.appid, name="force_refresh", period=day, most=FORCED_PER_DAY, errcode=45009)
        last = _latest(world, account, "stable")
        if last is not None:
            _kill(world, last, after=0)
        return _mint(world, account, "forced")


def check(world: World, token: str | None) -> Account:
    """The account a living token belongs to. Raises ApiError 41001, 40014, 40001 or 42001."""
    if not token:
        raise ApiError(41001)
    if not SHAPE.fullmatch(token):
        raise ApiError(40014)
    found = world.store.row("SELECT * FROM tokens WHERE token = ?", token)
    account = None if found is None else world.account(found["appid"])
    if found is None or account is None:
        raise ApiError(40001)
    if found["expires_at"] <= world.clock.now():
        raise ApiError(40001 if found["replaced"] else 42001)
    return account


def owner(world: World, token: str) -> str:
    """The appid a token was made for, dead or alive; empty when unknown."""
    return str(world.store.value("SELECT appid FROM tokens WHERE token = ?", token) or "")


def _latest(world: World, account: Account, kind: str) -> sqlite3.Row | None:
    """The newest token of the kind; forced ones are stable ones."""
    kinds = ("classic", "classic") if kind == "classic" else ("stable", "forced")
    return world.store.row(
        "SELECT * FROM tokens WHERE appid = ? AND kind IN (?, ?) ORDER BY sequence DESC LIMIT 1", account.appid, *kinds
    )


def _mint(world: World, account: Account, kind: str) -> tuple[str, int]:
    sequence = 1 + int(world.store.value("SELECT COALESCE(MAX(sequence), 0) FROM tokens"))
    token, now = f"{sequence}_{world.random.text(136)}", world.clock.now()
    world.store.run(
        "INSERT INTO tokens (token, appid, kind, minted_at, expires_at, sequence) VALUES (?, ?, ?, ?, ?, ?)",
        token, account.appid, kind, now, now + LIFE, sequence,
    )  # fmt: skip
    return token, LIFE


def _kill(world: World, token: sqlite3.Row, *, after: int) -> None:
    end = min(float(token["expires_at"]), world.clock.now() + after)
    world.store.run("UPDATE tokens SET expires_at = ?, replaced = 1 WHERE token = ?", end, token["token"])
