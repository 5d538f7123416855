"""The risk rank (安全风控) of a mini program's user, from 0 (fine) to 4."""

from sandbox import quotas, users
from sandbox.dispatch import Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.visitors import visitor

TESTS = 100


@endpoint("/wxa/getuserriskrank", kind="mp")
def risk_rank(call: Call) -> Answer:
    """The rank set for the person; asks for a visit within two hours."""
    world, account = call.world, call.account
    if call.body.get("appid") != account.appid:
        raise ApiError(43104)
    if call.integer("scene", refuse=40129, default=-1) not in (0, 1):
        raise ApiError(40129)
    call.text("client_ip", refuse=40097)
    user_id = visitor(call)
    if call.body.get("is_test"):
        quotas.limit(world, appid=account.appid, name="risk test", period="ever", most=TESTS, errcode=9410009)
    rank = users.get(world, user_id)["risk_rank"]
    return {"errcode": 0, "errmsg": "getuserriskrank succ", "unoin_id": int(world.random.digits(10)), "risk_rank": rank}
