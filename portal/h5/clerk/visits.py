"""Visits in addresses: who stands at the till, signed, so that nobody but the clerk who read the code can use it."""

from datetime import datetime

from flask import url_for
from itsdangerous import BadSignature, URLSafeSerializer

from loyalty.clerks.rules import Visit, VisitOver, check_present
from portal.context import container
from portal.h5.clerk.desk import desk


def address_of(visit: Visit) -> str:
    """Return the page of whom or what a code named."""
    token = token_of(visit)
    if visit.coupon_id is not None:
        return url_for("h5.clerk_coupon", visit=token, coupon_id=visit.coupon_id)
    return url_for("h5.clerk_visit", visit=token)


def token_of(visit: Visit) -> str:
    """Return a visit as it stands in an address: ids alone."""
    told = [visit.staff_id, visit.store_id, visit.member_id, visit.coupon_id, visit.until.isoformat()]
    return _serializer().dumps(told)


def read_visit(token: str) -> Visit:
    """Return the visit that an address names.

    Raises:
        VisitOver: it is over, of somebody else, or at another store.
    """
    try:
        staff_id, store_id, member_id, coupon_id, until = _serializer().loads(token)
    except BadSignature as error:
        raise VisitOver from error
    visit = Visit(staff_id, store_id, member_id, coupon_id, datetime.fromisoformat(until))
    check_present(visit, staff_id=desk().clerk.staff_id, store_id=desk().store_id, at=container().clock.now())
    return visit


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(container().settings.secret_key, salt="h5-clerk-visit")
