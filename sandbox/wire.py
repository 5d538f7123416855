"""The two forms of a push body, XML and JSON, and the reading of a reply in XML.

``List`` with several entries is a repeated element in XML, an array in JSON; with one entry it is a single element or a
plain object: the real platform does the same, and receivers must cope.
"""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree


class ReplyInvalid(Exception):
    """The text is not an XML reply."""


def to_xml(fields: Mapping[str, Any]) -> str:
    """A push body in XML; texts as CDATA, numbers plain."""
    return f"<xml>{_elements(fields)}</xml>"


def to_json(fields: Mapping[str, Any]) -> str:
    """A push body in JSON, where ``List`` stands at the top level."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat.update(_unwrapped(value) if isinstance(value, dict) and "List" in value else {name: value})
    return json.dumps(flat, ensure_ascii=False)


def from_xml(text: str) -> dict[str, Any]:
    """Reads an XML reply into nested objects; repeated elements become lists. Raises ReplyInvalid."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - the system under test runs on the same desk
    except ElementTree.ParseError as error:
        raise ReplyInvalid(f"not XML: {error}") from error
    value = _value(root)
    if root.tag != "xml" or not isinstance(value, dict):
        raise ReplyInvalid("the root element must be <xml> and hold elements")
    return value


def _elements(fields: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{_content(one)}</{name}>"
        for name, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    )


def _content(value: Any) -> str:
    if isinstance(value, Mapping):
        return _elements(value)
    if isinstance(value, int):
        return str(value)
    return f"<![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]>"


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    entries = value["List"]
    return {"List": entries[0] if len(entries) == 1 else entries}


def _value(element: ElementTree.Element) -> str | dict[str, Any]:
    if len(element) == 0:
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        value = _value(child)
        if child.tag in found:
            known = found[child.tag]
            found[child.tag] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            found[child.tag] = value
    return found
