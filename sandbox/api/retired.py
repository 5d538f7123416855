"""Interfaces that the platform has withdrawn: they always answer 45109."""

from sandbox.dispatch import Answer, Call, endpoint
from sandbox.errors import ApiError


@endpoint("/cgi-bin/message/wxopen/template/uniform_send")
@endpoint("/cgi-bin/message/wxopen/template/send")
def withdrawn(call: Call) -> Answer:
    """Refuses."""
    raise ApiError(45109)
