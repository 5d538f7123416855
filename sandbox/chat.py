"""What people write to an account."""

from sandbox import messages, users, windows
from sandbox.follows import ActRefused, is_follower
from sandbox.push import Push
from sandbox.world import World

LONGEST = 2000


def write(world: World, *, user_id: int, appid: str, content: str) -> Push:
    """The person sends a text; followers only in an Official Account. Returns the push.

    Raises ActRefused, UserNotFound.
    """
    account = world.account(appid)
    if account is None or not 0 < len(content) <= LONGEST:
        raise ActRefused(f"no account {appid}" if account is None else f"a text has 1 to {LONGEST} characters")
    user = users.get(world, user_id)
    if account.kind == "oa" and not is_follower(world, appid=appid, user_id=user_id):
        raise ActRefused("only followers can write to the account")
    with world.store.transaction():
        windows.opened(world, appid=appid, user_id=user_id, act="text")
        messages.deliver(world, user_id=user_id, channel="sent", appid=appid, text=content)
    openid = user["openids"][appid]
    fields = {
        "ToUserName": account.original_id,
        "FromUserName": openid,
        "CreateTime": int(world.clock.now()),
        "MsgType": "text",
        "Content": content,
        "MsgId": int(world.random.digits(17)),
    }
    return Push(appid=appid, openid=openid, fields=fields, is_conversation=True)
