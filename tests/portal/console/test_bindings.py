from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.crypto import Vault
from loyalty.members.models import BindingReview, Identity, Member
from loyalty.members.rules.identities import Door
from loyalty.members.rules.reviews import ReviewState
from loyalty.staff.rules import Role
from tests.factories.members import make_identity, make_member
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn

PHONE = "+8613912345678"


@pytest.fixture
def holder(session: Session) -> Member:
    return make_member(session, phone=PHONE, enrolled_store_id=make_store(session).id)


@pytest.fixture
def claimant(session: Session) -> Identity:
    return make_identity(session)


@pytest.fixture
def review(session: Session, vault: Vault, holder: Member, claimant: Identity, at: datetime) -> BindingReview:
    review = BindingReview(
        identity_id=claimant.id,
        holder_id=holder.id,
        phone_sealed=vault.seal(PHONE, context="members.phone"),
        phone_proved_at=at,
        is_change=False,
        consents={"texts": []},
        door=Door.H5,
        state=ReviewState.WITH_STAFF,
        opened_at=at,
        expires_at=at + timedelta(days=7),
    )
    session.add(review)
    session.commit()
    return review


class TestBindingReviews:
    def test_show_who_holds_and_who_claims_the_phone(
        self, admin: Browser, holder: Member, review: BindingReview
    ) -> None:
        page = admin.text("/console/bindings")

        assert holder.number in page
        assert "139****5678" in page
        assert "访客" in page

    def test_the_same_person_joins_the_holder(
        self,
        admin: Browser,
        session: Session,
        holder: Member,
        claimant: Identity,
        review: BindingReview,
    ) -> None:
        page = admin.submit(f"/console/bindings/{review.id}", decision="same", reason="核对了身份证与消费记录")

        session.refresh(claimant)
        assert "已处理" in page
        assert claimant.member_id == holder.id
        entry = audit.list_entries(session, action="members.decide_binding")[0]
        assert "核对了身份证" not in str(entry.after)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"decision": "same", "reason": "好"}, "请写明核验依据"),
            ({"decision": "maybe", "reason": "核对了身份证"}, "填写的内容不正确"),
        ],
    )
    def test_need_a_decision_and_a_reason(
        self,
        admin: Browser,
        session: Session,
        review: BindingReview,
        fields: dict[str, str],
        message: str,
    ) -> None:
        page = admin.submit(f"/console/bindings/{review.id}", **fields)

        session.refresh(review)
        assert message in page
        assert review.state == ReviewState.WITH_STAFF

    def test_are_decided_once(self, admin: Browser, review: BindingReview) -> None:
        fields = {"decision": "same", "reason": "核对了身份证"}
        admin.submit(f"/console/bindings/{review.id}", **fields)

        assert "已有结论" in admin.submit(f"/console/bindings/{review.id}", **fields)

    @pytest.mark.parametrize("role", [Role.STORE_MANAGER, Role.REGION_MANAGER])
    def test_of_members_who_enrolled_online_are_for_every_store(
        self,
        log_in: LogIn,
        session: Session,
        holder: Member,
        claimant: Identity,
        review: BindingReview,
        role: Role,
    ) -> None:
        holder.enrolled_store_id = None
        session.commit()
        browser = log_in(role, stores=[make_store(session)])

        assert f"{holder.number}（线上入会）" in browser.text("/console/bindings")
        assert "已处理" in browser.submit(f"/console/bindings/{review.id}", decision="same", reason="核对了身份证")

        session.refresh(claimant)
        assert claimant.member_id == holder.id

    def test_of_other_stores_members_are_out_of_reach(
        self, log_in: LogIn, session: Session, holder: Member, review: BindingReview
    ) -> None:
        browser = log_in(Role.STORE_MANAGER, stores=[make_store(session)])

        assert holder.number not in browser.text("/console/bindings")
        page = browser.submit(f"/console/bindings/{review.id}", decision="same", reason="核对了身份证")
        session.refresh(review)
        assert "没有待完成的身份核验" in page
        assert review.state == ReviewState.WITH_STAFF
