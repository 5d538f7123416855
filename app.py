"""The application: settings, then the container, then the doors."""

import os
import sys

from flask import Flask, Response, request
from flask_migrate import Migrate
from werkzeug.exceptions import HTTPException

import jobs
import miniprogram_api
import portal
from loyalty.container import Container, build
from loyalty.kernel import logs, schema
from loyalty.kernel.errors import Unavailable
from loyalty.settings import Settings, SettingsError

migrate = Migrate(directory="migrations")


def create_app(container: Container | None = None) -> Flask:
    """Make the application on a container; without one, from the environment.

    The commands of ``flask`` use this; it does not look at the schema, so that it can migrate it.
    """
    if container is None:
        try:
            container = build(Settings.from_environment(os.environ))
        except SettingsError as error:
            sys.exit(f"The settings are not complete:\n{error}")
    logs.configure(container.settings.log_level)
    app = Flask("portal", root_path=os.path.dirname(os.path.abspath(portal.__file__)))
    app.extensions["container"] = container
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    migrate.init_app(app, container.database)
    portal.prepare(app, container.settings)
    portal.register(app, without_csrf=miniprogram_api.register(app, container.settings))
    jobs.register(app)
    app.register_error_handler(HTTPException, _unrouted)
    return app


def _unrouted(error: HTTPException) -> Response:
    """Answer what no route matched in the way of the door it was meant for."""
    door = miniprogram_api if miniprogram_api.owns(request.path) else portal
    return door.unrouted(error)


def wsgi() -> Flask:
    """Make the application for a web server; refuses to start on a stale schema."""
    app = create_app()
    try:
        schema.require_current(app.extensions["container"].database)
    except (schema.StaleSchema, Unavailable) as error:
        sys.exit(f"Not started: {error}")
    return app
