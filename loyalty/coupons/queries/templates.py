"""Reads of templates: what each says, what is left of its stock, and what its next revision would say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from loyalty.coupons.looking import SUBJECT, read_terms, used_of
from loyalty.coupons.models import CouponTemplate, CouponTemplateRevision
from loyalty.coupons.queries.titles import DRAFT, PUBLISHED, TITLE, with_revisions
from loyalty.coupons.rules.errors import CouponTemplateNotFound
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.rules.terms import Terms
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.texts import is_storable
from loyalty.limits.rules import TOTAL


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A template as staff see it."""

    id: int
    state: TemplateState
    revision_id: int | None
    revision_number: int | None
    published: Terms | None
    """What it issues; nothing while it was never published."""
    draft: Terms | None
    """What its next revision would say, when there is one."""
    stock: int | None
    issued: int
    link_token: str
    created_by: str
    created_at: datetime

    @property
    def terms(self) -> Terms:
        """What it issues, or would."""
        terms = self.published or self.draft
        assert terms is not None
        return terms

    @property
    def left(self) -> int | None:
        """What is left of the stock; None when it is unlimited."""
        return None if self.stock is None else max(0, self.stock - self.issued)


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A published revision of a template."""

    id: int
    number: int
    terms: Terms
    published_by: str
    published_at: datetime


def get_template(session: Session, *, template_id: int) -> TemplateView:
    """Return one template.

    Raises:
        CouponTemplateNotFound: there is no such template.
    """
    row = session.execute(_templates().where(CouponTemplate.id == template_id)).one_or_none()
    if row is None:
        raise CouponTemplateNotFound(template_id=template_id)
    return _view(row)


def id_of_link(session: Session, *, link_token: str) -> int:
    """Return which template a claim link names.

    Raises:
        CouponTemplateNotFound: there is no such template, or it was never published.
    """
    if not is_storable(link_token):
        raise CouponTemplateNotFound
    is_named = (CouponTemplate.link_token == link_token) & CouponTemplate.revision_id.is_not(None)
    template_id = session.scalar(select(CouponTemplate.id).where(is_named))
    if template_id is None:
        raise CouponTemplateNotFound
    return template_id


def list_templates(
    session: Session,
    *,
    state: TemplateState | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[TemplateView]:
    """Return templates, the newest first; ``text`` looks for a part of the title."""
    query = _templates().order_by(CouponTemplate.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(CouponTemplate.state == state)
    if text:
        query = query.where(TITLE.icontains(text, autoescape=True))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(CouponTemplate.id < last_id)
    return page_of([_view(row) for row in session.execute(query)], limit=limit, id_of=lambda view: view.id)


def list_revisions(session: Session, *, template_id: int) -> Sequence[RevisionView]:
    """Return what a template has issued by, the latest first."""
    row = CouponTemplateRevision
    query: Any = (
        select(row.id, row.number, cast(row.terms, Text), row.published_by, row.published_at)
        .where(row.template_id == template_id, row.published_at.is_not(None))
        .order_by(row.number.desc())
    )
    return [
        RevisionView(id_, number, read_terms(terms), by, at) for id_, number, terms, by, at in session.execute(query)
    ]


def _templates() -> Any:
    template = CouponTemplate
    return with_revisions(
        select(
            *(template.id, template.state, template.revision_id, PUBLISHED.number),
            cast(PUBLISHED.terms, Text).label("published"),
            cast(DRAFT.terms, Text).label("draft"),
            template.stock,
            func.coalesce(used_of(SUBJECT, TOTAL), 0).label("issued"),
            *(template.link_token, template.created_by, template.created_at),
        ).select_from(template)
    )


def _view(row: AnyRow) -> TemplateView:
    return TemplateView(
        id=row.id,
        state=TemplateState(row.state),
        revision_id=row.revision_id,
        revision_number=row.number,
        published=None if row.published is None else read_terms(row.published),
        draft=None if row.draft is None else read_terms(row.draft),
        stock=row.stock,
        issued=int(row.issued),
        link_token=row.link_token,
        created_by=row.created_by,
        created_at=row.created_at,
    )
