"""The Flask application: platform hosts as first path segment, the control API, the phone."""

import logging

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox import dispatch
from sandbox.api import load_endpoints
from sandbox.api.oauth import blueprint as oauth
from sandbox.api.qrcodes import blueprint as qrcodes
from sandbox.api.sms import blueprint as sms
from sandbox.clock import ClockOffsetUnreadable
from sandbox.control import blueprint as control
from sandbox.pay.door import blueprint as pay
from sandbox.phone import blueprint as phone
from sandbox.world import World

logger = logging.getLogger(__name__)
LARGEST_BODY = 4 * 1024 * 1024
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(world: World) -> Flask:
    """Puts the doors of one world together."""
    app = Flask("sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.extensions["sandbox"] = world
    load_endpoints()
    app.add_url_rule(f"/{dispatch.API}/<path:path>", "api", dispatch.api, methods=METHODS)
    for blueprint in (oauth, qrcodes, sms, pay, control, phone):
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(ClockOffsetUnreadable, _unreadable)
    app.register_error_handler(Exception, _failed)
    return app


def _refused(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500


def _unreadable(error: ClockOffsetUnreadable) -> tuple[Response, int]:
    return jsonify(error=str(error)), 503


def _failed(error: Exception) -> tuple[Response, int]:
    logger.exception("%s %s failed", request.method, request.path, exc_info=error)
    return jsonify(error="the sandbox failed; see its log"), 500
