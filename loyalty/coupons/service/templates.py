"""The life of a template (券模板): drafts are edited, published revisions never; a change makes the next revision.

A coupon keeps the revision that issued it, so that publishing another changes no coupon. Every change locks the
template and is audited.
"""

from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponTemplate, CouponTemplateRevision
from loyalty.coupons.rules.checking import check_terms
from loyalty.coupons.rules.documents import to_json
from loyalty.coupons.rules.errors import CouponTemplateNotFound, CouponTemplateNotInState, NoCouponTemplateDraft
from loyalty.coupons.rules.limiting import STOCK_CHANGED, check_stock, check_stock_reason, subject_of
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.service.mentioned import check_mentioned
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json

_LINK_BYTES = 12


def create_template(session: Session, *, terms: Terms, stock: int | None, actor: Actor, at: datetime) -> int:
    """Make a template with its first draft (草稿); return its id. Nothing is issued until it is published.

    Raises:
        InvalidCouponTerms: coupons of it could not be issued or used as it reads.
    """
    check_terms(terms, stock=stock)
    template = CouponTemplate(
        state=TemplateState.DRAFT,
        stock=stock,
        link_token=token_urlsafe(_LINK_BYTES),
        created_by=actor.name,
        created_at=at,
    )
    session.add(template)
    session.flush()
    save_draft(session, template_id=template.id, terms=terms, actor=actor, at=at)
    return template.id


def save_draft(session: Session, *, template_id: int, terms: Terms, actor: Actor, at: datetime) -> int:
    """Keep what the next revision shall say, in place of an earlier draft; return the revision's id.

    Raises:
        CouponTemplateNotFound: there is no such template.
        CouponTemplateNotInState: it was stopped.
        InvalidCouponTerms: coupons of it could not be issued or used as it reads.
    """
    check_terms(terms)
    check_mentioned(session, terms=terms)
    template = _locked(session, template_id)
    _require(template, TemplateState.DRAFT, TemplateState.LIVE, TemplateState.PAUSED)
    draft = _find_draft(session, template_id) or CouponTemplateRevision(
        template_id=template_id, number=_next_number(session, template_id)
    )
    before = draft.terms if draft.id else None
    draft.terms, draft.created_by, draft.created_at = to_json(terms), actor.name, at
    session.add(draft)
    session.flush()
    _note(session, "coupons.save_draft", template_id, before, draft.terms, actor, at)
    return draft.id


def discard_draft(session: Session, *, template_id: int, actor: Actor, at: datetime) -> None:
    """Throw the draft away; a template that was never published goes with it.

    Raises:
        CouponTemplateNotFound: there is no such template.
        NoCouponTemplateDraft: there is no draft.
    """
    template = _locked(session, template_id)
    draft = _find_draft(session, template_id)
    if draft is None:
        raise NoCouponTemplateDraft
    before = draft.terms
    session.execute(delete(CouponTemplateRevision).where(CouponTemplateRevision.id == draft.id))
    if template.revision_id is None:
        session.delete(template)
    session.flush()
    _note(session, "coupons.discard_draft", template_id, before, None, actor, at)


def publish(session: Session, *, template_id: int, actor: Actor, at: datetime) -> int:
    """Let the draft issue from now on (发布), in place of the revision before; return its id.

    A paused template stays paused.

    Raises:
        CouponTemplateNotFound: there is no such template.
        CouponTemplateNotInState: it was stopped.
        NoCouponTemplateDraft: there is no draft.
    """
    template = _locked(session, template_id)
    _require(template, TemplateState.DRAFT, TemplateState.LIVE, TemplateState.PAUSED)
    draft = _find_draft(session, template_id)
    if draft is None:
        raise NoCouponTemplateDraft
    before: Json = {"state": template.state, "revision_id": template.revision_id}
    draft.published_by, draft.published_at = actor.name, at
    template.revision_id = draft.id
    if template.state == TemplateState.DRAFT:
        template.state = TemplateState.LIVE
    session.flush()
    after: Json = {"state": template.state, "revision_id": draft.id, "terms": draft.terms, "stock": template.stock}
    _note(session, "coupons.publish", template_id, before, after, actor, at)
    return draft.id


