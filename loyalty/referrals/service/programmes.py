"""Drafting and publishing the referral programme: one draft at a time; what is published never changes."""

from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.queries.titles import titles
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.kernel.documents import Problem
from loyalty.referrals.models import ReferralProgramme
from loyalty.referrals.queries.programmes import current_programme, find_draft
from loyalty.referrals.rules.documents import to_json
from loyalty.referrals.rules.programme import (
    WARNING_VERSION,
    InvalidReferralProgramme,
    NoReferralProgrammeDraft,
    OpeningNotAcknowledged,
    Programme,
    check_programme,
)


def save_draft(session: Session, *, programme: Programme, actor: Actor, at: datetime) -> int:
    """Keep a programme as the draft, in place of the one there may be; return its id.

    Raises:
        ValueForFollowingOrSharing: a text promises something for sharing or following.
        InvalidReferralProgramme: with everything that is wrong, coupons that do not exist included.
    """
    check_programme(programme)
    _check_coupons(session, programme)
    before = find_draft(session)
    row = insert(ReferralProgramme).values(definition=to_json(programme), created_by=actor.name, created_at=at)
    draft_id: int = session.execute(
        row.on_conflict_do_update(
            index_elements=["published_at"],
            index_where=text("published_at IS NULL"),
            set_={name: row.excluded[name] for name in ("definition", "created_by", "created_at")},
        ).returning(ReferralProgramme.id)
    ).scalar_one()
    told = None if before is None else to_json(before.programme)
    _audit(session, "referrals.save_draft", draft_id, told, to_json(programme), actor, at)
    return draft_id


def discard_draft(session: Session, *, actor: Actor, at: datetime) -> None:
    """Throw the draft away.

    Raises:
        NoReferralProgrammeDraft: there is none.
    """
    draft = find_draft(session)
    if draft is None:
        raise NoReferralProgrammeDraft
    session.execute(delete(ReferralProgramme).where(ReferralProgramme.id == draft.id))
    _audit(session, "referrals.discard_draft", draft.id, to_json(draft.programme), None, actor, at)


def publish(session: Session, *, acknowledged_text: str | None = None, actor: Actor, at: datetime) -> int:
    """Let the draft be in force from now on (发布); who was invited before is paid as was said then.

    Where an opening alone is paid, who publishes names the version of the warning that they agree to.

    Raises:
        NoReferralProgrammeDraft: there is nothing to publish.
        OpeningNotAcknowledged: an opening alone is paid, and the warning in force was not agreed to.
        ValueForFollowingOrSharing, InvalidReferralProgramme: as ``save_draft``; things may be gone since.
    """
    held = select(ReferralProgramme.id).where(ReferralProgramme.published_at.is_(None)).with_for_update()
    session.execute(held)
    draft = find_draft(session)
    if draft is None:
        raise NoReferralProgrammeDraft
    check_programme(draft.programme)
    _check_coupons(session, draft.programme)
    is_warned = draft.programme.opening is not None
    if is_warned and acknowledged_text != WARNING_VERSION:
        raise OpeningNotAcknowledged(version=WARNING_VERSION)
    before = current_programme(session)
    agreed = acknowledged_text if is_warned else None
    session.execute(
        update(ReferralProgramme)
        .where(ReferralProgramme.id == draft.id)
        .values(published_by=actor.name, published_at=at, acknowledged_text=agreed)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    after = {**to_json(draft.programme), "acknowledged_text": agreed}
    told = None if before is None else to_json(before.programme)
    _audit(session, "referrals.publish", draft.id, told, after, actor, at)
    return draft.id


def _check_coupons(session: Session, programme: Programme) -> None:
    wanted = {
        side: reward.coupon_template_id
        for side, reward in (("referrer", programme.referrer), ("referee", programme.referee))
        if reward.coupon_template_id is not None
    }
    known = titles(session, set(wanted.values())) if wanted else {}
    problems = [Problem(f"{side}.coupon_template_id", "没有这张券") for side, one in wanted.items() if one not in known]
    if problems:
        raise InvalidReferralProgramme(problems)


def _audit(
    session: Session,
    action: str,
    programme_id: int,
    before: Json | None,
    after: Json | None,
    actor: Actor,
    at: datetime,
) -> None:
    subject = f"referral_programme:{programme_id}"
    audit.write(session, actor=actor, action=action, subject=subject, before=before, after=after, at=at)
