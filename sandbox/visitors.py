"""People who use the mini program now: some interfaces answer only for them."""

from sandbox import users
from sandbox.dispatch import Call
from sandbox.errors import ApiError


def visitor(call: Call) -> int:
    """The person behind ``openid``, seen within two hours. Raises ApiError 40003, 43104 (of another account), 61010."""
    openid, appid = call.text("openid", refuse=40003), call.account.appid
    user_id = users.of_openid(call.world, appid=appid, openid=openid)
    if user_id is None:
        others = [one.appid for one in call.world.config.accounts if one.appid != appid]
        is_foreign = any(users.of_openid(call.world, appid=one, openid=openid) is not None for one in others)
        raise ApiError(43104 if is_foreign else 40003)
    if not users.has_visited(call.world, appid=appid, user_id=user_id):
        raise ApiError(61010)
    return user_id
