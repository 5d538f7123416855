"""A condition (条件) as a form and back, for whoever asks for one: a tree of groups and rows.

The outermost group is ``c``, its parts are ``c-1`` and ``c-2``, and the fields of a part stand after a dot:
``c-2.least``. What was typed is kept as it is until it stands for a condition. A tree that no page offers is refused:
leaving out what cannot be read would find more members than were meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty.kernel.documents import Problem
from loyalty.segments.rules.conditions import All, AnyOf, Condition, Not, dump, parse
from loyalty.segments.rules.errors import InvalidSegment
from loyalty.segments.rules.facts import DEFINITION_OF, FACTS, FactDefinition
from loyalty.segments.rules.fields import Field, FieldKind, written
from portal.console.figures import shown_money
from portal.console.form_fields import Form, FormReader, shown
from portal.console.forms import InvalidField

ROOT = "c"
JOIN_NAMES = {"all": "以下全部条件", "any": "以下任意一个条件"}
NOT_NAMES = {"no": "满足", "yes": "不满足"}
_NODES_MAX = 100
_FIELD = re.compile(r"(c(?:-[1-9]\d{0,2}){0,8})\.(\w+)")
_KINDS = ("join", "fact")
"""The field that every group has, and the one that every row has."""
_PATH = "condition"
_EMPTY = "请在这一组里添加条件，或删除这一组"


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of the form."""

    id: str
    is_not: bool
    definition: FactDefinition


@dataclass(frozen=True, slots=True)
class Group:
    """Several parts of the form, of which all or one have to hold."""

    id: str
    is_not: bool
    join: str
    parts: tuple["Group | Row", ...]


def tree_of(form: Form) -> Group:
    """Return the groups and rows of a form; one that was never filled in has an empty group.

    Raises:
        InvalidField: a group or a row is none that the page offers, or there are far too many.
    """
    fields = [(found[1], found[2]) for name in form if (found := _FIELD.fullmatch(name))]
    kinds = {node: field for node, field in fields if field in _KINDS}
    if len(kinds) > _NODES_MAX:
        raise InvalidField(field=ROOT)
    for node, field in fields:
        if node not in kinds or (node != ROOT and kinds.get(parent_of(node)) != "join"):
            raise InvalidField(field=f"{node}.{field}")
    root = _node(form, kinds, ROOT) if kinds else Group(ROOT, False, "all", ())
    if not isinstance(root, Group):
        raise InvalidField(field=ROOT)
    return root


def parent_of(node: str) -> str:
    """Return the group in which a part stands; empty for the outermost."""
    return node.rpartition("-")[0]


def nodes_of(node: Group | Row) -> Iterator[Group | Row]:
    """Yield a part and all within it."""
    yield node
    for part in node.parts if isinstance(node, Group) else ():
        yield from nodes_of(part)


def condition_from_form(form: Form) -> dict[str, Any]:
    """Return the document of the condition that a form stands for.

    Raises:
        InvalidField: a group or a row is none that the page offers.
        InvalidSegment: something is wrong, first of all this; ``problems_of`` tells all of it.
    """
    for problem in problems_of(form):
        raise InvalidSegment(problem.field, problem.reason)
    return _Reading(form).document


def problems_of(form: Form) -> Sequence[Problem]:
    """Return what is wrong with a form, each with the group, row or field (``c-2.least``) where it is.

    Raises:
        InvalidField: a group or a row is none that the page offers.
    """
    reading = _Reading(form)
    problems = [*reading.problems, *_wrong_parts(reading)]
    if problems:
        return problems
    try:
        parse(reading.document)
    except InvalidSegment as error:
        return [Problem(reading.place_of(error.path), error.reason)]
    return []


def form_from_condition(condition: Condition) -> dict[str, list[str]]:
    """Return a condition as the form shows it: the same, though a single fact stands in a group."""
    plain = condition
    while isinstance(plain, Not):
        plain = plain.part
    return _shown(ROOT, condition if isinstance(plain, All | AnyOf) else All((condition,)), is_not=False)


def row_form(row: str, definition: FactDefinition, values: Mapping[str, Any], *, is_not: bool) -> dict[str, list[str]]:
    """Return a fact with these values as its row shows it."""
    form = {f"{row}.fact": [definition.name], f"{row}.not": [_yes(is_not)]}
    return form | {f"{row}.{one.name}": _shown_value(one, values.get(one.name)) for one in definition.fields}


def group_form(group: str, join: str, *, is_not: bool = False) -> dict[str, list[str]]:
    """Return the head of a group as the form shows it."""
    return {f"{group}.join": [join], f"{group}.not": [_yes(is_not)]}


