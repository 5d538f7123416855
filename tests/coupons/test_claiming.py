"""Claiming in the centre, by link and by code: each code once, and no guessing."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.rules.errors import (
    ClaimCodeInvalid,
    ClaimCodeUsed,
    CouponTemplateNotFound,
    CouponTemplateNotInState,
    TooManyClaimCodes,
)
from loyalty.coupons.rules.terms import Claiming
from loyalty.coupons.service.claiming import TRIES_PER_DAY, claim, claim_by_code, claim_by_link, count_try
from loyalty.coupons.service.code_batches import make_batch, void_batch, void_code
from loyalty.coupons.service.issuing import Issued
from loyalty.coupons.service.templates import create_template, discard_draft
from tests.factories.coupons import ACTOR, SHANGHAI, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT

KEY = b"k" * 32


def make_codes(session: Session, count: int = 3, *, stock: int | None = 100) -> tuple[int, list[str]]:
    batch_id = make_batch(
        session, template_id=make_template(session, stock=stock), name="传单", count=count, actor=ACTOR, at=AT
    )
    first = get_batch(session, batch_id=batch_id).first_serial
    return batch_id, [claim_code(KEY, serial) for serial in range(first, first + count)]


def by_code(session: Session, member_id: int, typed: str) -> Issued:
    return claim_by_code(session, codes_key=KEY, typed=typed, member_id=member_id, at=AT, zone=SHANGHAI)


class TestByCode:
    def test_each_is_good_for_one_coupon_of_one_member(self, session: Session, member_id: int) -> None:
        batch_id, (code, *_others) = make_codes(session)

        first, again = by_code(session, member_id, code), by_code(session, member_id, code.lower().replace("-", " "))

        assert (again.coupon_id, again.is_replay) == (first.coupon_id, True)
        with pytest.raises(ClaimCodeUsed):
            by_code(session, make_member(session).id, code)
        assert get_batch(session, batch_id=batch_id).claimed == 1

    def test_of_a_batch_that_was_voided_is_good_for_nothing(self, session: Session, member_id: int) -> None:
        batch_id, (claimed, left, _) = make_codes(session)
        coupon = by_code(session, member_id, claimed)
        void_batch(session, batch_id=batch_id, actor=ACTOR, at=AT)

        with pytest.raises(ClaimCodeUsed):
            by_code(session, member_id, left)
        assert by_code(session, member_id, claimed).coupon_id == coupon.coupon_id

    def test_that_was_voided_by_itself_leaves_the_others(self, session: Session, member_id: int) -> None:
        batch_id, (voided, left, _) = make_codes(session)
        void_code(session, codes_key=KEY, batch_id=batch_id, typed=voided, actor=ACTOR, at=AT)

        with pytest.raises(ClaimCodeUsed):
            by_code(session, member_id, voided)
        by_code(session, member_id, left)
        assert (get_batch(session, batch_id=batch_id).claimed, get_batch(session, batch_id=batch_id).voided) == (1, 1)

    def test_beyond_the_batches_is_none_of_ours(self, session: Session, member_id: int) -> None:
        batch_id, codes = make_codes(session)
        after = get_batch(session, batch_id=batch_id)

        for typed in (claim_code(KEY, after.first_serial + after.count), codes[0][:-1] + "?", "", "2" * 12):
            with pytest.raises(ClaimCodeInvalid):
                by_code(session, member_id, typed)

    def test_is_tried_so_many_times_a_day(self, session: Session, member_id: int) -> None:
        for _ in range(TRIES_PER_DAY):
            count_try(session, member_id=member_id, at=AT, zone=SHANGHAI)

        with pytest.raises(TooManyClaimCodes):
            count_try(session, member_id=member_id, at=AT, zone=SHANGHAI)


def test_batches_never_share_a_code(session: Session) -> None:
    _, first = make_codes(session, 50)
    _, second = make_codes(session, 50)

    assert len({*first, *second}) == 100


def test_a_template_has_no_codes_until_it_is_published_so_that_its_draft_can_be_thrown_away(session: Session) -> None:
    template_id = create_template(session, terms=terms_of(), stock=1, actor=ACTOR, at=AT)

    with pytest.raises(CouponTemplateNotInState):
        make_batch(session, template_id=template_id, name="传单", count=1, actor=ACTOR, at=AT)
    discard_draft(session, template_id=template_id, actor=ACTOR, at=AT)

    with pytest.raises(CouponTemplateNotFound):
        get_template(session, template_id=template_id)


def test_a_link_claims_what_is_not_in_the_centre(session: Session, member_id: int, at: datetime) -> None:
    template_id = make_template(session, terms_of(claiming=Claiming(is_in_centre=False)))
    token = get_template(session, template_id=template_id).link_token

    with pytest.raises(CouponTemplateNotFound):
        claim(session, template_id=template_id, member_id=member_id, key="a", at=at, zone=SHANGHAI)
    issued = claim_by_link(session, link_token=token, member_id=member_id, key="a", at=at, zone=SHANGHAI)
    again = claim_by_link(session, link_token=token, member_id=member_id, key="a", at=at, zone=SHANGHAI)

    assert (again.coupon_id, again.is_replay) == (issued.coupon_id, True)
    with pytest.raises(CouponTemplateNotFound):
        claim_by_link(session, link_token="guessed", member_id=member_id, key="b", at=at, zone=SHANGHAI)
