"""The builder of conditions (条件编辑器) as pages show it: the tree of the form, and what each field offers.

``_condition.html`` shows it inside a form of any page whose context has a ``Builder`` by the name of ``builder``.
Without JavaScript its buttons send that form as it is, with what they ask for in the field ``edit``.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from loyalty.campaigns.queries import titles as campaigns
from loyalty.coupons.queries import titles as coupons
from loyalty.kernel.documents import Problem
from loyalty.segments.rules.conditions import DEPTH_MAX, Condition, facts_of
from loyalty.segments.rules.facts import DEFINITION_OF, FACTS
from loyalty.segments.rules.fields import Field, FieldKind
from loyalty.segments.rules.sentences import Names
from loyalty.stores import queries as stores
from loyalty.tags import queries as tags
from loyalty.tiers.queries import list_tiers
from portal.console.access import current_scope
from portal.console.condition_form import JOIN_NAMES, NOT_NAMES, Group, Row, nodes_of, tree_of
from portal.console.form_fields import Form
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FACT_GROUPS = {name: list(facts) for name, facts in groupby(FACTS.values(), lambda fact: fact.group)}
"""The facts to choose from, under their headings."""
MANY = frozenset({FieldKind.STORES, FieldKind.TAGS, FieldKind.TEMPLATES, FieldKind.APPIDS})
"""Fields that offer so much that it scrolls."""
_MONTHS = {str(month): f"{month} 月" for month in range(1, 13)}
_YES_NO = {"yes": "是", "no": "否"}
_FIXED = {FieldKind.FLAG: _YES_NO, FieldKind.MONTHS: _MONTHS}
_UNNAMED = {
    FieldKind.STORES: "门店",
    FieldKind.TAGS: "标签",
    FieldKind.TEMPLATES: "券模板",
    FieldKind.LEVELS: "等级",
    FieldKind.CAMPAIGN: "活动",
}


@dataclass(frozen=True, slots=True)
class Builder:
    """All that the template of the builder needs."""

    form: Form
    tree: Group
    focus: str
    """The part to which the eye goes: what was just added."""
    problems: Mapping[str, Sequence[str]]
    offered: Mapping[FieldKind, Mapping[str, str]]

    join_names = JOIN_NAMES
    not_names = NOT_NAMES
    fact_groups = FACT_GROUPS
    many = MANY

    def value(self, name: str) -> str:
        """Return a field's text."""
        return next(iter(self.form.get(name, ())), "")

    def choices(self, name: str, field: Field) -> Iterator[tuple[str, str, bool]]:
        """Yield what a field offers, and whether it is chosen; what was chosen is offered whatever became of it."""
        offered = field.choices or self.offered[field.kind]
        chosen = [one for one in self.form.get(name, ()) if one]
        unnamed = _UNNAMED.get(field.kind, "")
        for value in [*offered, *(one for one in chosen if one not in offered)]:
            yield value, offered.get(value, f"{unnamed} {value}"), value in chosen

    def may_nest(self, group: Group) -> bool:
        """Tell whether a group may have a group whose rows still have a place."""
        return group.id.count("-") + 3 < DEPTH_MAX

    @property
    def nodes(self) -> Iterator[Group | Row]:
        """Every group and row."""
        return nodes_of(self.tree)


def build(session: "Session", form: Form, *, problems: Sequence[Problem] = (), focus: str = "") -> Builder:
    """Return the builder for a form.

    Raises:
        InvalidField: a group or a row is none that the page offers.
    """
    tree = tree_of(form)
    kinds = {field.kind for node in nodes_of(tree) if isinstance(node, Row) for field in node.definition.fields}
    offered = {kind: _offered(session, kind) for kind in kinds}
    return Builder(form, tree, focus, by_part(problems), offered)


def by_part(problems: Sequence[Problem]) -> dict[str, list[str]]:
    """Return what is wrong with each group and row."""
    found: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        found[problem.field.partition(".")[0]].append(problem.reason)
    return dict(found)


def names_for(session: "Session", conditions: Iterable[Condition]) -> Names:
    """Return what sentences call the stores, tags and other things that conditions mention."""
    mentioned: dict[FieldKind, set[Any]] = defaultdict(set)
    for fact in (fact for condition in conditions for fact in facts_of(condition)):
        for field in DEFINITION_OF[type(fact)].fields:
            value = getattr(fact, field.name)
            mentioned[field.kind] |= value if isinstance(value, frozenset) else {value}
    wanted = {kind: ids for kind, ids in mentioned.items() if ids}
    return Names(
        stores=stores.names(session, wanted[FieldKind.STORES]) if FieldKind.STORES in wanted else {},
        tags=tags.names(session, wanted[FieldKind.TAGS]) if FieldKind.TAGS in wanted else {},
        templates=coupons.titles(session, wanted[FieldKind.TEMPLATES]) if FieldKind.TEMPLATES in wanted else {},
        levels={tier.level: tier.name for tier in list_tiers(session)} if FieldKind.LEVELS in wanted else {},
        campaigns=campaigns.titles(session, wanted[FieldKind.CAMPAIGN]) if FieldKind.CAMPAIGN in wanted else {},
    )


def _offered(session: "Session", kind: FieldKind) -> Mapping[str, str]:
    match kind:
        case FieldKind.STORES:
            nodes = stores.list_tree(session, scope=current_scope())
            return {str(node.id): "　" * node.depth + node.name for node in nodes}
        case FieldKind.TAGS:
            return _texts(tags.list_choices(session))
        case FieldKind.TEMPLATES:
            return _texts(coupons.list_choices(session))
        case FieldKind.LEVELS:
            return {str(tier.level): tier.name for tier in list_tiers(session)}
        case FieldKind.CAMPAIGN:
            return _texts(campaigns.list_choices(session))
        case FieldKind.APPIDS:
            return {one.appid: one.name for one in container().settings.wechat_accounts if one.kind == "oa"}
    return _FIXED.get(kind, {})


def _texts(named: Mapping[int, str]) -> dict[str, str]:
    return {str(one): name for one, name in named.items()}