def pause(session: Session, *, template_id: int, actor: Actor, at: datetime) -> None:
    """Issue nothing for the time being (暂停发放); what was issued stays usable.

    Raises:
        CouponTemplateNotFound: there is no such template.
        CouponTemplateNotInState: it is not live.
    """
    _move(session, template_id, (TemplateState.LIVE,), TemplateState.PAUSED, actor, at)


def resume(session: Session, *, template_id: int, actor: Actor, at: datetime) -> None:
    """Issue again after a pause (恢复发放).

    Raises:
        CouponTemplateNotFound: there is no such template.
        CouponTemplateNotInState: it is not paused.
    """
    _move(session, template_id, (TemplateState.PAUSED,), TemplateState.LIVE, actor, at)


def stop(session: Session, *, template_id: int, actor: Actor, at: datetime) -> None:
    """Issue nothing any more (停止发放); what was issued stays usable. There is no way back.

    Raises:
        CouponTemplateNotFound: there is no such template.
        CouponTemplateNotInState: it was never published, or is stopped already.
    """
    _move(session, template_id, (TemplateState.LIVE, TemplateState.PAUSED), TemplateState.STOPPED, actor, at)


def set_stock(
    session: Session, *, template_id: int, stock: int | None, reason: str, actor: Actor, at: datetime
) -> None:
    """Say how many may be issued in all (调整库存), topped up or lowered; below what is issued, nothing more goes out.

    The reason is a line of text that the template's history shows.

    Raises:
        CouponTemplateNotFound: there is no such template.
        CouponTemplateNotInState: it was stopped.
        InvalidCouponTerms: the number makes no sense.
        StockReasonMissing: nothing is said of why, or more than a line.
    """
    check_stock(stock)
    check_stock_reason(reason)
    template = _locked(session, template_id)
    _require(template, TemplateState.DRAFT, TemplateState.LIVE, TemplateState.PAUSED)
    before: Json = {"stock": template.stock}
    template.stock = stock
    session.flush()
    _note(session, STOCK_CHANGED, template_id, before, {"stock": stock, "reason": reason}, actor, at)


def _move(
    session: Session,
    template_id: int,
    sources: tuple[TemplateState, ...],
    target: TemplateState,
    actor: Actor,
    at: datetime,
) -> None:
    template = _locked(session, template_id)
    _require(template, *sources)
    before: Json = {"state": template.state}
    template.state = target
    session.flush()
    _note(session, f"coupons.{_VERBS[target]}", template_id, before, {"state": target.value}, actor, at)


_VERBS = {TemplateState.PAUSED: "pause", TemplateState.LIVE: "resume", TemplateState.STOPPED: "stop"}


def _locked(session: Session, template_id: int) -> CouponTemplate:
    template = session.scalars(
        select(CouponTemplate)
        .where(CouponTemplate.id == template_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if template is None:
        raise CouponTemplateNotFound(template_id=template_id)
    return template


def _require(template: CouponTemplate, *states: TemplateState) -> None:
    if template.state not in states:
        raise CouponTemplateNotInState(state=template.state)


def _find_draft(session: Session, template_id: int) -> CouponTemplateRevision | None:
    return session.scalars(
        select(CouponTemplateRevision)
        .where(CouponTemplateRevision.template_id == template_id, CouponTemplateRevision.published_at.is_(None))
        .execution_options(populate_existing=True)
    ).one_or_none()


def _next_number(session: Session, template_id: int) -> int:
    highest: Any = select(func.max(CouponTemplateRevision.number))
    return (session.scalar(highest.where(CouponTemplateRevision.template_id == template_id)) or 0) + 1


def _note(
    session: Session, action: str, template_id: int, before: Json | None, after: Json | None, actor: Actor, at: datetime
) -> None:
    audit.write(
        session,
        actor=actor,
        action=action,
        subject=subject_of(template_id),
        before=before,
        after=after,
        at=at,
    )
