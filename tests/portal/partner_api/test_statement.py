"""The statement: every booking of the key's stores once, by the day it was booked on, and nobody else's."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from tests.factories.checkout import ACCEPTING, save_policy
from tests.factories.points import earn
from tests.factories.stores import make_region, make_store
from tests.portal.partner_api.conftest import MakeTill, Till, a_purchase, a_refund, unused

TODAY = {"on": "2026-03-10"}


pytestmark = pytest.mark.usefixtures("one_point_a_yuan")


def buy(till: Till, ref: str) -> str:
    body = a_purchase(till, ref)
    assert till.post("/purchases", body).status_code == 201
    return str(body["order_number"])


def refund(till: Till, order_number: str) -> str:
    body = a_refund(till, order_number, (1, 1, 3_000))
    assert till.post("/refunds", body).status_code == 201
    return str(body["refund_number"])


def lines_of(till: Till, **query: Any) -> list[dict[str, Any]]:
    return till.get("/statement", TODAY | query).json["items"]  # type: ignore[index,no-any-return]


def test_names_the_orders_and_refunds_of_the_key(till: Till, member: Member) -> None:
    order_number = buy(till, till.ref_of(member))
    refund_number = refund(till, order_number)

    told = [(line["kind"], line["points"], line["order_number"], line["refund_number"]) for line in lines_of(till)]

    assert told == [("earn", 100, order_number, None), ("reverse", -30, order_number, refund_number)]


def test_names_the_hold_of_the_key_whose_points_were_taken(
    till: Till, make_till: MakeTill, member: Member, session: Session, at: datetime
) -> None:
    save_policy(session, ACCEPTING)
    earn(session, member.id, 5_000, at=at)
    session.commit()
    hold = {"store_code": till.store.code, "member_ref": till.ref_of(member), "reference": unused("hold")}
    till.post("/holds", hold | {"points": 1_000, "amount_fen": 10_000})
    till.post(f"/holds/{hold['reference']}/capture")

    def told(who: Till) -> list[tuple[str, int, str | None]]:
        return [(line["kind"], line["points"], line["hold_reference"]) for line in lines_of(who)]

    assert told(till) == [("spend", -1_000, hold["reference"])]
    assert told(make_till(till.store)) == [("spend", -1_000, None)]


def test_leads_through_its_pages_with_every_booking_once(till: Till, member: Member) -> None:
    ref = till.ref_of(member)
    orders = [buy(till, ref) for _ in range(5)]

    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = till.get("/statement", TODAY | {"limit": 2} | ({"cursor": cursor} if cursor else {})).json
        seen += [line["order_number"] for line in page["items"]]  # type: ignore[index]
        cursor, pages = page["next_cursor"], pages + 1  # type: ignore[index]

    assert (seen, pages) == (orders, 3)


def test_shows_the_keys_stores_alone_and_one_of_them_if_asked(
    make_till: MakeTill, member: Member, session: Session
) -> None:
    region = make_region(session)
    here, beside, elsewhere = (
        make_store(session, parent=region),
        make_store(session, parent=region),
        make_store(session),
    )
    till = make_till(region)
    earn(session, member.id, 7, store_id=elsewhere.id, at=till.container.clock.now())
    for store, points in ((here, 1), (beside, 2)):
        earn(session, member.id, points, store_id=store.id, at=till.container.clock.now())
    session.commit()

    assert [line["points"] for line in lines_of(till)] == [1, 2]
    assert [(line["points"], line["store_code"]) for line in lines_of(till, store_code=beside.code)] == [
        (2, beside.code)
    ]
    assert till.get("/statement", TODAY | {"store_code": elsewhere.code}).status_code == 404


def test_does_not_name_the_orders_of_another_key(till: Till, make_till: MakeTill, member: Member) -> None:
    buy(till, till.ref_of(member))
    other = make_till(till.store)

    assert [(line["points"], line["order_number"]) for line in lines_of(other)] == [(100, None)]


def test_a_day_is_the_day_of_the_booking_in_the_programmes_zone(till: Till, member: Member) -> None:
    buy(till, till.ref_of(member))

    assert till.get("/statement", {"on": "2026-03-09"}).json["items"] == []  # type: ignore[index]
    assert len(lines_of(till)) == 1
    assert till.get("/statement", {"on": "2026-03-11"}).json["items"] == []  # type: ignore[index]


@pytest.mark.parametrize("on", ["0001-01-01", "9999-12-31", "yesterday", ""])
def test_a_day_that_cannot_be_is_refused(till: Till, on: str) -> None:
    assert till.get("/statement", {"on": on}).status_code == 422


def test_a_page_tells_nothing_of_whose_points_they_are(till: Till, member: Member, at: datetime) -> None:
    buy(till, till.ref_of(member))

    assert set(lines_of(till)[0]) == {
        "id", "kind", "points", "store_code", "order_number", "refund_number", "hold_reference", "occurred_at",
        "recorded_at",
    }  # fmt: skip
