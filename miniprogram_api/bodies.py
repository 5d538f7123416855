"""Reading request bodies: JSON, said to be JSON, with texts that can be stored; anything else is refused."""

from typing import Any

from flask import Request
from webargs import missing
from webargs.flaskparser import FlaskParser, abort, is_json_request

from loyalty.kernel.texts import TextNotStorable, read_json


class BodyParser(FlaskParser):
    """Reads the arguments of all views; no body at all is an empty one."""

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return missing
        if not is_json_request(req):
            abort(415)
        try:
            return read_json(body)
        except TextNotStorable:
            abort(422, messages={"json": ["含有无法保存的字符"]})
        except (ValueError, RecursionError) as error:
            abort(400, exc=error, messages={"json": ["Invalid JSON body."]})
