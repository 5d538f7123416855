"""Makes dataclasses from JSON objects and refuses what does not fit their annotations, by name."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class ConfigInvalid(Exception):
    """The configuration cannot be used; the text names the key."""


def build(cls: type[T], given: Any, *, where: str) -> T:
    """A ``cls`` with the values of a JSON object; lists become tuples. Raises ConfigInvalid."""
    if not isinstance(given, Mapping):
        raise ConfigInvalid(f"{where} must be an object")
    hints = get_type_hints(cls)
    unknown = sorted(set(given) - set(hints))
    if unknown:
        raise ConfigInvalid(f"{where}: unknown key {', '.join(unknown)}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    wrong = [key for key, value in values.items() if not _fits(hints[key], value)]
    if wrong:
        raise ConfigInvalid(f"{where}: {wrong[0]} has a wrong kind of value")
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigInvalid(f"{where}: {str(error).split('.__init__() ')[-1]}") from error


def objects(given: Any, *, where: str) -> list[Mapping[str, Any]]:
    """A list of JSON objects. Raises ConfigInvalid."""
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise ConfigInvalid(f"{where} must be a list of objects")
    return given


def _fits(hint: Any, value: Any) -> bool:
    """Whether a value is of the annotated kind; numbers must not be negative."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(inner[0], one) for one in value)
    if origin is list:
        return isinstance(value, list) and all(_fits(inner[0], one) for one in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_fits(inner[1], one) for one in value.values())
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool) and value >= 0
    return isinstance(value, hint)
