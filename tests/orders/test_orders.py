from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberStatus
from loyalty.orders import queries, service
from loyalty.orders.rules import (
    InvalidOrder,
    Line,
    OrderNumberReused,
    OrderStoreNotFound,
    OrderVersionOutdated,
    Purchase,
    RefundExceedsOrder,
    RefundLine,
    RefundNumberReused,
    RefundState,
)
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter

TWO_LINES = (line(1, quantity=3, amount_fen=10_000), line(2, quantity=1, amount_fen=500))


class TestPurchase:
    def test_is_recorded_in_one_statement_with_its_lines(
        self, session: Session, statements: StatementCounter, at: datetime
    ) -> None:
        member, store = make_member(session), make_store(session)
        purchase = make_purchase(member.id, *TWO_LINES, store_id=store.id)
        statements.clear()

        recorded = service.record_purchase(session, purchase=purchase, at=at)

        assert statements.count == 1
        order = queries.get_order(session, order_id=recorded.order_id)
        assert (order.lines, order.amount_fen, order.store_id) == (TWO_LINES, 10_500, store.id)
        assert (recorded.member_id, recorded.is_replay) == (member.id, False)

    def test_reported_again_is_a_replay(self, session: Session, at: datetime) -> None:
        purchase = make_purchase(make_member(session).id)
        first = service.record_purchase(session, purchase=purchase, at=at)

        again = service.record_purchase(session, purchase=purchase, at=at + timedelta(days=400))

        assert again == replace(first, is_replay=True)

    @pytest.mark.parametrize(
        "other",
        [
            {"lines": (line(amount_fen=9_999),)},
            {"channel": "online"},
            {"paid_at": make_purchase(1).paid_at - timedelta(seconds=1)},
        ],
        ids=["lines", "channel", "paid_at"],
    )
    def test_with_other_content_under_the_same_number_is_refused(
        self, session: Session, at: datetime, other: dict[str, object]
    ) -> None:
        purchase = make_purchase(make_member(session).id)
        service.record_purchase(session, purchase=purchase, at=at)

        with pytest.raises(OrderNumberReused):
            service.record_purchase(session, purchase=replace(purchase, **other), at=at)  # type: ignore[arg-type]

    def test_of_another_member_under_the_same_number_is_refused(self, session: Session, at: datetime) -> None:
        purchase = make_purchase(make_member(session).id)
        service.record_purchase(session, purchase=purchase, at=at)

        with pytest.raises(OrderNumberReused):
            service.record_purchase(session, purchase=replace(purchase, member_id=make_member(session).id), at=at)

    def test_of_a_merged_member_belongs_to_the_survivor_also_when_it_was_reported_before(
        self, session: Session, at: datetime
    ) -> None:
        survivor, other = make_member(session), make_member(session)
        before = make_purchase(other.id)
        service.record_purchase(session, purchase=before, at=at)
        other.status, other.merged_into_id = MemberStatus.MERGED, survivor.id
        session.flush()

        after = service.record_purchase(session, purchase=make_purchase(other.id), at=at)
        replay = service.record_purchase(session, purchase=replace(before, member_id=survivor.id), at=at)

        assert after.member_id == replay.member_id == survivor.id
        assert replay.is_replay
        assert len(queries.list_orders(session, member_id=survivor.id).items) == 2

    def test_of_nobody_of_a_closed_member_or_in_no_store_is_refused(self, session: Session, at: datetime) -> None:
        closed = make_member(session, status=MemberStatus.CLOSED, phone=None)

        for purchase, error in (
            (make_purchase(999_999_999), MemberNotFound),
            (make_purchase(closed.id), MemberGone),
            (make_purchase(make_member(session).id, store_id=999_999_999), OrderStoreNotFound),
        ):
            with pytest.raises(error):
                service.record_purchase(session, purchase=purchase, at=at)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"order_number": ""}, "order_number"),
            ({"order_number": "a\0b"}, "order_number"),
            ({"order_number": "x" * 65}, "order_number"),
            ({"channel": " store"}, "channel"),
            ({"lines": ()}, "lines"),
            ({"lines": (line(1), line(1))}, "line_number"),
            ({"lines": (line(quantity=0),)}, "quantity"),
            ({"lines": (line(amount_fen=-1),)}, "amount_fen"),
            ({"lines": (line(amount_fen=1.5),)}, "amount_fen"),  # type: ignore[arg-type]
            ({"version": 0}, "version"),
            ({"paid_at": datetime(2026, 3, 10)}, "paid_at"),
            ({"paid_at": make_purchase(1).paid_at + timedelta(hours=1)}, "paid_at"),
        ],
    )
    def test_that_makes_no_sense_is_refused_by_field(
        self, session: Session, at: datetime, changes: dict[str, object], field: str
    ) -> None:
        with pytest.raises(InvalidOrder) as refusal:
            service.record_purchase(session, purchase=replace(make_purchase(1), **changes), at=at)  # type: ignore[arg-type]

        assert refusal.value.details["field"] == field


