"""Reading request bodies: JSON, said to be JSON, with texts that can be stored; anything else is refused."""

import json
import re
from typing import Any

from flask import Request
from webargs import missing
from webargs.flaskparser import FlaskParser, abort, is_json_request

from loyalty.kernel.texts import is_storable

_DOUBTFUL = re.compile(rb"\\u(?:0000|d[89a-f])", re.IGNORECASE)
"""Escapes of what cannot be stored, and of emoji: only a body with one is looked through."""


class BodyParser(FlaskParser):
    """Reads the arguments of all views; no body at all is an empty one."""

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return missing
        if not is_json_request(req):
            abort(415)
        try:
            value = json.loads(body.decode())
        except (ValueError, RecursionError) as error:
            abort(400, exc=error, messages={"json": ["Invalid JSON body."]})
        if _DOUBTFUL.search(body) and not is_storable(value):
            abort(422, messages={"json": ["含有无法保存的字符"]})
        return value
