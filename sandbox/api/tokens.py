"""The two calls that give access tokens."""

from sandbox import quotas, tokens
from sandbox.credentials import check_grant_type, check_secret
from sandbox.dispatch import Answer, Call, endpoint
from sandbox.errors import ApiError


@endpoint("/cgi-bin/token", method="GET", needs_token=False)
def token(call: Call) -> Answer:
    """A new token on every call; the last one dies five minutes later."""
    check_grant_type(call.query, wanted="client_credential")
    account = check_secret(call.world, call.query, address=call.address)
    quotas.count(call.world, appid=account.appid, path="/cgi-bin/token", day=2000, minute=None)
    fresh, seconds = tokens.classic(call.world, account)
    return {"access_token": fresh, "expires_in": seconds}


@endpoint("/cgi-bin/stable_token", needs_token=False)
def stable_token(call: Call) -> Answer:
    """The living token, or with ``force_refresh`` a new one."""
    check_grant_type(call.body, wanted="client_credential")
    account = check_secret(call.world, call.body, address=call.address)
    force = call.body.get("force_refresh", False)
    if not isinstance(force, bool):
        raise ApiError(47001)
    quotas.count(call.world, appid=account.appid, path="/cgi-bin/stable_token", day=500_000, minute=10_000)
    fresh, seconds = (tokens.forced if force else tokens.stable)(call.world, account)
    return {"access_token": fresh, "expires_in": seconds}