class TestCorrection:
    def test_replaces_the_version_it_corrects_and_keeps_it(self, session: Session, at: datetime) -> None:
        purchase = make_purchase(make_member(session).id)
        first = service.record_purchase(session, purchase=purchase, at=at)
        second = replace(purchase, version=2, lines=(line(amount_fen=8_000),))

        corrected = service.record_purchase(session, purchase=second, at=at)

        assert (corrected.order_id, corrected.replaced_version) == (first.order_id, 1)
        assert queries.get_order(session, order_id=first.order_id).amount_fen == 8_000
        assert service.record_purchase(session, purchase=second, at=at).is_replay
        with pytest.raises(OrderVersionOutdated):
            service.record_purchase(session, purchase=purchase, at=at)

    def test_below_what_was_refunded_is_refused(self, session: Session, at: datetime) -> None:
        purchase = make_purchase(make_member(session).id)
        service.record_purchase(session, purchase=purchase, at=at)
        refund = make_refund(purchase.order_number, RefundLine(1, 0, 5_000))
        service.record_refund(session, refund=refund, at=at)

        with pytest.raises(RefundExceedsOrder):
            service.record_purchase(session, purchase=replace(purchase, version=2, lines=(line(amount_fen=1),)), at=at)


class TestRefund:
    def bought(self, session: Session, at: datetime) -> tuple[Purchase, int]:
        purchase = make_purchase(make_member(session).id, *TWO_LINES)
        return purchase, service.record_purchase(session, purchase=purchase, at=at).order_id

    def test_of_lines_adds_up_and_never_exceeds_a_line(self, session: Session, at: datetime) -> None:
        purchase, order_id = self.bought(session, at)

        first = service.record_refund(
            session, refund=make_refund(purchase.order_number, RefundLine(1, 2, 6_667)), at=at
        )
        with pytest.raises(RefundExceedsOrder) as refusal:
            service.record_refund(session, refund=make_refund(purchase.order_number, RefundLine(1, 1, 3_334)), at=at)

        assert first.lines_left == (line(1, quantity=1, amount_fen=3_333), TWO_LINES[1])
        assert refusal.value.details == {"line_number": 1, "quantity_left": 1, "amount_fen_left": 3_333}

    def test_of_everything_leaves_an_order_that_no_longer_counts(self, session: Session, at: datetime) -> None:
        purchase, order_id = self.bought(session, at)
        for returned in (RefundLine(1, 3, 10_000), RefundLine(2, 1, 500)):
            service.record_refund(session, refund=make_refund(purchase.order_number, returned), at=at)

        order = queries.get_order(session, order_id=order_id)
        assert (order.is_refunded, order.refunded_fen) == (True, 10_500)

    def test_reported_again_is_a_replay_and_with_other_content_refused(self, session: Session, at: datetime) -> None:
        purchase, _ = self.bought(session, at)
        refund = make_refund(purchase.order_number, RefundLine(2, 1, 500))
        first = service.record_refund(session, refund=refund, at=at)

        assert service.record_refund(session, refund=refund, at=at) == replace(first, is_replay=True)
        with pytest.raises(RefundNumberReused):
            service.record_refund(session, refund=replace(refund, lines=(RefundLine(2, 1, 499),)), at=at)

    def test_of_a_line_that_the_order_does_not_have_is_refused(self, session: Session, at: datetime) -> None:
        purchase, _ = self.bought(session, at)

        with pytest.raises(RefundExceedsOrder):
            service.record_refund(session, refund=make_refund(purchase.order_number, RefundLine(3, 1, 1)), at=at)

    def test_before_its_purchase_is_kept_and_applied_when_that_comes(self, session: Session, at: datetime) -> None:
        purchase = make_purchase(make_member(session).id, *TWO_LINES)
        fitting = make_refund(purchase.order_number, RefundLine(1, 1, 3_000))
        too_much = make_refund(purchase.order_number, RefundLine(1, 1, 7_001), refunded_at=at + timedelta(seconds=1))
        early = [service.record_refund(session, refund=refund, at=at) for refund in (too_much, fitting)]

        recorded = service.record_purchase(session, purchase=purchase, at=at)
        applied = service.apply_waiting(session, order_id=recorded.order_id, at=at)

        assert [each.order_id for each in early] == [None, None]
        assert recorded.is_awaited
        assert [each.refund_id for each in applied] == [early[1].refund_id]
        assert applied[0].lines_left[0] == Line(1, "tea-01", "tea", 2, 7_000)
        refunds = queries.list_refunds(session, order_id=recorded.order_id)
        assert [each.state for each in refunds] == [RefundState.APPLIED, RefundState.REFUSED]
        assert service.apply_waiting(session, order_id=recorded.order_id, at=at) == []
        assert service.record_refund(session, refund=fitting, at=at).is_replay
