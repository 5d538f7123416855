"""A contested phone: by the old WeChat, by staff, by nobody in time."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members import keys, queries, service
from loyalty.members.models import BindingReview, Identity, Member
from loyalty.members.rules.binding import BindingKind
from loyalty.members.rules.reviews import ReviewCodeWrong, ReviewDecided, ReviewNotFound
from loyalty.members.service import BindingOutcome
from loyalty.stores.rules import EVERYTHING, NOTHING, StoreScope
from tests.factories.members import make_consents, make_identity, make_member, unused_phone
from tests.factories.stores import make_store
from tests.support.events import recorded

STAFF = Actor("staff:7", ip="203.0.113.5")


@dataclass
class Contest:
    """A claimant who proved the phone of a member who was silent for long."""

    database: Database
    session: Session
    vault: Vault
    at: datetime
    phone: str
    holder: Member
    claimant: Identity
    review_id: int

    def prove(self, code: str, **given: int) -> BindingOutcome:
        identity_id = given.get("identity_id", self.claimant.id)
        outcome = service.prove_by_review_code(
            self.database, vault=self.vault, review_id=self.review_id, identity_id=identity_id, code=code, at=self.at
        )
        self.session.expire_all()
        return outcome

    def code(self) -> str:
        return service.binding_code(self.session, vault=self.vault, review_id=self.review_id, at=self.at).code

    def decide(self, is_same_person: bool) -> BindingOutcome:
        return service.decide_by_staff(
            self.session, vault=self.vault, review_id=self.review_id, is_same_person=is_same_person,
            reason="本人到店，出示旧手机", actor=STAFF, at=self.at,
        )  # fmt: skip

    def bind_again(self, at: datetime) -> BindingOutcome:
        return service.bind_by_wechat_phone(
            self.session, vault=self.vault, identity_id=self.claimant.id, phone=self.phone,
            consents=make_consents(), at=at,
        )  # fmt: skip

    def holder_of_the_phone(self) -> int | None:
        self.session.expire_all()
        found = queries.find_by_phone(self.session, vault=self.vault, phone=self.phone)
        return found and found.id


def _contest(database: Database, session: Session, vault: Vault, at: datetime, mine: Member | None) -> Contest:
    phone = unused_phone()
    holder = make_member(session, phone=phone, last_active_at=at - timedelta(days=200))
    make_identity(session, member=holder, is_following=True)
    claimant = make_identity(session, member=mine)
    outcome = service.bind_by_wechat_phone(
        session, vault=vault, identity_id=claimant.id, phone=phone, consents=make_consents(), at=at
    )
    session.commit()
    assert outcome.review_id is not None
    return Contest(database, session, vault, at, phone, holder, claimant, outcome.review_id)


@pytest.fixture
def contest(database: Database, session: Session, vault: Vault, at: datetime) -> Contest:
    return _contest(database, session, vault, at, None)


@pytest.fixture
def contest_of_member(database: Database, session: Session, vault: Vault, at: datetime) -> Contest:
    return _contest(database, session, vault, at, make_member(session))


class TestTheCodeOfTheOldWechat:
    def test_lets_a_visitor_join_the_holder(self, contest: Contest, session: Session) -> None:
        outcome = contest.prove(contest.code())

        assert (outcome.kind, outcome.member_id) == (BindingKind.JOINED, contest.holder.id)
        assert contest.claimant.member_id == contest.holder.id
        assert contest.holder_of_the_phone() == contest.holder.id
        assert len(queries.consents_of(session, member_id=contest.holder.id)) == 2

    def test_offers_a_member_a_merge(self, contest_of_member: Contest) -> None:
        own = contest_of_member.claimant.member_id

        outcome = contest_of_member.prove(contest_of_member.code())

        assert (outcome.kind, outcome.member_id) == (BindingKind.MERGE_OFFERED, own)
        assert outcome.proposal_id is not None

    def test_works_once(self, contest: Contest) -> None:
        code = contest.code()
        contest.prove(code)

        with pytest.raises(ReviewCodeWrong):
            contest.prove(code)

    def test_ends_after_five_wrong_tries(self, contest: Contest) -> None:
        code = contest.code()
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        for _ in range(5):
            with pytest.raises(ReviewCodeWrong):
                contest.prove(wrong)

        with pytest.raises(ReviewCodeWrong):
            contest.prove(code)
        assert contest.claimant.member_id is None

    def test_is_of_no_use_to_anybody_else(self, contest: Contest, session: Session) -> None:
        stranger = make_identity(session)
        session.commit()

        with pytest.raises(ReviewCodeWrong):
            contest.prove(contest.code(), identity_id=stranger.id)

    @pytest.mark.parametrize("code", ["", "😀", "\x00"])
    def test_refuses_what_is_no_code(self, contest: Contest, code: str) -> None:
        with pytest.raises(ReviewCodeWrong):
            contest.prove(code)

    def test_is_told_to_nobody_after_its_time(self, contest: Contest, session: Session, at: datetime) -> None:
        with pytest.raises(ReviewNotFound):
            service.binding_code(
                session, vault=contest.vault, review_id=contest.review_id, at=at + timedelta(minutes=30)
            )


class TestAnotherPerson:
    def _assert_enrolled_anew(self, contest: Contest, outcome: BindingOutcome) -> None:
        assert outcome.kind is BindingKind.ENROLLED
        assert outcome.member_id != contest.holder.id
        assert contest.holder_of_the_phone() == outcome.member_id
        contest.session.refresh(contest.holder)
        assert (contest.holder.status, contest.holder.phone_sealed) == ("active", None)
        assert recorded(contest.session, "member.phone_detached") == [{"member_id": contest.holder.id}]
        assert len(queries.consents_of(contest.session, member_id=outcome.member_id or 0)) == 2

    def test_says_so_and_is_enrolled_anew(self, contest: Contest, session: Session, at: datetime) -> None:
        outcome = service.decline_second_proof(
            session, vault=contest.vault, review_id=contest.review_id, identity_id=contest.claimant.id, at=at
        )

        self._assert_enrolled_anew(contest, outcome)

    def test_is_what_silence_means(self, contest: Contest, database: Database, at: datetime) -> None:
        early = service.settle_expired_reviews(database, vault=contest.vault, at=at + timedelta(minutes=29))
        settled = service.settle_expired_reviews(database, vault=contest.vault, at=at + timedelta(minutes=30))
        again = service.settle_expired_reviews(database, vault=contest.vault, at=at + timedelta(minutes=31))

        contest.session.expire_all()
        assert (early, settled, again) == (0, 1, 0)
        outcome = BindingOutcome(BindingKind.ENROLLED, contest.claimant.member_id)
        self._assert_enrolled_anew(contest, outcome)

    def test_is_what_a_second_binding_after_its_time_means(self, contest: Contest, at: datetime) -> None:
        outcome = contest.bind_again(at + timedelta(minutes=31))

        self._assert_enrolled_anew(contest, outcome)

    def test_who_is_a_member_with_a_phone_has_to_ask_for_the_change(self, contest_of_member: Contest) -> None:
        contest = contest_of_member

        outcome = contest.decide(is_same_person=False)

        assert outcome.kind is BindingKind.PHONE_DIFFERS
        assert contest.holder_of_the_phone() is None

    def test_cannot_decline_for_somebody_else(self, contest: Contest, session: Session, at: datetime) -> None:
        stranger = make_identity(session)

        with pytest.raises(ReviewNotFound):
            service.decline_second_proof(
                session, vault=contest.vault, review_id=contest.review_id, identity_id=stranger.id, at=at
            )


class TestStaff:
    def test_may_say_it_is_the_same_person(self, contest: Contest) -> None:
        outcome = contest.decide(is_same_person=True)

        assert (outcome.kind, outcome.member_id) == (BindingKind.JOINED, contest.holder.id)

    def test_may_say_it_is_another(self, contest: Contest) -> None:
        outcome = contest.decide(is_same_person=False)

        assert outcome.kind is BindingKind.ENROLLED
        assert contest.holder_of_the_phone() == outcome.member_id

    def test_decide_once(self, contest: Contest) -> None:
        contest.decide(is_same_person=True)

        with pytest.raises(ReviewDecided):
            contest.decide(is_same_person=False)

    def test_are_audited_with_a_reason_that_dies_with_the_member(self, contest: Contest, session: Session) -> None:
        contest.decide(is_same_person=True)

        entry = audit.list_entries(session, subject=f"member:{contest.holder.id}", action="members.decide_binding")[0]
        assert (entry.actor, entry.ip) == ("staff:7", "203.0.113.5")
        assert entry.after is not None
        assert "到店" not in str(entry.after)
        sealed = base64.b64decode(entry.after["reason_sealed"])
        reason = keys.open_for_member(
            session, vault=contest.vault, member_id=contest.holder.id, sealed=sealed, context="audit.reason"
        )
        assert reason == "本人到店，出示旧手机"

    def test_have_a_week_once_they_are_asked(
        self, contest: Contest, session: Session, database: Database, at: datetime
    ) -> None:
        service.ask_staff(session, review_id=contest.review_id, identity_id=contest.claimant.id, at=at)
        session.commit()

        settled = service.settle_expired_reviews(database, vault=contest.vault, at=at + timedelta(days=6))

        assert settled == 0
        assert [review.id for review in queries.list_reviews(session, scope=EVERYTHING).items] == [contest.review_id]
        with pytest.raises(ReviewCodeWrong):
            contest.prove("000000")

    def test_of_a_store_page_through_what_is_theirs_and_what_belongs_to_no_store(
        self, database: Database, session: Session, vault: Vault, at: datetime
    ) -> None:
        here, elsewhere = make_store(session).id, make_store(session).id
        asked = {}
        for home in (here, None, elsewhere):
            contest = _contest(database, session, vault, at, None)
            contest.holder.enrolled_store_id = home
            service.ask_staff(session, review_id=contest.review_id, identity_id=contest.claimant.id, at=at)
            asked[home] = contest.review_id
        scope = StoreScope(is_chain_wide=False, store_ids=frozenset({here}))

        first = queries.list_reviews(session, scope=scope, limit=1)
        second = queries.list_reviews(session, scope=scope, limit=1, cursor=first.next_cursor)

        assert [review.id for review in (*first.items, *second.items)] == [asked[None], asked[here]]
        assert second.next_cursor is None
        assert len(queries.list_reviews(session, scope=EVERYTHING).items) == 3
        assert queries.list_reviews(session, scope=NOTHING).items == []
        assert not queries.is_review_for(session, review_id=asked[elsewhere], scope=scope)
        assert not queries.is_review_for(session, review_id=asked[None], scope=NOTHING)

    def test_see_no_phone_once_it_is_decided(self, contest: Contest, session: Session) -> None:
        contest.decide(is_same_person=True)

        review = session.get_one(BindingReview, contest.review_id)
        assert review.phone_sealed is None
        assert review.decided_by == "staff:7"


def test_a_second_claimant_is_contested_anew_after_the_first_won(
    contest: Contest, session: Session, vault: Vault, at: datetime
) -> None:
    rival = make_identity(session)
    second = service.bind_by_wechat_phone(
        session, vault=vault, identity_id=rival.id, phone=contest.phone, consents=make_consents(), at=at
    )
    winner = contest.decide(is_same_person=False)

    outcome = service.decline_second_proof(
        session, vault=vault, review_id=second.review_id or 0, identity_id=rival.id, at=at
    )

    assert outcome.kind is BindingKind.NEEDS_SECOND_PROOF
    assert outcome.review_id not in (None, second.review_id)
    assert contest.holder_of_the_phone() == winner.member_id
    assert run(contest.database, lambda s: s.get_one(Identity, rival.id).member_id) is None
