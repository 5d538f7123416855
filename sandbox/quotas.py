"""Daily and minute quotas per account and interface; days begin at midnight in China."""

from sandbox.errors import ApiError
from sandbox.world import World


def count(world: World, *, appid: str, path: str, day: int | None, minute: int | None) -> None:
    """Counts one call. Raises ApiError 45011 over the minute quota, 45009 over the daily one.

    The configuration's ``quotas`` may set other figures: {"/cgi-bin/…": {"day": 10, "minute": 2}}.
    """
    wanted = world.config.quotas.get(path, {})
    per_minute, per_day = wanted.get("minute", minute), wanted.get("day", day)
    with world.store.transaction():
        if per_minute is not None and used(world, appid=appid, name=path, period=_minute(world)) >= per_minute:
            raise ApiError(45011)
        if per_day is not None and used(world, appid=appid, name=path, period=world.clock.day()) >= per_day:
            raise ApiError(45009)
        add(world, appid=appid, name=path, period=_minute(world))
        add(world, appid=appid, name=path, period=world.clock.day())


def limit(world: World, *, appid: str, name: str, period: str, most: int, errcode: int) -> None:
    """Counts one use of a counter of its own. Raises ApiError ``errcode`` when ``most`` are used."""
    with world.store.transaction():
        if used(world, appid=appid, name=name, period=period) >= most:
            raise ApiError(errcode)
        add(world, appid=appid, name=name, period=period)


def limit_minute(world: World, *, appid: str, name: str, most: int) -> None:
    """Counts one use within the present minute. Raises ApiError 45011."""
    limit(world, appid=appid, name=name, period=_minute(world), most=most, errcode=45011)


def used(world: World, *, appid: str, name: str, period: str) -> int:
    """How often a counter was used in a period."""
    found = world.store.value("SELECT used FROM counters WHERE name = ? AND period = ?", f"{appid} {name}", period)
    return int(found or 0)


def add(world: World, *, appid: str, name: str, period: str) -> None:
    """Counts without a limit."""
    world.store.run(
        "INSERT INTO counters VALUES (?, ?, 1) ON CONFLICT (name, period) DO UPDATE SET used = used + 1",
        f"{appid} {name}", period,
    )  # fmt: skip


def _minute(world: World) -> str:
    return f"minute {int(world.clock.now()) // 60}"
