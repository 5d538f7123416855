"""WeChat Pay with a book of its own, against which ours is compared; faults happen where the test says so."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from loyalty.gateways.null_receipts import NullReceipts
from loyalty.gateways.pay_protocols import (
    BillLine,
    NoticeRefused,
    TransferAnswer,
    TransferNotice,
    TransferOrder,
    TransferOutcome,
    TransferState,
)

ENDED = frozenset({TransferState.SUCCESS, TransferState.FAIL, TransferState.CANCELLED})


class Fault(StrEnum):
    """What goes wrong with the next call."""

    DROP_BEFORE = "drop_before"
    """Nothing arrived, and no answer came."""
    DROP_AFTER = "drop_after"
    """It was done, and the answer was lost."""
    REFUSED = "refused"
    BUSY = "busy"
    NOT_ENOUGH = "not_enough"


_OUTCOMES = {
    Fault.DROP_BEFORE: TransferOutcome.UNCLEAR,
    Fault.DROP_AFTER: TransferOutcome.UNCLEAR,
    Fault.REFUSED: TransferOutcome.REFUSED,
    Fault.BUSY: TransferOutcome.BUSY,
    Fault.NOT_ENOUGH: TransferOutcome.NOT_ENOUGH,
}


@dataclass
class Bill:
    """A transfer as the platform has it."""

    order: TransferOrder
    transfer_bill_no: str
    state: TransferState
    fail_reason: str | None = None


@dataclass
class Bank(NullReceipts):
    """The platform: bills, and what every user was paid."""

    mch_id: str = "1900000001"
    bills: dict[str, Bill] = field(default_factory=dict)
    wallets: Counter[str] = field(default_factory=Counter)
    faults: deque[Fault | None] = field(default_factory=deque)
    first_state: TransferState = TransferState.WAIT_USER_CONFIRM
    """In which state new bills begin."""
    notices: list[TransferNotice] = field(default_factory=list)
    """Of all bills that ended, in their order; the test delivers them, or does not."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    daily_bills: dict[date, Sequence[BillLine] | None] = field(default_factory=dict)

    def create_transfer(self, order: TransferOrder) -> TransferAnswer:
        """Make a bill, or find the one that has the number."""
        self.calls.append(("create", order.out_bill_no))
        fault = self._fault()
        if fault in (None, Fault.DROP_AFTER):
            refusal = self._make(order)
            if fault is None:
                return refusal or self._told(order.out_bill_no, has_package=True)
        return TransferAnswer(_OUTCOMES[fault or Fault.DROP_AFTER], code=str(fault))

    def query_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Tell of a bill."""
        self.calls.append(("query", out_bill_no))
        fault = self._fault()
        if fault is not None:
            return TransferAnswer(TransferOutcome.UNCLEAR if fault is not Fault.BUSY else TransferOutcome.BUSY)
        if out_bill_no not in self.bills:
            return TransferAnswer(TransferOutcome.UNKNOWN_BILL, code="NOT_FOUND")
        return self._told(out_bill_no, has_package=False)

    def cancel_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Begin to cancel a bill that its user has not confirmed."""
        self.calls.append(("cancel", out_bill_no))
        fault = self._fault()
        bill = self.bills.get(out_bill_no)
        if bill is not None and fault in (None, Fault.DROP_AFTER):
            if bill.state in (TransferState.ACCEPTED, TransferState.WAIT_USER_CONFIRM):
                bill.state = TransferState.CANCELING
            elif fault is None and bill.state is not TransferState.CANCELING:
                return TransferAnswer(TransferOutcome.REFUSED, code="INVALID_REQUEST")
        if fault is not None:
            return TransferAnswer(_OUTCOMES[fault])
        return self._told(out_bill_no, has_package=False) if bill else TransferAnswer(TransferOutcome.UNKNOWN_BILL)

    def read_notice(self, headers: Mapping[str, str], body: bytes, *, at: datetime) -> TransferNotice:
        """Refuse: callbacks are the door's business."""
        raise NoticeRefused("not here")

    def fetch_bill(self, on: date) -> Sequence[BillLine] | None:
        """Return the bill that was set for the day."""
        return self.daily_bills.get(on)

    def end(self, out_bill_no: str, state: TransferState, fail_reason: str | None = None) -> None:
        """Let a bill end, as its user, the time of day or an error does; money arrives once."""
        bill = self.bills[out_bill_no]
        if bill.state in ENDED:
            return
        bill.state, bill.fail_reason = state, fail_reason
        if state is TransferState.SUCCESS:
            self.wallets[bill.order.openid] += bill.order.amount_fen
        self.notices.append(
            TransferNotice(
                notice_id=f"n{len(self.notices)}",
                out_bill_no=out_bill_no,
                transfer_bill_no=bill.transfer_bill_no,
                state=state,
                amount_fen=bill.order.amount_fen,
                openid=bill.order.openid,
                fail_reason=fail_reason,
            )
        )

    def count(self, call: str) -> int:
        """How often a call was made."""
        return sum(1 for name, _number in self.calls if name == call)

    def _fault(self) -> Fault | None:
        return self.faults.popleft() if self.faults else None

    def _make(self, order: TransferOrder) -> TransferAnswer | None:
        known = self.bills.get(order.out_bill_no)
        if known is None:
            number = f"1330{len(self.bills):08d}"
            self.bills[order.out_bill_no] = Bill(order, number, self.first_state)
        elif known.order != order:
            self.alarms.append(f"{order.out_bill_no} came with other parameters")
            return TransferAnswer(TransferOutcome.REFUSED, code="ALREADY_EXISTS")
        return None

    def _told(self, out_bill_no: str, *, has_package: bool) -> TransferAnswer:
        bill = self.bills[out_bill_no]
        is_waiting = bill.state is TransferState.WAIT_USER_CONFIRM
        return TransferAnswer(
            TransferOutcome.TOLD,
            state=bill.state,
            transfer_bill_no=bill.transfer_bill_no,
            package_info=f"package-{out_bill_no}" if is_waiting and has_package else None,
            amount_fen=bill.order.amount_fen,
            openid=bill.order.openid,
            fail_reason=bill.fail_reason,
        )
