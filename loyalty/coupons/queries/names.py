"""What stores, tiers and tags that terms name are called, taken along by the statement that reads the terms."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, bindparam, cast, func, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from loyalty.coupons.rules.documents import to_json
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.words import Names
from loyalty.kernel.database import Json
from loyalty.stores.models import Store
from loyalty.tags import queries as tags
from loyalty.tiers.models import TierStep


def names_of(session: Session, *, terms: Terms) -> Names:
    """Return the names that terms need to be read aloud to members, who do not hear what tags are called."""
    return read_names(session.execute(_NAMES, {"terms": to_json(terms)}).scalar_one())


def names_for_staff(session: Session, *, terms: Terms) -> Names:
    """Return the names that terms need to be read aloud to staff."""
    return replace(names_of(session, terms=terms), tags=tags.names(session, terms.eligibility.tags))


def names_in(terms: Any) -> ColumnElement[Any]:
    """Return the names that a column of terms needs, and those of the whole ladder; ``read_names`` reads it."""
    scope = terms["scope"]
    ladder = select(func.jsonb_object_agg(TierStep.level, TierStep.name)).scalar_subquery()
    return func.jsonb_build_object(
        *("nodes", _nodes(scope["included_nodes"], scope["excluded_nodes"])),
        *("tiers", ladder),
    )


def read_names(document: Json) -> Names:
    """Read what ``names_in`` returned."""
    return Names(**{part: {int(key): name for key, name in (of or {}).items()} for part, of in document.items()})


def _nodes(*lists: ColumnElement[Any]) -> ColumnElement[Any]:
    each = (func.jsonb_array_elements_text(func.coalesce(one, _EMPTY)).column_valued("id") for one in lists)
    wanted = union_all(*(select(cast(one, BigInteger)) for one in each))
    # An array, so that the names are looked up by their ids and never searched for in the whole table.
    of_ids = Store.id == any_(func.array(wanted.scalar_subquery(), type_=ARRAY(BigInteger)))
    return select(func.jsonb_object_agg(Store.id, Store.name)).where(of_ids).scalar_subquery()


_EMPTY = literal_column("'[]'::jsonb", JSONB)
_NAMES = select(names_in(cast(bindparam("terms", type_=JSONB), JSONB)))
