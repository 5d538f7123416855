"""From a request to what the domain takes: the desk, and the member whom it names."""

from typing import Any

from loyalty.partners.rules.references import MemberName
from loyalty.partners.service.desk import Desk
from portal.context import container
from portal.partner_api.auth import caller


def desk() -> Desk:
    """Return the desk for this request."""
    return Desk(caller=caller(), vault=container().vault, zone=container().zone, at=container().clock.now())


def member_name(body: dict[str, Any]) -> MemberName:
    """Return how a request names its member.

    Raises:
        MemberNotNamed: by nothing, or by two things.
    """
    return MemberName(ref=body["member_ref"], phone=body["phone"])


def optional_member_name(body: dict[str, Any]) -> MemberName | None:
    """Return how a request names a member, or None when it names none."""
    return member_name(body) if body["member_ref"] is not None or body["phone"] is not None else None
