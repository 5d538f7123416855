"""Door: signed JSON for POS, ERP and CRM systems (合作系统接口), ``/partner/v1``."""

from flask import Flask, Response
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from loyalty.settings import Settings
from portal.partner_api import errors, limits, openapi
from portal.partner_api.v1 import batches, events, members, points, purchases, statement
from portal.partner_api.v1.blueprint import PREFIX

SUBJECTS = (members, purchases, points, events, batches, statement)


def register(app: Flask, settings: Settings) -> tuple[Blueprint, ...]:
    """Put the API on the application; return its blueprints, which need no CSRF token."""
    api = openapi.install(app)
    for module in SUBJECTS:
        api.register_blueprint(module.blueprint)
    # After the guards, so that only requests of a proved key count against it.
    limits.install(app, settings.redis_url, blueprints=[module.blueprint.name for module in SUBJECTS])
    return tuple(module.blueprint for module in SUBJECTS)


def owns(path: str) -> bool:
    """Tell whether a path that no route matches is to be answered in the API's shape."""
    return path.startswith(PREFIX)


def unrouted(error: HTTPException) -> Response:
    """Answer a path or method that no route of the API matches."""
    return errors.refused_by_framework(error)
