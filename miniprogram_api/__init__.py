"""Door: JSON for the mini program (小程序), ``/miniprogram/v1``."""

from flask import Flask, Response
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from loyalty.settings import Settings
from miniprogram_api import errors, limits, openapi
from miniprogram_api.v1 import (
    campaigns,
    check_ins,
    commissions,
    coupon_centre,
    coupons,
    earnings,
    make_ups,
    me,
    member_codes,
    messages,
    missions,
    payouts,
    phone,
    points,
    privacy,
    proofs,
    referrals,
    sessions,
    sharing,
)
from miniprogram_api.v1.blueprint import PREFIX

SUBJECTS = (
    sessions,
    me,
    phone,
    proofs,
    member_codes,
    points,
    check_ins,
    make_ups,
    missions,
    coupon_centre,
    coupons,
    campaigns,
    referrals,
    sharing,
    earnings,
    commissions,
    payouts,
    messages,
    privacy,
)


def register(app: Flask, settings: Settings) -> tuple[Blueprint, ...]:
    """Put the API on the application; return its blueprints, which need no CSRF token."""
    limited = [module.blueprint.name for module in SUBJECTS if hasattr(module, "limiter")]
    limits.install(app, settings.redis_url, blueprints=limited)
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
