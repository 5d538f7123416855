"""Links into a mini program from outside WeChat: URL Link and URL Scheme. They live at most 30 days."""

from typing import Any

from sandbox import quotas
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError

LONGEST_DAYS = 30
DAY = 86400
PER_DAY = 500_000


@endpoint("/wxa/generate_urllink", kind="mp")
def url_link(call: Call) -> Answer:
    """An https link that opens the mini program."""
    path, query = _target(call, call.body)
    url = f"https://wxaurl.cn/{call.world.random.text(11)}"
    _store(call, url, "urllink", path, query, _expiry(call))
    return {**OK, "url_link": url}


@endpoint("/wxa/generatescheme", kind="mp")
def scheme(call: Call) -> Answer:
    """A weixin:// link that opens the mini program."""
    target = call.body.get("jump_wxa", {})
    path, query = _target(call, target if isinstance(target, dict) else {})
    url = f"weixin://dl/business/?t={call.world.random.text(11)}"
    _store(call, url, "scheme", path, query, _expiry(call))
    return {**OK, "openlink": url}


def _target(call: Call, given: dict[str, Any]) -> tuple[str, str]:
    if not call.account.is_released:
        raise ApiError(85079)
    path, query = given.get("path") or "", given.get("query") or ""
    page = path.removeprefix("/") if isinstance(path, str) else None
    if page is None or (page and page not in call.account.pages):
        raise ApiError(40165)
    if not isinstance(query, str) or len(query) > 1024:
        raise ApiError(40212)
    return page or (call.account.pages[0] if call.account.pages else ""), query


def _expiry(call: Call) -> float:
    """When the link dies: 30 days unless the call says sooner."""
    now = call.world.clock.now()
    if call.integer("expire_type", refuse=85401, default=0) == 1:
        days = call.integer("expire_interval", refuse=85402, default=LONGEST_DAYS)
        if not 1 <= days <= LONGEST_DAYS:
            raise ApiError(85402)
        return now + days * DAY
    at = call.integer("expire_time", refuse=85401, default=0)
    if at == 0:
        return now + LONGEST_DAYS * DAY
    if not now < at <= now + LONGEST_DAYS * DAY + 60:
        raise ApiError(85401)
    return float(at)


def _store(call: Call, url: str, kind: str, path: str, query: str, expires_at: float) -> None:
    """Both kinds share one daily quota."""
    day, appid = call.world.clock.day(), call.account.appid
    quotas.limit(call.world, appid=appid, name="links", period=day, most=PER_DAY, errcode=45009)
    call.world.store.run("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?)", url, kind, appid, path, query, expires_at)
