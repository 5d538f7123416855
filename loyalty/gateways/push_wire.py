"""Bodies of pushes: XML or JSON in, nested fields out; nothing in them can grow, loop or recurse.

Document types are refused, and with them every entity of somebody else's making.
"""

import json
from xml.parsers import expat

from loyalty.kernel.database import Json
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.texts import is_storable

_DEPTH_MAX = 16


class PushMalformed(InvalidInput):
    """The body is not what WeChat sends: no XML, no JSON, or hostile."""

    code = "push_malformed"
    message = "推送内容无法解析"


def read_body(body: bytes) -> Json:
    """Read the fields of a push; a mini program may send JSON.

    Raises:
        PushMalformed: see the class.
    """
    try:
        fields = _read_json(body) if body.lstrip().startswith(b"{") else _read_xml(body)
        if not is_storable(fields):
            raise ValueError("a text that cannot be stored")
    except (ValueError, RecursionError, expat.ExpatError) as error:
        raise PushMalformed from error
    return fields


def text_reply(fields: Json, *, text: str, timestamp: int) -> str:
    """Write a text answer to the sender of a push."""
    return (
        "<xml>"
        f"<ToUserName>{_cdata(str(fields.get('FromUserName', '')))}</ToUserName>"
        f"<FromUserName>{_cdata(str(fields.get('ToUserName', '')))}</FromUserName>"
        f"<CreateTime>{timestamp}</CreateTime>"
        "<MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{_cdata(text)}</Content>"
        "</xml>"
    )


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _read_json(body: bytes) -> Json:
    fields = json.loads(body.decode())
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    return fields


def _read_xml(body: bytes) -> Json:
    parser, builder = expat.ParserCreate(), _Builder()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.Parse(body, True)
    if builder.root_name != "xml" or not isinstance(builder.root, dict):
        raise ValueError("the root is not <xml> with fields in it")
    return builder.root


def _refuse_doctype(*_declaration: object) -> None:
    raise ValueError("a document type is refused")


class _Builder:
    """Puts elements into nested objects; a repeated name becomes a list."""

    def __init__(self) -> None:
        self.root: Json | str = ""
        self.root_name = ""
        self._open: list[tuple[str, Json, list[str]]] = []

    def start(self, name: str, _attributes: object) -> None:
        if len(self._open) >= _DEPTH_MAX:
            raise ValueError("nested too deep")
        self._open.append((name, {}, []))

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, _name: str) -> None:
        name, children, texts = self._open.pop()
        value: Json | str = children or "".join(texts).strip()
        if not self._open:
            self.root_name, self.root = name, value
            return
        siblings = self._open[-1][1]
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]
