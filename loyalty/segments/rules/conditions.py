"""Conditions (条件): facts combined by all, any and not; and the document that holds them.

Reading is strict: what is unknown, of another type or makes no sense is refused by name and place. What was dumped
reads back as the same condition.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from loyalty.kernel.documents import Problem, Unreadable, changed, parts
from loyalty.segments.rules.errors import InvalidSegment
from loyalty.segments.rules.fact_types import Fact
from loyalty.segments.rules.facts import DEFINITION_OF, FACTS, FactDefinition
from loyalty.segments.rules.fields import problems, reader_of, written

DEPTH_MAX = 5
FACTS_MAX = 30
_ROOT = "condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts, everybody."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = All | AnyOf | Not | Fact
EVERYBODY = All()


def parse(document: object) -> Condition:
    """Read a condition from its document.

    Raises:
        InvalidSegment: with the place in the document and the reason, in Chinese.
    """
    try:
        condition = _read(_ROOT, document, DEPTH_MAX)
    except Unreadable as error:
        raise InvalidSegment(error.problem.field, error.problem.reason) from error
    if sum(1 for _ in facts_of(condition)) > FACTS_MAX:
        raise InvalidSegment(_ROOT, f"条件最多 {FACTS_MAX} 个")
    return condition


def dump(condition: Condition) -> dict[str, Any]:
    """Return the document of a condition."""
    match condition:
        case All(all_parts):
            return {"all": [dump(part) for part in all_parts]}
        case AnyOf(any_parts):
            return {"any": [dump(part) for part in any_parts]}
        case Not(part):
            return {"not": dump(part)}
    return {"fact": DEFINITION_OF[type(condition)].name} | _given(condition)


def facts_of(condition: Condition) -> Iterator[Fact]:
    """Yield every fact that a condition asks, in the order of the document."""
    match condition:
        case All(several) | AnyOf(several):
            for part in several:
                yield from facts_of(part)
        case Not(part):
            yield from facts_of(part)
        case _:
            yield condition


def _given(fact: Fact) -> dict[str, Any]:
    """Return the fields without a default, and those that differ from it."""
    required = {field.name for field in DEFINITION_OF[type(fact)].fields if field.is_required}
    always = {name: written(getattr(fact, name)) for name in required}
    return changed(fact, written) | always


def _read(path: str, document: object, depth: int) -> Condition:
    if not isinstance(document, dict):
        raise Unreadable(path, "须为对象")
    if depth == 0:
        raise Unreadable(path, f"条件最多嵌套 {DEPTH_MAX} 层")
    if "fact" in document:
        return _fact(path, document)
    if len(document) != 1 or not set(document) <= {"all", "any", "not"}:
        raise Unreadable(path, "须为 all、any、not、fact 之一")
    word, content = next(iter(document.items()))
    if word == "not":
        return Not(_read(f"{path}.not", content, depth - 1))
    return _several(f"{path}.{word}", word, content, depth)


def _several(path: str, word: str, listed: object, depth: int) -> Condition:
    if not isinstance(listed, list):
        raise Unreadable(path, "须为列表")
    read = tuple(_read(f"{path}[{place}]", part, depth - 1) for place, part in enumerate(listed))
    if word == "all":
        return All(read)
    if not read:
        raise Unreadable(path, "至少要有一个条件")
    return AnyOf(read)


def _fact(path: str, document: dict[str, object]) -> Fact:
    definition = FACTS.get(str(document["fact"]))
    if definition is None:
        raise Unreadable(f"{path}.fact", f"须为以下之一：{'、'.join(FACTS)}")
    readers = {field.name: reader_of(field) for field in definition.fields}
    # What is empty was left open in a form.
    asked = {key: value for key, value in document.items() if key != "fact" and value is not None}
    given = parts(path, asked, readers)
    for field in definition.fields:
        if field.is_required and field.name not in given:
            raise Unreadable(f"{path}.{field.name}", f"请填写{field.label}")
    fact: Fact = definition.made(**given)
    for problem in _problems(definition, path, given, fact):
        raise Unreadable(problem.field, problem.reason)
    return fact


def _problems(definition: FactDefinition, path: str, given: dict[str, Any], fact: Fact) -> Iterator[Problem]:
    for field in definition.fields:
        if field.name in given:
            yield from problems(field, f"{path}.{field.name}", given[field.name])
    asked = {field.name: getattr(fact, field.name) for field in fields(fact)}
    needed = definition.needed
    if needed and not any(asked[name] not in (None, frozenset()) for name in needed):
        labels = [field.label for field in definition.fields if field.name in needed]
        yield Problem(path, f"「{'、'.join(labels)}」至少填写一项")
    for low, high in definition.ordered:
        if asked[low] is not None and asked[high] is not None and asked[low] > asked[high]:
            yield Problem(f"{path}.{high}", "上限不能小于下限")
