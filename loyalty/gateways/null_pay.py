"""WeChat Pay without a network, for tests: bills as the platform keeps them, and answers that are told beforehand."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from loyalty.gateways.null import given
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


@dataclass
class NullWechatPay(NullReceipts):
    """Stands in for WeChat Pay: keeps the bills it was asked for, each waiting for its user until ``end`` is told.

    ``create_answers``, ``query_answers`` and ``cancel_answers`` go before. A create answered with anything but ``TOLD``
    keeps no bill, except ``UNCLEAR`` while ``loses_answers`` is set: applied, and the answer dropped.
    """

    mch_id: str = "1900000001"
    orders: list[TransferOrder] = field(default_factory=list)
    queried: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    bills: dict[str, TransferAnswer] = field(default_factory=dict)
    create_answers: deque[TransferAnswer] = field(default_factory=deque)
    query_answers: deque[TransferAnswer] = field(default_factory=deque)
    cancel_answers: deque[TransferAnswer] = field(default_factory=deque)
    loses_answers: bool = False
    notices: deque[TransferNotice | Exception] = field(default_factory=deque)
    """What the next callbacks hold; when empty they are refused."""
    daily_bills: dict[date, Sequence[BillLine] | Exception] = field(default_factory=dict)

    def create_transfer(self, order: TransferOrder) -> TransferAnswer:
        """Keep a bill and its order; the same number again changes nothing."""
        self.orders.append(order)
        answer = self.create_answers.popleft() if self.create_answers else None
        is_lost = answer is not None and answer.outcome is TransferOutcome.UNCLEAR and self.loses_answers
        if answer is None or answer.outcome is TransferOutcome.TOLD or is_lost:
            self.bills.setdefault(order.out_bill_no, answer if answer and not is_lost else self._waiting(order))
        return answer or self.bills[order.out_bill_no]

    def query_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Return the bill kept under the number."""
        self.queried.append(out_bill_no)
        if self.query_answers:
            return self.query_answers.popleft()
        return self.bills.get(out_bill_no, TransferAnswer(TransferOutcome.UNKNOWN_BILL, code="NOT_FOUND"))

    def cancel_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Begin to cancel the bill kept under the number."""
        self.cancelled.append(out_bill_no)
        if self.cancel_answers:
            return self.cancel_answers.popleft()
        if out_bill_no not in self.bills:
            return TransferAnswer(TransferOutcome.UNKNOWN_BILL, code="NOT_FOUND")
        return self.end(out_bill_no, TransferState.CANCELING)

    def end(self, out_bill_no: str, state: TransferState, *, fail_reason: str | None = None) -> TransferAnswer:
        """Move a bill, as its user or the time of day does."""
        self.bills[out_bill_no] = replace(
            self.bills[out_bill_no], state=state, fail_reason=fail_reason, package_info=None
        )
        return self.bills[out_bill_no]

    def read_notice(self, headers: Mapping[str, str], body: bytes, *, at: datetime) -> TransferNotice:
        """Return the next notice that was set."""
        return given(self.notices.popleft() if self.notices else NoticeRefused("signature"))

    def fetch_bill(self, on: date) -> Sequence[BillLine] | None:
        """Return the bill that was set for the day."""
        return given(self.daily_bills[on]) if on in self.daily_bills else None

    def _waiting(self, order: TransferOrder) -> TransferAnswer:
        return TransferAnswer(
            TransferOutcome.TOLD,
            state=TransferState.WAIT_USER_CONFIRM,
            transfer_bill_no=f"13300{order.out_bill_no}",
            package_info=f"package-{order.out_bill_no}",
            amount_fen=order.amount_fen,
            openid=order.openid,
        )
