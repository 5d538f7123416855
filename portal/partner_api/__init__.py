"""Door: signed JSON for POS, ERP and CRM systems (合作系统接口), ``/partner/v1``."""

from flask import Flask, Response
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from portal.partner_api import errors, limits, openapi
from portal.partner_api.v1 import (
    baskets,
    batches,
    coupon_uses,
    coupons,
    events,
    members,
    points,
    purchases,
    statement,
)
from portal.partner_api.v1.blueprint import PREFIX

SUBJECTS = (members, purchases, points, coupons, coupon_uses, baskets, events, batches, statement)


def register(app: Flask) -> tuple[Blueprint, ...]:
    """Put the API on the application; return its blueprints, which need no CSRF token."""
    limits.prepare(app)
    api = openapi.install(app)
    for module in SUBJECTS:
        api.register_blueprint(module.blueprint)
    return tuple(module.blueprint for module in SUBJECTS)


def owns(path: str) -> bool:
    """Tell whether a path that no route matches is to be answered in the API's shape."""
    return path.startswith(PREFIX)


def unrouted(error: HTTPException) -> Response:
    """Answer a path or method that no route of the API matches."""
    return errors.refused_by_framework(error)
