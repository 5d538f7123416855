"""Single-use codes: OAuth codes, mini-program login codes, phone-number codes. Each lives five minutes."""

from sandbox.errors import ApiError
from sandbox.world import World

LIFE = 300


def mint(world: World, *, kind: str, appid: str, user_id: int, scope: str = "") -> str:
    """A fresh code of kind oauth, login or phone for one person and account."""
    code = f"0{world.random.text(31)}"
    world.store.run(
        "INSERT INTO codes (code, kind, appid, user_id, scope, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        code, kind, appid, user_id, scope, world.clock.now() + LIFE,
    )  # fmt: skip
    return code


def redeem(world: World, *, kind: str, appid: str, code: str, used: int, expired: int) -> tuple[int, str]:
    """Uses a code up and returns the person's id and the scope.

    Raises ApiError 40029 (unknown, or of another account or kind), ``used`` or ``expired``.
    """
    found = world.store.row("SELECT * FROM codes WHERE code = ? AND kind = ? AND appid = ?", code, kind, appid)
    if found is None:
        raise ApiError(40029)
    if found["used_at"] is not None:
        raise ApiError(used)
    if found["expires_at"] <= world.clock.now():
        raise ApiError(expired)
    world.store.run("UPDATE codes SET used_at = ? WHERE code = ?", world.clock.now(), code)
    return found["user_id"], found["scope"]
