"""The ``data`` of template and subscription messages: checked by the key types, stripped where the platform strips."""

from dataclasses import dataclass
from typing import Any

from sandbox import values
from sandbox.errors import ApiError
from sandbox.templates import StoredTemplate

CUT = 20
DEAD_KEYS = ("first", "remark")


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What the person will see, and the names of what was removed."""

    fields: list[dict[str, str]]
    stripped: list[str]


def render_subscription(template: StoredTemplate, data: Any) -> Rendered:
    """Fields of a subscription message; nothing is mended. Raises ApiError 47001, 47003 naming the field."""
    given = _values(data)
    for key in template.keys:
        _check(template, key, given.get(key, ""))
    return Rendered(fields=[_field(template, key, given[key]) for key in template.keys], stripped=[])


def render_template(template: StoredTemplate, data: Any) -> Rendered:
    """Fields of a template message. ``first``, ``remark``, colours, emoji and line breaks fall away, untyped values are
    cut to 20 characters, typed ones are checked. Raises ApiError 47001, 47003 naming the field.
    """
    given = _values(data)
    stripped = [key for key in DEAD_KEYS if key in given]
    stripped += [f"{key}.color" for key, one in data.items() if "color" in one]
    fields = []
    for key in template.keys:
        if key in DEAD_KEYS:
            continue
        value = _without_emoji(given.get(key, ""))
        if value != given.get(key, ""):
            stripped.append(f"{key}.emoji")
        if values.kind_of(key) is None:
            value, changes = _cut(key, value)
            stripped += changes
        else:
            _check(template, key, value)
        fields.append(_field(template, key, value))
    return Rendered(fields=fields, stripped=stripped)


def _values(data: Any) -> dict[str, str]:
    if not isinstance(data, dict) or not data:
        raise ApiError(47001)
    for one in data.values():
        if not isinstance(one, dict) or not isinstance(one.get("value", ""), str):
            raise ApiError(47001)
    return {key: one.get("value", "") for key, one in data.items()}


def _check(template: StoredTemplate, key: str, value: str) -> None:
    if not value.strip():
        raise ApiError(47003, f"data.{key}.value is empty")
    if not values.fits(key, value, choices=template.choices):
        raise ApiError(47003, f"data.{key}.value invalid")


def _without_emoji(value: str) -> str:
    return "".join(one for one in value if not values.is_emoji(one))


def _cut(key: str, value: str) -> tuple[str, list[str]]:
    flat = " ".join(value.splitlines())
    changes = [f"{key}.line_break"] if flat != value else []
    if len(flat) > CUT:
        changes.append(f"{key}.cut")
    return flat[:CUT], changes


def _field(template: StoredTemplate, key: str, value: str) -> dict[str, str]:
    return {"key": key, "label": template.label(key), "value": value}
