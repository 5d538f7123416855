"""Binding (绑定): what becomes of a proved phone. Facts are read under locks, decided by one table.

Two people with one phone, or one person with two, end up as one member whatever the timing: the
unionid, the identity and the phone are locked, in that order, before anything is read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members import queries
from loyalty.members.models import BindingReview, Member
from loyalty.members.rules.binding import (
    BindingKind,
    Decision,
    NotAMember,
    decide_binding,
)
from loyalty.members.rules.consents import ConsentGiven, check_consents
from loyalty.members.rules.identities import Door
from loyalty.members.rules.reviews import ReviewState
from loyalty.members.service import enrolment, reviews
from loyalty.members.service.claims import Claim, facts_of
from loyalty.members.service.consents import record_consents
from loyalty.members.service.identities import join_by_unionid, lock_identity
from loyalty.members.service.locks import lock_phone
from loyalty.members.service.phone_proofs import PhoneProof
from loyalty.members.service.proposals import open_proposal

EXPIRY = Actor("system:settle_expired_reviews")


@dataclass(frozen=True, slots=True)
class BindingOutcome:
    """How a binding ended; ``review_id`` or ``proposal_id`` where something is still owed."""

    kind: BindingKind
    member_id: int | None
    review_id: int | None = None
    proposal_id: int | None = None


def bind_phone(
    session: Session,
    *,
    vault: Vault,
    identity_id: int,
    proof: PhoneProof,
    consents: Collection[ConsentGiven],
    door: Door,
    store_id: int | None = None,
    at: datetime,
) -> BindingOutcome:
    """Bind a proved phone: enrol, join, or say what else has to be shown first.

    Nothing that somebody else may own is opened by the phone alone; see ``rules.binding``.

    Raises:
        ConsentMissing, ConsentOutdated: the required texts in force were not all agreed to.
        IdentityNotFound: there is no such identity.
    """
    texts = check_consents(consents, queries.current_texts(session))
    identity = lock_identity(session, identity_id=identity_id)
    claim = Claim(vault, identity, proof.phone, proof.proved_at, texts, door, store_id, False, at)
    return _pursue(session, claim)


def change_phone(
    session: Session, *, vault: Vault, identity_id: int, proof: PhoneProof, door: Door, at: datetime
) -> BindingOutcome:
    """Give a member a new, proved phone (更换手机号) in place of the one they have.

    A phone that another member holds is never taken silently: the same table decides as at binding.

    Raises:
        NotAMember: the identity is a visitor's.
        IdentityNotFound: there is no such identity.
    """
    identity = lock_identity(session, identity_id=identity_id)
    if identity.member_id is None:
        raise NotAMember
    claim = Claim(vault, identity, proof.phone, proof.proved_at, (), door, None, True, at)
    return _pursue(session, claim)


def settle(
    session: Session, *, vault: Vault, review_id: int, state: ReviewState, actor: Actor, at: datetime
) -> BindingOutcome:
    """Carry out a decision on a contested phone.

    The same person: a visitor joins the holder, a member is offered a merge. Another person: the
    phone leaves the holder, and the claimant goes through the table once more.

    Raises:
        ReviewNotFound: there is no such review.
        ReviewDecided: it was decided before.
    """
    review = reviews.lock_review(session, review_id=review_id)
    claim = _claim_of(session, vault, review, at)
    lock_phone(session, claim.phone_index)
    reviews.close(session, review=review, state=state, decided_by=actor.name, at=at)
    holder = _lock_with_own(session, claim, review.holder_id)
    if state is ReviewState.SAME_PERSON and holder is not None:
        return _concluded(session, claim, _recognise(session, claim, holder))
    if holder is not None and holder.phone_index == claim.phone_index:
        enrolment.detach_phone(session, member=holder, actor=actor, review_id=review.id, at=at)
    return _decide(session, claim)


def _pursue(session: Session, claim: Claim) -> BindingOutcome:
    review = queries.find_open_review(session, identity_id=claim.identity.id)
    if review is None or not reviews.is_for(review, vault=claim.vault, phone=claim.phone):
        if review is not None:
            reviews.close(session, review=review, state=ReviewState.DROPPED, decided_by="claimant", at=claim.at)
        lock_phone(session, claim.phone_index)
        return _decide(session, claim)
    if review.expires_at > claim.at:
        return BindingOutcome(BindingKind.NEEDS_SECOND_PROOF, claim.identity.member_id, review_id=review.id)
    return settle(
        session,
        vault=claim.vault,
        review_id=review.id,
        state=ReviewState.OTHER_PERSON,
        actor=EXPIRY,
        at=claim.at,
    )


def _decide(session: Session, claim: Claim) -> BindingOutcome:
    found = queries.find_holder(session, phone_index=claim.phone_index)
    holder = _lock_with_own(session, claim, None if found is None else found.id)
    decision = decide_binding(facts_of(session, claim, holder))
    if decision is Decision.JOIN_BY_UNIONID:
        join_by_unionid(session, identity=claim.identity, at=claim.at)
        decision = decide_binding(facts_of(session, claim, holder))
    return _concluded(session, claim, _carry_out(session, decision, claim, holder))


def _concluded(session: Session, claim: Claim, outcome: BindingOutcome) -> BindingOutcome:
    if outcome.member_id is not None and outcome.review_id is None:
        record_consents(session, member_id=outcome.member_id, texts=claim.texts, door=claim.door, at=claim.at)
    return outcome


def _claim_of(session: Session, vault: Vault, review: BindingReview, at: datetime) -> Claim:
    claimed = reviews.claim_of(session, vault=vault, review=review)
    return Claim(
        vault=vault,
        identity=queries.get_identity(session, identity_id=review.identity_id),
        phone=claimed.phone,
        proved_at=review.phone_proved_at,
        texts=claimed.texts,
        door=Door(review.door),
        store_id=review.store_id,
        is_change=review.is_change,
        at=at,
    )


def _lock_with_own(session: Session, claim: Claim, holder_id: int | None) -> Member | None:
    wanted = {member_id for member_id in (holder_id, claim.identity.member_id) if member_id is not None}
    members = queries.lock_members(session, member_ids=wanted) if wanted else {}
    holder = members.get(holder_id) if holder_id is not None else None
    return holder if holder is not None and holder.status in queries.HOLDING else None


def _carry_out(session: Session, decision: Decision, claim: Claim, holder: Member | None) -> BindingOutcome:
    if decision is Decision.ENROL:
        return _enrol(session, claim)
    if decision is Decision.SET_PHONE:
        return _set_phone(session, claim)
    if decision is Decision.OFFER_CHANGE:
        return BindingOutcome(BindingKind.PHONE_DIFFERS, claim.identity.member_id)
    assert holder is not None, "every other decision is about a phone that somebody holds"
    if decision is Decision.SECOND_PROOF:
        return _ask_for_second_proof(session, claim, holder)
    if decision is Decision.ALREADY_BOUND:
        holder.phone_proved_at = claim.proved_at
        return BindingOutcome(BindingKind.ALREADY_BOUND, holder.id)
    if decision is Decision.CONFIRM:
        enrolment.confirm(session, member=holder, identity=claim.identity, proved_at=claim.proved_at, at=claim.at)
        return BindingOutcome(BindingKind.CONFIRMED, holder.id)
    return _recognise(session, claim, holder)


def _enrol(session: Session, claim: Claim) -> BindingOutcome:
    member = enrolment.enrol(
        session,
        vault=claim.vault,
        identity=claim.identity,
        phone=claim.phone,
        store_id=claim.store_id,
        at=claim.at,
    )
    return BindingOutcome(BindingKind.ENROLLED, member.id)


def _set_phone(session: Session, claim: Claim) -> BindingOutcome:
    assert claim.identity.member_id is not None
    member = queries.require_living(session, member_id=claim.identity.member_id)
    enrolment.set_phone(session, vault=claim.vault, member=member, phone=claim.phone, at=claim.at)
    return BindingOutcome(BindingKind.PHONE_CHANGED, member.id)


def _recognise(session: Session, claim: Claim, holder: Member) -> BindingOutcome:
    if claim.identity.member_id is None:
        enrolment.join(session, identity=claim.identity, member=holder, at=claim.at)
        return BindingOutcome(BindingKind.JOINED, holder.id)
    if claim.identity.member_id == holder.id:
        return BindingOutcome(BindingKind.ALREADY_BOUND, holder.id)
    proposal = open_proposal(
        session,
        identity=claim.identity,
        other_member_id=holder.id,
        other_phone_proved_at=claim.proved_at,
        at=claim.at,
    )
    return BindingOutcome(BindingKind.MERGE_OFFERED, claim.identity.member_id, proposal_id=proposal.id)


def _ask_for_second_proof(session: Session, claim: Claim, holder: Member) -> BindingOutcome:
    review = reviews.open_review(
        session,
        vault=claim.vault,
        identity_id=claim.identity.id,
        holder_id=holder.id,
        claim=reviews.ClaimedPhone(claim.phone, claim.texts),
        proved_at=claim.proved_at,
        door=claim.door,
        store_id=claim.store_id,
        is_change=claim.is_change,
        at=claim.at,
    )
    return BindingOutcome(BindingKind.NEEDS_SECOND_PROOF, claim.identity.member_id, review_id=review.id)
