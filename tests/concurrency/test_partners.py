"""Tills under fire: one code, one nonce, one order, however many ask at the same moment."""

from datetime import UTC, datetime
from json import dumps
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.rules.errors import CouponNotUsable
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.idempotency import Answer
from loyalty.kernel.transaction import run
from loyalty.members.rules.member_code import current_code
from loyalty.orders.rules import Line
from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.rules.references import IssuedRef, MemberCodeUsed, MemberName
from loyalty.partners.rules.signatures import NonceUsed
from loyalty.partners.service.authentication import authenticate
from loyalty.partners.service.coupon_uses import RedeemWish, redeem_coupons
from loyalty.partners.service.coupons import TillBasket
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.purchases import ReportedPurchase, report_purchase
from loyalty.partners.service.references import Till, name_member
from loyalty.stores.models import Store
from tests.factories.coupons import issue_to, make_template
from tests.factories.members import make_member
from tests.factories.partners import make_key
from tests.factories.stores import make_store
from tests.partners.test_authentication import signed
from tests.support.races import at_once
from tests.support.settings import CODE_KEY, VAULT

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def store(committed_database: Database) -> Store:
    return run(committed_database, make_store)


@pytest.fixture
def made(committed_database: Database, store: Store):  # type: ignore[no-untyped-def]
    return run(committed_database, lambda session: make_key(session, [store]))


@pytest.fixture
def caller(committed_database: Database, made) -> PartnerCaller:  # type: ignore[no-untyped-def]
    return authenticate(committed_database, vault=VAULT, request=signed(*made, AT, nonce="c" * 16), at=AT)


@pytest.fixture
def member_id(committed_database: Database) -> int:
    return run(committed_database, lambda session: make_member(session).id)


def test_one_request_received_twenty_times_at_once_is_taken_once(committed_database: Database, made) -> None:  # type: ignore[no-untyped-def]
    request = signed(*made, AT)

    results = at_once([lambda: authenticate(committed_database, vault=VAULT, request=request, at=AT)] * 20)

    assert [isinstance(result, NonceUsed) for result in results].count(False) == 1


def test_one_code_exchanged_ten_times_at_once_gives_one_reference(
    committed_database: Database, caller: PartnerCaller, store: Store, member_id: int
) -> None:
    code = current_code(CODE_KEY, member_id, AT).code

    def exchange(number: int) -> IssuedRef:
        till = Till(caller, store.code, f"race-{number:04d}")

        def work(session: Session) -> IssuedRef:
            return name_member(session, till=till, vault=VAULT, code_key=CODE_KEY, code=code, phone=None, at=AT)

        return run(committed_database, work)

    results = at_once([lambda number=number: exchange(number) for number in range(10)])

    assert sum(isinstance(result, IssuedRef) for result in results) == 1
    assert sum(isinstance(result, MemberCodeUsed) for result in results) == 9


def test_one_purchase_reported_ten_times_at_once_is_booked_once_and_answered_the_same(
    committed_database: Database, caller: PartnerCaller, store: Store, member_id: int
) -> None:
    code = current_code(CODE_KEY, member_id, AT).code
    till, desk = Till(caller, store.code, "race-ref-01"), Desk(caller, VAULT, ZoneInfo("Asia/Shanghai"), AT)
    issued = run(
        committed_database,
        lambda session: name_member(
            session, till=till, vault=VAULT, code_key=CODE_KEY, code=code, phone=None, at=AT
        ),
    )  # fmt: skip
    bought = ReportedPurchase(store.code, "RACE-1", 1, "pos", AT, (Line(1, "tea", "", 1, 10_000),))

    def report() -> Answer:
        name = MemberName(ref=issued.token)
        return run(committed_database, lambda session: report_purchase(session, desk=desk, name=name, purchase=bought))

    results = at_once([report] * 10)

    answers = [result for result in results if isinstance(result, Answer)]
    assert len(answers) == 10, results
    assert [answer.is_replay for answer in answers].count(False) == 1
    assert len({str(sorted(answer.body.items())) for answer in answers}) == 1


def test_one_use_of_a_coupon_reported_ten_times_at_once_is_taken_once_and_answered_alike(
    committed_database: Database, caller: PartnerCaller, store: Store, member_id: int
) -> None:
    code, till = current_code(CODE_KEY, member_id, AT).code, Till(caller, store.code, "race-ref-02")
    ref = run(
        committed_database,
        lambda session: name_member(
            session, till=till, vault=VAULT, code_key=CODE_KEY, code=code, phone=None, at=AT
        ),
    ).token  # fmt: skip
    coupon_id = run(
        committed_database,
        lambda session: issue_to(session, member_id, make_template(session), at=AT).coupon_id,
    )
    basket = TillBasket(store.code, "pos", (Line(1, "tea", "", 1, 12_000),))
    here = Desk(caller, VAULT, ZoneInfo("Asia/Shanghai"), AT)

    def report(reference: str) -> Answer | LoyaltyError:
        wish = RedeemWish(reference, (coupon_id,), None, basket)
        return run(
            committed_database,
            lambda session: redeem_coupons(session, desk=here, name=MemberName(ref=ref), wish=wish),
        )

    same = at_once([lambda: report("use-1")] * 10)
    others = at_once([lambda number=number: report(f"late-{number}") for number in range(5)])

    assert [isinstance(answer, Answer) and answer.status for answer in same] == [201] * 10
    assert len({dumps(answer.body, sort_keys=True) for answer in same if isinstance(answer, Answer)}) == 1
    assert [type(answer) for answer in others] == [CouponNotUsable] * 5
