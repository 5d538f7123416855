"""Contested phones that owe a second proof, and merges that were offered."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import BindingReview, Member, MergeProposal
from loyalty.members.rules.reviews import OPEN_REVIEWS, ProposalState
from loyalty.stores.rules import StoreScope


def find_open_review(session: Session, *, identity_id: int) -> BindingReview | None:
    """Return the second proof that an identity still owes, expired ones included."""
    return session.scalar(
        select(BindingReview).where(BindingReview.identity_id == identity_id, BindingReview.state.in_(OPEN_REVIEWS))
    )


def list_reviews(
    session: Session,
    *,
    scope: StoreScope,
    is_change: bool | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[BindingReview]:
    """Return the contested phones that wait for staff of this scope, newest first.

    ``is_change`` tells the members who want another phone from the visitors who want to bind one.
    """
    query = _reviews_for(scope).where(BindingReview.state == "with_staff").order_by(BindingReview.id.desc())
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(BindingReview.id < last_id)
    if is_change is not None:
        query = query.where(BindingReview.is_change.is_(is_change))
    return page_of(session.scalars(query.limit(limit + 1)).all(), limit=limit, id_of=lambda review: review.id)


def is_review_for(session: Session, *, review_id: int, scope: StoreScope) -> bool:
    """Tell whether a contested phone is for staff of this scope to decide."""
    return session.scalar(_reviews_for(scope).where(BindingReview.id == review_id)) is not None


def list_expired_reviews(session: Session, *, at: datetime, limit: int) -> Sequence[int]:
    """Return the ids of undecided contested phones whose time is over, the longest first."""
    return session.scalars(
        select(BindingReview.id)
        .where(BindingReview.state.in_(OPEN_REVIEWS), BindingReview.expires_at <= at)
        .order_by(BindingReview.expires_at)
        .limit(limit)
    ).all()


def find_open_proposal(session: Session, *, identity_id: int, at: datetime) -> MergeProposal | None:
    """Return the merge that an identity was offered and that has not lapsed."""
    return session.scalar(
        select(MergeProposal).where(
            MergeProposal.identity_id == identity_id,
            MergeProposal.state == ProposalState.OPEN,
            MergeProposal.expires_at > at,
        )
    )


def _reviews_for(scope: StoreScope) -> Select[BindingReview]:
    """Where the holder enrolled online and so has no store, any store may look at the person."""
    home = Member.enrolled_store_id
    reviews = select(BindingReview).join(Member, Member.id == BindingReview.holder_id)
    if scope.is_chain_wide:
        return reviews
    return reviews.where(home.in_(scope.store_ids) | home.is_(None) if scope.store_ids else false())
