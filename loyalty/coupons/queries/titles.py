"""What templates are called: for lists, filters and reports."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from loyalty.coupons.models import CouponTemplate, CouponTemplateRevision
from loyalty.coupons.rules.states import TemplateState

CHOICES_MAX = 500


def titles(session: Session, template_ids: Collection[int]) -> dict[int, str]:
    """Return what some templates are called now."""
    return _named(session, CouponTemplate.id.in_(template_ids))


def list_choices(session: Session, *, state: TemplateState | None = None) -> dict[int, str]:
    """Return the templates that were published, the newest first; with ``state`` those in it."""
    is_wanted = CouponTemplate.revision_id.is_not(None) if state is None else CouponTemplate.state == state
    return _named(session, is_wanted)


PUBLISHED, DRAFT = aliased(CouponTemplateRevision), aliased(CouponTemplateRevision)
TITLE = func.coalesce(PUBLISHED.terms["title"].as_string(), DRAFT.terms["title"].as_string())
"""What a template is called: as published, or else as drafted; in a query ``with_revisions``."""


def with_revisions(query: Any) -> Any:
    """Let a query on templates read of each the revision that issues, and the draft."""
    is_draft = (DRAFT.template_id == CouponTemplate.id) & DRAFT.published_at.is_(None)
    return query.outerjoin(PUBLISHED, PUBLISHED.id == CouponTemplate.revision_id).outerjoin(DRAFT, is_draft)


def _named(session: Session, is_wanted: ColumnElement[bool]) -> dict[int, str]:
    query = with_revisions(select(CouponTemplate.id, TITLE).select_from(CouponTemplate)).where(is_wanted)
    rows = session.execute(query.order_by(CouponTemplate.id.desc()).limit(CHOICES_MAX))
    return {template_id: name for template_id, name in rows}
