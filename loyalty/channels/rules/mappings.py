"""Mappings: which fact of a notice, with which words around it, stands under which template key.

A mapping such as ``{"thing1": "{reason}", "number2": "{points:unsigned}"}`` is checked when it is
saved, so that a marketer and not a member meets the mistake. ``unsigned`` drops the sign of a figure,
which keys of type ``number`` cannot show.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loyalty.channels.rules.key_types import ValueUnfit, fit
from loyalty.kernel.errors import InvalidInput

_PLACEHOLDER = re.compile(r"\{(\w+)(:unsigned)?\}")
_CONTENT_KEY = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")
_LABELLED_KEY = re.compile(r"([^\n{}]*)\{\{\s*(\w+)\.DATA\s*\}\}")
_NO_LONGER_SHOWN = frozenset({"first", "remark"})
"""Keys that old templates still have in their text and WeChat leaves away since 2023."""
_NUMBER = re.compile(r"\d+$", re.ASCII)

SAMPLES: Mapping[str, Sequence[str]] = {
    "points": ("1", "-12345678"),
    "instant": ("2026年1月2日 03:04", "2026年12月28日 23:59"),
    "day": ("2026年1月2日", "2026年12月28日"),
    "money": ("¥0.10", "¥123456.78"),
}
"""Values that every fact of a sort can take, all of which must fit."""
_TEXT_SAMPLES = ("签到奖励", "880012345678", "Ab12-34")
"""Texts differ: a member number is digits, a reason is Chinese. One of them must fit."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a template at WeChat looks like: its text, and the reviewed values of keys that have them."""

    content: str
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)


class MappingRefused(InvalidInput):
    """The mapping cannot work; ``details["problems"]`` names each problem in Chinese."""

    code = "template_mapping_refused"
    message = "消息模板的字段设置不正确"


def keys_of(content: str) -> list[str]:
    """Return the keys of a template's content, such as ``积分:{{number2.DATA}}``, but for those no longer shown."""
    return [key for key in _CONTENT_KEY.findall(content) if key not in _NO_LONGER_SHOWN]


def labels_of(content: str) -> dict[str, str]:
    """Return the words that stand before each key of a template's content."""
    return {key: label.strip(" :：") for label, key in _LABELLED_KEY.findall(content)}


def fill(mapping: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a message, each as the platform takes it.

    Raises:
        ValueUnfit: a fact is missing, or a value breaks the rule of its key.
    """
    return {key: fit(key, _filled(key, text, facts)) for key, text in mapping.items()}


def mapping_problems(
    mapping: Mapping[str, str], *, facts: Mapping[str, str], template: Shape | None = None
) -> list[str]:
    """Return why a mapping does not work for every notice of its kind, each problem in Chinese.

    ``facts`` names the facts of the kind and their sort: ``text``, ``points``, ``instant``, ``day`` or
    ``money``. With ``template`` the mapping must serve exactly the keys of the template.
    """
    problems = [] if mapping else ["至少设置一个字段"]
    if template is not None:
        problems += _key_problems(mapping, keys_of(template.content))
    for key, text in mapping.items():
        problems += _problems_of(key, text, facts) or _choice_problems(key, text, template)
    return problems


def _key_problems(mapping: Mapping[str, str], keys: Sequence[str]) -> list[str]:
    renamed = {_number(key): key for key in keys if key not in mapping}
    problems = []
    for key in sorted(set(mapping) - set(keys)):
        now = renamed.pop(_number(key), None)
        told = f"模板中此字段的类型已是 {now}" if now else "模板中没有此字段"
        problems.append(f"{key}：{told}")
    return [f"{key}：模板中有此字段，尚未设置" for key in sorted(renamed.values())] + problems


def _choice_problems(key: str, text: str, template: Shape | None) -> list[str]:
    choices = template.choices.get(key) if template else None
    if not choices or text in choices:
        return []
    return [f"{key}：只能是审核通过的“{'”“'.join(choices)}”之一"]


def _number(key: str) -> str:
    found = _NUMBER.search(key)
    return found.group() if found else key


def _problems_of(key: str, text: str, facts: Mapping[str, str]) -> list[str]:
    unknown = sorted(_names(text) - set(facts))
    if unknown:
        return [f"{key}：通知中没有“{name}”" for name in unknown]
    for turn in (0, 1):
        figures = {name: SAMPLES[sort][turn] for name, sort in facts.items() if sort in SAMPLES}
        reasons = [_reason_against(key, text, {**dict.fromkeys(facts, sample), **figures}) for sample in _TEXT_SAMPLES]
        if all(reasons):
            return [f"{key}：{reasons[0]}"]
    return []


def _reason_against(key: str, text: str, facts: Mapping[str, str]) -> str:
    try:
        fit(key, _filled(key, text, facts))
    except ValueUnfit as error:
        return str(error.details["reason"])
    return ""


def _filled(key: str, text: str, facts: Mapping[str, str]) -> str:
    missing = _names(text) - set(facts)
    if missing:
        raise ValueUnfit(key=key, reason=f"通知中没有“{min(missing)}”")
    return _PLACEHOLDER.sub(lambda found: _shown(facts[found[1]], is_unsigned=bool(found[2])), text)


def _shown(value: str, *, is_unsigned: bool) -> str:
    return value.lstrip("+-") if is_unsigned else value


def _names(text: str) -> set[str]:
    return {name for name, _modifier in _PLACEHOLDER.findall(text)}
