"""The application: settings, then the container, then the doors."""

import os
import sys

from flask import Flask
from flask_migrate import Migrate

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
    migrate.init_app(app, container.database)
    portal.register(app, container.settings)
    miniprogram_api.register(app)
    jobs.register(app)
    return app


def wsgi() -> Flask:
    """Make the application for a web server; refuses to start on a stale schema."""
    app = create_app()
    try:
        schema.require_current(app.extensions["container"].database)
    except (schema.StaleSchema, Unavailable) as error:
        sys.exit(f"Not started: {error}")
    return app
