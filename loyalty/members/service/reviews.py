"""Contested phones: opening and closing the question whether two people are one (二次验证).

The code that goes to the old WeChat is derived from the review's id under the vault's key, so the
review does not store it. The notice that carries it does, and so does the holder's inbox: a code is
good for half an hour and for the claimant's own identity alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.crypto import Vault
from loyalty.members.models import BindingReview
from loyalty.members.queries import find_text
from loyalty.members.rules.consents import Purpose, TextVersion
from loyalty.members.rules.identities import Door
from loyalty.members.rules.reviews import OPEN_REVIEWS, REVIEW_LIFETIME, ReviewDecided, ReviewNotFound, ReviewState
from loyalty.members.rules.sms_codes import CODE_DIGITS
from loyalty.members.service.identities import lock_identity

_PHONE = "members.phone"


@dataclass(frozen=True, slots=True)
class ClaimedPhone:
    """A contested phone and the texts that the claimant agreed to."""

    phone: str
    texts: Sequence[TextVersion]


@dataclass(frozen=True, slots=True)
class BindingCode:
    """The code for the old WeChat, and whose it is."""

    code: str
    member_id: int
    expires_at: datetime


def open_review(
    session: Session,
    *,
    vault: Vault,
    identity_id: int,
    holder_id: int,
    claim: ClaimedPhone,
    proved_at: datetime,
    door: Door,
    store_id: int | None,
    is_change: bool,
    at: datetime,
) -> BindingReview:
    """Ask the holder's WeChat for a code, by way of ``binding.code_wanted``."""
    review = BindingReview(
        identity_id=identity_id,
        holder_id=holder_id,
        phone_sealed=vault.seal(claim.phone, context=_PHONE),
        phone_proved_at=proved_at,
        is_change=is_change,
        consents={"texts": [[text.purpose, text.version] for text in claim.texts]},
        door=door,
        store_id=store_id,
        state=ReviewState.WAITING,
        opened_at=at,
        expires_at=at + REVIEW_LIFETIME,
    )
    session.add(review)
    session.flush()
    payload = {"review_id": review.id, "member_id": holder_id}
    outbox.record(session, "binding.code_wanted", payload, at=at)
    return review


def binding_code(session: Session, *, vault: Vault, review_id: int, at: datetime) -> BindingCode:
    """Return the code to be shown in the old WeChat; for the notice that carries it alone.

    Raises:
        ReviewNotFound: there is none, or it was decided, or is with staff, or has expired.
    """
    review = session.get(BindingReview, review_id)
    if review is None or review.state != ReviewState.WAITING or review.expires_at <= at:
        raise ReviewNotFound(review_id=review_id)
    return BindingCode(code_of(vault, review_id), review.holder_id, review.expires_at)


def code_of(vault: Vault, review_id: int) -> str:
    """Derive the code of a review."""
    digest = vault.index(str(review_id), context="binding_reviews.code")
    return f"{int.from_bytes(digest) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def lock_review(session: Session, *, review_id: int) -> BindingReview:
    """Lock an undecided review, its identity first, and return it as it is now.

    Raises:
        ReviewNotFound: there is none.
        ReviewDecided: it was decided before.
    """
    review = session.get(BindingReview, review_id)
    if review is None:
        raise ReviewNotFound(review_id=review_id)
    lock_identity(session, identity_id=review.identity_id)
    session.refresh(review, with_for_update={"key_share": True})
    if review.state not in OPEN_REVIEWS:
        raise ReviewDecided(review_id=review_id)
    return review


def claim_of(session: Session, *, vault: Vault, review: BindingReview) -> ClaimedPhone:
    """Read back what the claimant of an undecided review proved and agreed to."""
    assert review.phone_sealed is not None, "only decided reviews have forgotten their phone"
    found = (
        find_text(session, purpose=Purpose(purpose), version=version) for purpose, version in review.consents["texts"]
    )
    phone = vault.open(review.phone_sealed, context=_PHONE)
    return ClaimedPhone(phone, [text for text in found if text is not None])


def is_for(review: BindingReview, *, vault: Vault, phone: str) -> bool:
    """Tell whether an open review is about this phone."""
    return review.phone_sealed is not None and vault.open(review.phone_sealed, context=_PHONE) == phone


def close(session: Session, *, review: BindingReview, state: ReviewState, decided_by: str, at: datetime) -> None:
    """Note the decision and forget the phone."""
    review.state, review.decided_by, review.decided_at, review.phone_sealed = state, decided_by, at, None
    session.flush()