class _Reading:
    """What a form says, where in the document each part stands, and which fields cannot be read."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.tree = tree_of(form)
        rows = [node for node in nodes_of(self.tree) if isinstance(node, Row)]
        labels = {f"{row.id}.{field.name}": field.label for row in rows for field in row.definition.fields}
        self._reader = FormReader(form, labels)
        self._places: dict[str, str] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.document = self._document(self.tree, _PATH)

    @property
    def problems(self) -> Sequence[Problem]:
        return self._reader.problems

    def place_of(self, path: str) -> str:
        """Return the group or row that a place in the document belongs to."""
        while path not in self._places and path:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self._places.get(path, ROOT)

    def _document(self, node: Group | Row, path: str) -> dict[str, Any]:
        self._places[path] = node.id
        inner = f"{path}.not" if node.is_not else path
        self._places[inner] = node.id
        if isinstance(node, Row):
            document = self._fact(node)
            self.documents[node.id] = document
        else:
            # An empty group of any would be nobody: without a part, both mean everybody.
            join = node.join if node.parts else "all"
            places = (f"{inner}.{join}[{place}]" for place in range(len(node.parts)))
            document = {join: [self._document(part, place) for part, place in zip(node.parts, places, strict=True)]}
        return {"not": document} if node.is_not else document

    def _fact(self, row: Row) -> dict[str, Any]:
        values = {field.name: self._value(field, f"{row.id}.{field.name}") for field in row.definition.fields}
        return {"fact": row.definition.name} | values

    def _value(self, field: Field, name: str) -> Any:
        match field.kind:
            case FieldKind.FEN:
                return self._reader.money(name)
            case FieldKind.DATE:
                day = self._reader.day(name)
                return None if day is None else day.isoformat()
            case FieldKind.FLAG:
                return self._reader.option(name, ("yes", "no")) == "yes"
            case FieldKind.MONTHS | FieldKind.LEVELS | FieldKind.STORES | FieldKind.TAGS | FieldKind.TEMPLATES:
                return sorted(self._reader.numbers(name))
            case FieldKind.CODES:
                return sorted(set(self._reader.listed(name, str, "")))
            case FieldKind.APPIDS | FieldKind.CHOICES:
                return sorted(set(self.form.get(name, ())))
            case FieldKind.CHOICE:
                return self._reader.text(name) or None
        return self._reader.whole(name)


def _wrong_parts(reading: _Reading) -> Iterator[Problem]:
    """Yield what is wrong with each part by itself; of a row that could not be read, that is told already."""
    unread = {problem.field.partition(".")[0] for problem in reading.problems}
    for node in nodes_of(reading.tree):
        if isinstance(node, Group):
            if not node.parts and (node.id != ROOT or node.is_not):
                yield Problem(node.id, _EMPTY)
        elif node.id not in unread:
            try:
                parse(reading.documents[node.id])
            except InvalidSegment as error:
                yield Problem(node.id + error.path.removeprefix(_PATH), error.reason)


def _node(form: Form, kinds: Mapping[str, str], node: str) -> Group | Row:
    turned = _offered(form, f"{node}.not", NOT_NAMES) == "yes"
    if kinds[node] == "fact":
        return Row(node, turned, FACTS[_offered(form, f"{node}.fact", FACTS)])
    inside = sorted((one for one in kinds if parent_of(one) == node), key=_number)
    parts = tuple(_node(form, kinds, one) for one in inside)
    return Group(node, turned, _offered(form, f"{node}.join", JOIN_NAMES), parts)


def _number(node: str) -> int:
    return int(node.rpartition("-")[2])


def _offered(form: Form, name: str, offered: Mapping[str, object]) -> str:
    text = next(iter(form.get(name, ())), "")
    if text not in offered:
        raise InvalidField(field=name)
    return text


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _shown(node: str, condition: Condition, *, is_not: bool) -> dict[str, list[str]]:
    match condition:
        case Not(part):
            return _shown(node, part, is_not=not is_not)
        case All(parts) | AnyOf(parts):
            form = group_form(node, next(iter(dump(condition))), is_not=is_not)
            for number, part in enumerate(parts, start=1):
                form |= _shown(f"{node}-{number}", part, is_not=False)
            return form
    definition = DEFINITION_OF[type(condition)]
    values = {field.name: getattr(condition, field.name) for field in definition.fields}
    return row_form(node, definition, values, is_not=is_not)


def _shown_value(field: Field, value: Any) -> list[str]:
    match field.kind:
        case FieldKind.FLAG:
            return [_yes(bool(value))]
        case FieldKind.FEN:
            return ["" if value is None else shown_money(value)]
        case FieldKind.CODES:
            return ["、".join(sorted(value or ()))]
    if isinstance(value, frozenset):
        return [str(one) for one in written(value)]
    return [shown(written(value))] if value is not None else []
