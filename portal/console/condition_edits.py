"""Changes to a condition's form (条件编辑): a row or a group is added or taken away, and all that was typed stays."""

from collections.abc import Mapping
from dataclasses import dataclass

from loyalty.segments.rules.facts import FACTS
from portal.console.condition_form import ROOT, Group, group_form, nodes_of, parent_of, row_form, tree_of
from portal.console.form_fields import Form
from portal.console.forms import InvalidField

NUMBER_MAX = 999


@dataclass(frozen=True, slots=True)
class Edited:
    """A form after a change, and the part to which the eye goes next."""

    form: dict[str, list[str]]
    focus: str


def edited(form: Form, edit: str) -> Edited:
    """Return a form after what one of its buttons asks for: ``add:c-1``, ``group:c``, ``remove:c-1-2``.

    Adding takes the fact that is chosen beside the button; when none is, nothing changes.

    Raises:
        InvalidField: no button asks for that, or the form is none that the page offers.
    """
    verb, _, node = edit.partition(":")
    tree = tree_of(form)
    parts = {one.id: one for one in nodes_of(tree)}
    known = group_form(ROOT, tree.join) | {name: list(values) for name, values in form.items()}
    part = parts.get(node)
    if verb == "remove" and part is not None and node != ROOT:
        return Edited(_without(known, node), parent_of(node))
    if isinstance(part, Group) and verb == "group":
        return _added(known, part, group_form(_next(part), "any" if part.join == "all" else "all"))
    if isinstance(part, Group) and verb == "add":
        chosen = next(iter(known.pop(f"{node}.new", ())), "")
        if not chosen:
            return Edited(known, node)
        if chosen in FACTS:
            definition = FACTS[chosen]
            return _added(known, part, row_form(_next(part), definition, definition.initial, is_not=False))
    raise InvalidField(field="edit")


def _next(group: Group) -> str:
    number = 1 + max((int(part.id.rpartition("-")[2]) for part in group.parts), default=0)
    if number > NUMBER_MAX:
        raise InvalidField(field=group.id)
    return f"{group.id}-{number}"


def _added(form: dict[str, list[str]], group: Group, part: Mapping[str, list[str]]) -> Edited:
    return Edited(form | dict(part), _next(group))


def _without(form: Mapping[str, list[str]], node: str) -> dict[str, list[str]]:
    gone = (f"{node}.", f"{node}-")
    return {name: values for name, values in form.items() if not name.startswith(gone)}
