"""What a request of the mini program needs at hand: the container and the caller."""

from typing import cast

from flask import current_app, g, request

from loyalty.container import Container
from loyalty.kernel.checking import is_tidy
from loyalty.kernel.errors import NotAllowed
from loyalty.members.service import Caller

DEVICE_HEADER = "X-Device-Id"
_DEVICE_LENGTH_MAX = 64


class MembershipRequired(NotAllowed):
    """The caller is known to WeChat but has not bound a phone yet."""

    code = "membership_required"
    message = "请先绑定手机号成为会员"


def container() -> Container:
    """Return the application's container."""
    return cast(Container, current_app.extensions["container"])


def caller() -> Caller:
    """Return who is calling, as the guard found out."""
    return cast(Caller, g.caller)


def member_id() -> int:
    """Return the caller's member.

    Raises:
        MembershipRequired: the caller is only a visitor.
    """
    member = caller().member_id
    if member is None:
        raise MembershipRequired
    return member


def client_ip() -> str:
    """Return the caller's address, behind as many proxies as ``TRUSTED_PROXY_COUNT`` says."""
    return request.remote_addr or "0.0.0.0"  # noqa: S104 - a value to store, nothing is bound


def device_id() -> str | None:
    """Return what the mini program keeps on this phone, for risk; whatever makes no sense counts as nothing."""
    device = request.headers.get(DEVICE_HEADER, "")
    return device if is_tidy(device, _DEVICE_LENGTH_MAX) else None
