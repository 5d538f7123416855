"""How every subject of the API is put on the application: signed requests only, one shape of errors."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema

from portal.partner_api import errors, limits
from portal.partner_api.auth import guard
from portal.partner_api.bodies import BodyParser

PREFIX = "/partner/v1"


class _Subject(Blueprint):  # type: ignore[misc]
    """A blueprint whose request schemas are made once, not for each request."""

    ARGUMENTS_PARSER = BodyParser()

    def arguments(self, schema: type[Schema], **options: Any) -> Any:
        """Take the arguments of a view from the request by a schema."""
        return super().arguments(schema(), **options)


def subject(name: str, import_name: str, *, description: str) -> Blueprint:
    """Make the blueprint of one subject."""
    blueprint = _Subject(f"partner_{name}", import_name, url_prefix=PREFIX, description=description)
    blueprint.before_request(guard)
    limits.install(blueprint)
    errors.install(blueprint)
    return blueprint
