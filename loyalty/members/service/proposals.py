"""Merge proposals (合并): two memberships become one by explicit consent and with both phones proved.

The merge itself belongs to a higher module, which hears of ``member.merge_agreed``.
"""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.crypto import Vault
from loyalty.members import queries
from loyalty.members.models import Identity, Member, MergeProposal
from loyalty.members.rules.binding import NotAMember
from loyalty.members.rules.members import MemberGone, MemberStatus
from loyalty.members.rules.reviews import (
    PROPOSAL_LIFETIME,
    ClosingMember,
    MergeNotProved,
    NothingToMerge,
    ProposalNotFound,
    ProposalState,
)
from loyalty.members.service.identities import lock_identity
from loyalty.members.service.phone_proofs import PhoneProof


def open_proposal(
    session: Session,
    *,
    identity: Identity,
    other_member_id: int,
    other_phone_proved_at: datetime | None,
    at: datetime,
) -> MergeProposal:
    """Offer a member to merge with another; an earlier offer to this identity lapses."""
    session.execute(
        update(MergeProposal)
        .where(MergeProposal.identity_id == identity.id, MergeProposal.state == ProposalState.OPEN)
        .values(state=ProposalState.LAPSED)
        .execution_options(synchronize_session="fetch")
    )
    proposal = MergeProposal(
        identity_id=identity.id,
        member_id=identity.member_id,
        other_member_id=other_member_id,
        other_phone_proved_at=other_phone_proved_at,
        state=ProposalState.OPEN,
        opened_at=at,
        expires_at=at + PROPOSAL_LIFETIME,
    )
    session.add(proposal)
    session.flush()
    return proposal


def lapse_proposals(session: Session, *, member_id: int) -> None:
    """Let every open proposal about a member lapse: what was proved of it may no longer hold."""
    concerned = or_(MergeProposal.member_id == member_id, MergeProposal.other_member_id == member_id)
    session.execute(
        update(MergeProposal)
        .where(concerned, MergeProposal.state == ProposalState.OPEN)
        .values(state=ProposalState.LAPSED)
        .execution_options(synchronize_session="fetch")
    )


def propose_merge(session: Session, *, identity_id: int, at: datetime) -> MergeProposal:
    """Offer a member to merge with the one that shares a unionid with them.

    Raises:
        NotAMember: the identity is a visitor's.
        NothingToMerge: nobody shares a unionid with them.
    """
    identity = lock_identity(session, identity_id=identity_id)
    if identity.member_id is None:
        raise NotAMember
    other_id = queries.find_merge_candidate(session, member_id=identity.member_id)
    if other_id is None:
        raise NothingToMerge
    return open_proposal(session, identity=identity, other_member_id=other_id, other_phone_proved_at=None, at=at)


def prove_for_merge(
    session: Session, *, vault: Vault, proposal_id: int, identity_id: int, proof: PhoneProof, at: datetime
) -> bool:
    """Note that the person has one of the two phones; tell whether it is one of the two.

    Raises:
        ProposalNotFound: no open proposal of this identity has this id.
    """
    proposal = _open(session, proposal_id, identity_id, at)
    phone_index = vault.index(proof.phone, context="members.phone")
    if _phone_index(session, proposal.member_id) == phone_index:
        proposal.member_phone_proved_at = proof.proved_at
        return True
    if _phone_index(session, proposal.other_member_id) == phone_index:
        proposal.other_phone_proved_at = proof.proved_at
        return True
    return False


def agree_to_merge(session: Session, *, proposal_id: int, identity_id: int, at: datetime) -> tuple[int, int]:
    """Take the person's explicit consent; return survivor and other: the earlier enrolled, or the one in full.

    A membership without a phone has none to prove.

    Raises:
        ProposalNotFound: no open proposal of this identity has this id.
        MergeNotProved: a phone has not been proved since the proposal was made.
        MemberGone: one of the two was closed or merged in the meantime.
        ClosingMember: one of the two waits to be closed.
    """
    proposal = _open(session, proposal_id, identity_id, at)
    members = queries.lock_members(session, member_ids=(proposal.member_id, proposal.other_member_id))
    for member in members.values():
        if member.status == MemberStatus.CLOSING:
            raise ClosingMember(member_id=member.id)
        if member.status not in queries.HOLDING:
            raise MemberGone(member_id=member.id)
    _require_proved(proposal, members)
    survivor, other = sorted(members.values(), key=_seniority)
    proposal.state, proposal.consented_at = ProposalState.AGREED, at
    payload = {"proposal_id": proposal.id, "survivor_id": survivor.id, "other_id": other.id}
    outbox.record(session, "member.merge_agreed", payload, at=at)
    return survivor.id, other.id


def _seniority(member: Member) -> tuple[bool, datetime, int]:
    """Order who survives: never a provisional member, else the earlier enrolled."""
    return member.status == MemberStatus.PROVISIONAL, member.enrolled_at, member.id


def _require_proved(proposal: MergeProposal, members: dict[int, Member]) -> None:
    own, other = members[proposal.member_id], members[proposal.other_member_id]
    is_own_proved = own.phone_index is None or proposal.member_phone_proved_at is not None
    is_other_proved = other.phone_index is None or proposal.other_phone_proved_at is not None
    if not (is_own_proved and is_other_proved):
        raise MergeNotProved(is_own_proved=is_own_proved, is_other_proved=is_other_proved)


def _open(session: Session, proposal_id: int, identity_id: int, at: datetime) -> MergeProposal:
    proposal = session.scalar(
        select(MergeProposal)
        .where(
            MergeProposal.id == proposal_id,
            MergeProposal.identity_id == identity_id,
            MergeProposal.state == ProposalState.OPEN,
            MergeProposal.expires_at > at,
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if proposal is None:
        raise ProposalNotFound(proposal_id=proposal_id)
    return proposal


def _phone_index(session: Session, member_id: int) -> bytes | None:
    return session.scalar(select(Member.phone_index).where(Member.id == member_id))
