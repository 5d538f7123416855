"""Electronic receipts without a network, for tests: made at once, or as they are told beforehand."""

import hashlib
from collections import deque
from dataclasses import dataclass, field

from loyalty.gateways.null import given
from loyalty.gateways.pay_protocols import ReceiptAnswer, ReceiptFile, ReceiptState, TransferOutcome


@dataclass
class NullReceipts:
    """Stands in for the receipts of WeChat Pay: an application is generating until ``receipts`` says otherwise.

    ``receipt_answers`` go before, for applications and queries alike; an application that was answered with
    ``UNCLEAR`` is kept while ``loses_applications`` is set: applied, and the answer dropped.
    """

    applied: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    receipts: dict[str, ReceiptAnswer] = field(default_factory=dict)
    receipt_answers: deque[ReceiptAnswer] = field(default_factory=deque)
    loses_applications: bool = False
    receipt_files: deque[ReceiptFile | Exception | None] = field(default_factory=deque)
    """What the next downloads bring; afterwards a file for each receipt that is finished."""

    def apply_receipt(self, out_bill_no: str) -> ReceiptAnswer:
        """Keep an application; again shows the one there is."""
        self.applied.append(out_bill_no)
        answer = self.receipt_answers.popleft() if self.receipt_answers else None
        if answer is None or (answer.outcome is TransferOutcome.UNCLEAR and self.loses_applications):
            self.receipts.setdefault(out_bill_no, ReceiptAnswer(TransferOutcome.TOLD, state=ReceiptState.GENERATING))
        return answer or self.receipts[out_bill_no]

    def query_receipt(self, out_bill_no: str) -> ReceiptAnswer:
        """Return the application kept under the number."""
        self.asked.append(out_bill_no)
        if self.receipt_answers:
            return self.receipt_answers.popleft()
        return self.receipts.get(out_bill_no, ReceiptAnswer(TransferOutcome.UNKNOWN_BILL, code="NOT_FOUND"))

    def end_receipt(self, out_bill_no: str, state: ReceiptState, *, fail_reason: str | None = None) -> None:
        """Let a receipt be made, or fail."""
        digest = _file(out_bill_no).sha256 if state is ReceiptState.FINISHED else None
        self.receipts[out_bill_no] = ReceiptAnswer(
            TransferOutcome.TOLD, state=state, sha256=digest, fail_reason=fail_reason
        )

    def fetch_receipt(self, out_bill_no: str) -> ReceiptFile | None:
        """Return the file of a receipt that is finished."""
        if self.receipt_files:
            return given(self.receipt_files.popleft())
        told = self.receipts.get(out_bill_no)
        if told is None or told.state is not ReceiptState.FINISHED:
            return None
        return _file(out_bill_no)


def _file(out_bill_no: str) -> ReceiptFile:
    content = f"%PDF-1.4 {out_bill_no}".encode()
    return ReceiptFile(content, hashlib.sha256(content).hexdigest())
