"""When an account may write customer messages (客服消息) to a person, and how many.

What the person does opens a window; the same act again opens it anew. The allowance table is that of 2023-06.
"""

from sandbox.errors import ApiError
from sandbox.world import World

ALLOWANCES = {
    ("oa", "text"): (5, 48 * 3600),
    ("oa", "menu"): (3, 60),
    ("oa", "follow"): (3, 60),
    ("oa", "scan"): (3, 60),
    ("mp", "text"): (5, 48 * 3600),
    ("mp", "enter"): (2, 60),
}
"""Messages and seconds by kind of account and act."""


def opened(world: World, *, appid: str, user_id: int, act: str) -> None:
    """The person did something that lets the account write."""
    account = world.account(appid)
    if account is None:
        return
    count, seconds = ALLOWANCES[(account.kind, act)]
    world.store.run(
        "INSERT OR REPLACE INTO reply_windows VALUES (?, ?, ?, ?, ?)",
        appid,
        user_id,
        act,
        world.clock.now() + seconds,
        count,
    )


def use(world: World, *, appid: str, user_id: int) -> None:
    """Takes one message from the window that closes first.

    Raises ApiError 45015 when no window is open, 45047 when all open ones are used up.
    """
    open_ones = world.store.rows(
        "SELECT kind, remaining FROM reply_windows"
        " WHERE appid = ? AND user_id = ? AND expires_at > ? ORDER BY expires_at",
        appid, user_id, world.clock.now(),
    )  # fmt: skip
    if not open_ones:
        raise ApiError(45015)
    usable = [row["kind"] for row in open_ones if row["remaining"] > 0]
    if not usable:
        raise ApiError(45047)
    world.store.run(
        "UPDATE reply_windows SET remaining = remaining - 1 WHERE appid = ? AND user_id = ? AND kind = ?",
        appid, user_id, usable[0],
    )  # fmt: skip
