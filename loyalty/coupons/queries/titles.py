"""What templates are called: for lists, filters and reports."""

from collections.abc import Collection

from sqlalchemy import func, select
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


_PUBLISHED, _DRAFT = aliased(CouponTemplateRevision), aliased(CouponTemplateRevision)


def _named(session: Session, is_wanted: object) -> dict[int, str]:
    title = func.coalesce(_PUBLISHED.terms["title"].as_string(), _DRAFT.terms["title"].as_string())
    query = (
        select(CouponTemplate.id, title)
        .outerjoin(_PUBLISHED, _PUBLISHED.id == CouponTemplate.revision_id)
        .outerjoin(_DRAFT, (_DRAFT.template_id == CouponTemplate.id) & _DRAFT.published_at.is_(None))
        .where(is_wanted)  # type: ignore[arg-type]
        .order_by(CouponTemplate.id.desc())
        .limit(CHOICES_MAX)
    )
    return {template_id: name for template_id, name in session.execute(query)}
