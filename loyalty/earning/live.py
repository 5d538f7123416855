"""Revisions in force (生效中的规则): one expression that any statement can take along, and how it is read."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from loyalty.earning.models import EarningRule, EarningRuleRevision
from loyalty.earning.rules import Definition, RuleRevision
from loyalty.earning.rules.documents import from_json
from loyalty.stores.models import Store

_AT = bindparam("at", type_=DateTime(timezone=True))
_STORE_ID = bindparam("store_id", type_=BigInteger)
_REGION = select(Store.parent_id).where(Store.id == _STORE_ID).scalar_subquery()
_REVISION = EarningRuleRevision
_TAKES_NO_PART = (None, "null")
"""What stands in the place of a definition where a store is left out: nothing, or JSON's own nothing."""
LIVE = (
    select(
        func.jsonb_agg(
            func.jsonb_build_array(
                _REVISION.id,
                _REVISION.rule_id,
                _REVISION.number,
                _REVISION.name,
                cast(_REVISION.definition, Text),
                _REVISION.starts_at,
                _REVISION.ends_at,
                _REVISION.node_id,
            ),
            type_=JSONB,
        )
    )
    .join(EarningRule, EarningRule.id == _REVISION.rule_id)
    .where(
        EarningRule.event == bindparam("event", type_=Text),
        _REVISION.published_at.is_not(None),
        _REVISION.starts_at <= _AT,
        or_(_REVISION.ends_at.is_(None), _REVISION.ends_at > _AT),
        or_(_REVISION.node_id.is_(None), _REVISION.node_id == _STORE_ID, _REVISION.node_id == _REGION),
    )
    .scalar_subquery()
    .label("live")
)
"""What is published for ``event`` at ``at`` in ``store_id``, the store's own and its region's overrides included."""


def read_live(rows: Iterable[Sequence[Any]] | None, *, store_id: int | None) -> Sequence[RuleRevision]:
    """Choose one revision at most of each rule from what ``LIVE`` returned, by ascending rule.

    The override of the store holds before that of its region, and that before the default of headquarters; an
    override holds only while the default does, and whoever is excluded has no revision of the rule.
    """
    closest: dict[int, Sequence[Any]] = {}
    for row in sorted(rows or (), key=lambda one: _closeness(one[-1], store_id)):
        rule_id, node_id = row[1], row[-1]
        if node_id is None or rule_id in closest:
            closest[rule_id] = row
    return [_revision(*row) for _rule_id, row in sorted(closest.items()) if row[4] not in _TAKES_NO_PART]


def _closeness(node_id: int | None, store_id: int | None) -> int:
    if node_id is None:
        return 0
    return 2 if node_id == store_id else 1


def _revision(
    id_: int, rule_id: int, number: int, name: str, definition: str, starts: str, ends: str | None, node_id: int | None
) -> RuleRevision:
    return RuleRevision(
        id=id_,
        rule_id=rule_id,
        number=number,
        name=name,
        definition=_definition(definition),
        starts_at=datetime.fromisoformat(starts),
        ends_at=None if ends is None else datetime.fromisoformat(ends),
        node_id=node_id,
    )


@lru_cache(maxsize=1_000)
def _definition(text: str) -> Definition:
    """Read a definition once for all events that it is evaluated for."""
    return from_json(json.loads(text))
