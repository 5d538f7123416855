"""Tokens of web authorisation: they belong to one person and one account and open the person's profile."""

import sqlite3
from typing import Any

from sandbox import users
from sandbox.errors import ApiError
from sandbox.world import World

LIFE = 7200
REFRESH_LIFE = 30 * 86400


def issue(world: World, *, appid: str, user_id: int, scope: str) -> dict[str, Any]:
    """Fresh tokens, told as the platform does: the unionid only with userinfo, the flag only for virtual users."""
    access, refresh = f"98_{world.random.text(86)}", f"98_{world.random.text(86)}"
    now = world.clock.now()
    world.store.run(
        "INSERT INTO user_tokens VALUES (?, ?, ?, ?, ?, ?, ?)",
        access, refresh, appid, user_id, scope, now + LIFE, now + REFRESH_LIFE,
    )  # fmt: skip
    return _told(world, access, refresh, appid, user_id, scope)


def refreshed(world: World, *, appid: str, refresh_token: str) -> dict[str, Any]:
    """Renews the access token's life. Raises ApiError 40030, 42002."""
    found = world.store.row("SELECT * FROM user_tokens WHERE refresh_token = ? AND appid = ?", refresh_token, appid)
    if found is None:
        raise ApiError(40030)
    now = world.clock.now()
    if found["refresh_expires_at"] <= now:
        raise ApiError(42002)
    fresh = f"98_{world.random.text(86)}" if found["expires_at"] <= now else found["access_token"]
    world.store.run(
        "UPDATE user_tokens SET access_token = ?, expires_at = ? WHERE access_token = ?",
        fresh,
        now + LIFE,
        found["access_token"],
    )
    return _told(world, fresh, refresh_token, appid, found["user_id"], found["scope"])


def check(world: World, *, access_token: str, openid: str) -> sqlite3.Row:
    """A living token of this person. Raises ApiError 41001, 40001, 42001, 40003."""
    if not access_token:
        raise ApiError(41001)
    found = world.store.row("SELECT * FROM user_tokens WHERE access_token = ?", access_token)
    if found is None:
        raise ApiError(40001)
    if found["expires_at"] <= world.clock.now():
        raise ApiError(42001)
    if users.openid(world, appid=found["appid"], user_id=found["user_id"]) != openid:
        raise ApiError(40003)
    return found


def _told(world: World, access: str, refresh: str, appid: str, user_id: int, scope: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "access_token": access,
        "expires_in": LIFE,
        "refresh_token": refresh,
        "openid": users.openid(world, appid=appid, user_id=user_id),
        "scope": scope,
    }
    if users.is_virtual(world, user_id):
        told["is_snapshotuser"] = 1
    unionid = users.public_unionid(world, user_id)
    if scope == "snsapi_userinfo" and unionid is not None:
        told["unionid"] = unionid
    return told
