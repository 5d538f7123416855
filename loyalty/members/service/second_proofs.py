"""The second proof (二次验证) of a contested phone: by the old WeChat, by staff, or never.

The claimant types the code that went to the old WeChat, or asks staff, or declines; what nobody
decides in time counts as declined. Staff never learn the code, and their decision is audited.
"""

import base64
import hmac
from contextlib import suppress
from datetime import datetime
from functools import partial

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run, run_single
from loyalty.members.keys import seal_for_member
from loyalty.members.models import BindingReview
from loyalty.members.queries import list_expired_reviews
from loyalty.members.rules.reviews import (
    REVIEW_ATTEMPTS,
    STAFF_REVIEW_LIFETIME,
    ReviewCodeWrong,
    ReviewDecided,
    ReviewNotFound,
    ReviewState,
)
from loyalty.members.service.binding import EXPIRY, BindingOutcome, settle
from loyalty.members.service.reviews import code_of, lock_review

_TRY = (
    update(BindingReview)
    .where(
        BindingReview.id == bindparam("review_id"),
        BindingReview.identity_id == bindparam("claimant_id"),
        BindingReview.state == ReviewState.WAITING,
        BindingReview.attempts < REVIEW_ATTEMPTS,
        BindingReview.expires_at > bindparam("at"),
    )
    .values(attempts=BindingReview.attempts + 1)
    .returning(BindingReview.id)
)


def prove_by_review_code(
    database: Database, *, vault: Vault, review_id: int, identity_id: int, code: str, at: datetime
) -> BindingOutcome:
    """Show the code that went to the old WeChat; every try is counted in a statement of its own.

    Raises:
        ReviewCodeWrong: wrong, tried too often, expired, or not the caller's.
        ReviewDecided: another request was faster.
    """
    tried = run_single(database, _TRY, {"review_id": review_id, "claimant_id": identity_id, "at": at})
    if not tried or not hmac.compare_digest(code.encode(), code_of(vault, review_id).encode()):
        raise ReviewCodeWrong
    return run(
        database,
        lambda session: settle(
            session,
            vault=vault,
            review_id=review_id,
            state=ReviewState.SAME_PERSON,
            actor=Actor(f"identity:{identity_id}"),
            at=at,
        ),
    )


def ask_staff(session: Session, *, review_id: int, identity_id: int, at: datetime) -> None:
    """Hand a contested phone to staff, because the old WeChat is out of reach.

    Raises:
        ReviewNotFound: no open second proof of this identity has this id.
        ReviewDecided: it was decided before.
    """
    review = _own_review(session, review_id, identity_id)
    if review.state == ReviewState.WAITING:
        review.state, review.expires_at = ReviewState.WITH_STAFF, at + STAFF_REVIEW_LIFETIME
        session.flush()


def decline_second_proof(
    session: Session, *, vault: Vault, review_id: int, identity_id: int, at: datetime
) -> BindingOutcome:
    """Say that the old membership is not mine: the phone leaves it and a new member is enrolled.

    Raises:
        ReviewNotFound: no open second proof of this identity has this id.
        ReviewDecided: it was decided before.
    """
    review = _own_review(session, review_id, identity_id)
    actor = Actor(f"identity:{identity_id}")
    return settle(session, vault=vault, review_id=review.id, state=ReviewState.OTHER_PERSON, actor=actor, at=at)


def decide_by_staff(
    session: Session,
    *,
    vault: Vault,
    review_id: int,
    is_same_person: bool,
    reason: str,
    actor: Actor,
    at: datetime,
) -> BindingOutcome:
    """Decide a contested phone at the counter, with the reason in the audit log.

    The reason may speak of the person, so it is sealed under the holder's own key.

    Raises:
        ReviewNotFound: there is no such review.
        ReviewDecided: it was decided before.
    """
    review = lock_review(session, review_id=review_id)
    subject, before = f"member:{review.holder_id}", {"state": review.state}
    state = ReviewState.SAME_PERSON if is_same_person else ReviewState.OTHER_PERSON
    sealed = seal_for_member(
        session, vault=vault, member_id=review.holder_id, plain=reason, context="audit.reason", at=at
    )
    outcome = settle(session, vault=vault, review_id=review_id, state=state, actor=actor, at=at)
    after = {
        "binding_review_id": review_id,
        "state": state,
        "outcome": outcome.kind,
        "claimant_member_id": outcome.member_id,
        "reason_sealed": base64.b64encode(sealed).decode(),
    }
    audit.write(
        session, actor=actor, action="members.decide_binding", subject=subject, before=before, after=after, at=at
    )
    return outcome


def settle_expired_reviews(database: Database, *, vault: Vault, at: datetime, limit: int = 100) -> int:
    """Settle what nobody decided in time as declined, each for itself; return how many."""
    expired = run(database, lambda session: list_expired_reviews(session, at=at, limit=limit))
    settled = 0
    for review_id in expired:
        with suppress(ReviewDecided, ReviewNotFound):
            run(database, partial(_settle_expired, vault=vault, review_id=review_id, at=at))
            settled += 1
    return settled


def _settle_expired(session: Session, *, vault: Vault, review_id: int, at: datetime) -> None:
    settle(session, vault=vault, review_id=review_id, state=ReviewState.OTHER_PERSON, actor=EXPIRY, at=at)


def _own_review(session: Session, review_id: int, identity_id: int) -> BindingReview:
    review = session.get(BindingReview, review_id)
    if review is None or review.identity_id != identity_id:
        raise ReviewNotFound(review_id=review_id)
    return lock_review(session, review_id=review_id)
