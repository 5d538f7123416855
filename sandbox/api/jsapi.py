"""The JS-SDK ticket."""

from sandbox import jssdk
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError


@endpoint("/cgi-bin/ticket/getticket", method="GET", kind="oa", day=1_000_000)
def get_ticket(call: Call) -> Answer:
    """The living ticket of the account."""
    if call.query.get("type") != "jsapi":
        raise ApiError(40097)
    ticket, seconds = jssdk.ticket(call.world, call.account)
    return {**OK, "ticket": ticket, "expires_in": seconds}
