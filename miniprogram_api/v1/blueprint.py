"""How every subject of the API is put on the application: guarded, with one shape of errors."""

from flask_smorest import Blueprint

from miniprogram_api import errors
from miniprogram_api.auth import guard

PREFIX = "/miniprogram/v1"


def subject(name: str, import_name: str, *, description: str) -> Blueprint:
    """Make the blueprint of one subject."""
    blueprint = Blueprint(f"miniprogram_{name}", import_name, url_prefix=PREFIX, description=description)
    blueprint.before_request(guard)
    errors.install(blueprint)
    return blueprint
