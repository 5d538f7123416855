"""What stores, tiers and tags that terms name are called, taken along by the statement that reads the terms."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from loyalty.coupons.rules.documents import to_json
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.words import Names
from loyalty.kernel.database import Json
from loyalty.stores.models import Store
from loyalty.tags.models import Tag
from loyalty.tiers.models import TierStep


def names_of(session: Session, *, terms: Terms) -> Names:
    """Return the names that terms need to be read aloud."""
    return read_names(session.execute(_NAMES, {"terms": to_json(terms)}).scalar_one())


def names_in(terms: Any) -> ColumnElement[Any]:
    """Return the names that a column of terms needs, and those of the whole ladder; ``read_names`` reads it."""
    scope, wanted = terms["scope"], terms["eligibility"]
    ladder = select(func.jsonb_object_agg(TierStep.level, TierStep.name)).scalar_subquery()
    return func.jsonb_build_object(
        *("nodes", _named(Store, scope["included_nodes"], scope["excluded_nodes"])),
        *("tags", _named(Tag, wanted["tags"])),
        *("tiers", ladder),
    )


def read_names(document: Json) -> Names:
    """Read what ``names_in`` returned."""
    return Names(**{part: {int(key): name for key, name in (of or {}).items()} for part, of in document.items()})


def _named(table: type[Store] | type[Tag], *lists: ColumnElement[Any]) -> ColumnElement[Any]:
    each = (func.jsonb_array_elements_text(func.coalesce(one, _EMPTY)).column_valued("id") for one in lists)
    ids = [select(cast(one, BigInteger)) for one in each]
    wanted = ids[0] if len(ids) == 1 else ids[0].union_all(*ids[1:])
    # An array, so that the names are looked up by their ids and never searched for in the whole table.
    of_ids = table.id == any_(func.array(wanted.scalar_subquery(), type_=ARRAY(BigInteger)))
    return select(func.jsonb_object_agg(table.id, table.name)).where(of_ids).scalar_subquery()


_EMPTY = literal_column("'[]'::jsonb", JSONB)
_NAMES = select(names_in(cast(bindparam("terms", type_=JSONB), JSONB)))
