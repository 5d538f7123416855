"""Two memberships of one person: one only by consent and with both phones proved."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members import queries, service
from loyalty.members.models import Identity, Member
from loyalty.members.rules.binding import NotAMember
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.reviews import MergeNotProved, NothingToMerge, ProposalNotFound
from tests.factories.members import make_consents, make_identity, make_member, unused_phone, unused_unionid
from tests.support.events import recorded


@dataclass
class Pair:
    """Two members whom WeChat knows to be one person."""

    session: Session
    vault: Vault
    at: datetime
    mine: Member
    other: Member
    identity: Identity
    my_phone: str
    other_phone: str

    def propose(self) -> int:
        return service.propose_merge(self.session, identity_id=self.identity.id, at=self.at).id

    def prove(self, proposal_id: int, phone: str) -> bool:
        return service.prove_for_merge(
            self.session, vault=self.vault, proposal_id=proposal_id, identity_id=self.identity.id,
            proof=service.proof_by_wechat(phone=phone, at=self.at), at=self.at,
        )  # fmt: skip

    def agree(self, proposal_id: int, at: datetime | None = None) -> tuple[int, int]:
        return service.agree_to_merge(
            self.session, proposal_id=proposal_id, identity_id=self.identity.id, at=at or self.at
        )


@pytest.fixture
def pair(session: Session, vault: Vault, at: datetime) -> Pair:
    unionid, my_phone, other_phone = unused_unionid(), unused_phone(), unused_phone()
    mine = make_member(session, phone=my_phone, enrolled_at=at - timedelta(days=5))
    other = make_member(session, phone=other_phone, enrolled_at=at - timedelta(days=50))
    make_identity(session, member=other, kind=IdentityKind.MINI_PROGRAM, unionid=unionid)
    identity = make_identity(session, member=mine, unionid=unionid)
    return Pair(session, vault, at, mine, other, identity, my_phone, other_phone)


def test_both_phones_and_consent_agree_a_merge_into_the_earlier_enrolled(pair: Pair) -> None:
    proposal_id = pair.propose()
    assert pair.prove(proposal_id, pair.my_phone)
    assert pair.prove(proposal_id, pair.other_phone)

    survivor_id, other_id = pair.agree(proposal_id)

    assert (survivor_id, other_id) == (pair.other.id, pair.mine.id)
    assert recorded(pair.session, "member.merge_agreed") == [
        {"proposal_id": proposal_id, "survivor_id": pair.other.id, "other_id": pair.mine.id}
    ]


def test_one_proved_phone_is_not_enough(pair: Pair) -> None:
    proposal_id = pair.propose()
    pair.prove(proposal_id, pair.other_phone)

    with pytest.raises(MergeNotProved) as refusal:
        pair.agree(proposal_id)

    assert refusal.value.details == {"is_own_proved": False, "is_other_proved": True}
    assert recorded(pair.session, "member.merge_agreed") == []


def test_a_third_phone_proves_nothing(pair: Pair) -> None:
    assert not pair.prove(pair.propose(), unused_phone())


def test_binding_the_others_phone_counts_as_its_proof(pair: Pair) -> None:
    outcome = service.bind_by_wechat_phone(
        pair.session, vault=pair.vault, identity_id=pair.identity.id, phone=pair.other_phone,
        consents=make_consents(), at=pair.at,
    )  # fmt: skip
    assert outcome.proposal_id is not None
    pair.prove(outcome.proposal_id, pair.my_phone)

    assert pair.agree(outcome.proposal_id) == (pair.other.id, pair.mine.id)


def test_a_membership_without_phone_has_none_to_prove(pair: Pair) -> None:
    pair.mine.phone_sealed = pair.mine.phone_index = None
    proposal_id = pair.propose()
    pair.prove(proposal_id, pair.other_phone)

    assert pair.agree(proposal_id) == (pair.other.id, pair.mine.id)


def test_a_phone_changed_after_its_proof_ends_the_proposal(pair: Pair, at: datetime) -> None:
    proposal_id = pair.propose()
    pair.prove(proposal_id, pair.my_phone)
    pair.prove(proposal_id, pair.other_phone)
    service.change_phone(
        pair.session, vault=pair.vault, identity_id=pair.identity.id,
        proof=service.proof_by_wechat(phone=unused_phone(), at=at), door=Door.H5, at=at + timedelta(minutes=1),
    )  # fmt: skip

    with pytest.raises(ProposalNotFound):
        pair.agree(proposal_id, at + timedelta(minutes=2))


def test_consent_is_taken_once_and_in_time_and_from_the_person_asked(pair: Pair, at: datetime) -> None:
    lapsed = pair.propose()
    proposal_id = pair.propose()
    pair.prove(proposal_id, pair.my_phone)
    pair.prove(proposal_id, pair.other_phone)
    stranger = make_identity(pair.session, member=make_member(pair.session))

    with pytest.raises(ProposalNotFound):
        pair.agree(lapsed)
    with pytest.raises(ProposalNotFound):
        pair.agree(proposal_id, at + timedelta(minutes=30))
    with pytest.raises(ProposalNotFound):
        service.agree_to_merge(pair.session, proposal_id=proposal_id, identity_id=stranger.id, at=at)
    pair.agree(proposal_id)
    with pytest.raises(ProposalNotFound):
        pair.agree(proposal_id)


def test_nothing_is_proposed_to_who_has_no_second_membership(session: Session, at: datetime) -> None:
    alone = make_identity(session, member=make_member(session), unionid=unused_unionid())

    with pytest.raises(NothingToMerge):
        service.propose_merge(session, identity_id=alone.id, at=at)
    with pytest.raises(NotAMember):
        service.propose_merge(session, identity_id=make_identity(session).id, at=at)


def test_an_open_proposal_is_found_until_it_lapses(pair: Pair, at: datetime) -> None:
    proposal_id = pair.propose()

    found = queries.find_open_proposal(pair.session, identity_id=pair.identity.id, at=at)

    assert found is not None
    assert found.id == proposal_id
    late = at + timedelta(minutes=30)
    assert queries.find_open_proposal(pair.session, identity_id=pair.identity.id, at=late) is None
