"""What the domain may ask of WeChat Pay: transfers to users (商家转账, confirmed by the user), and their receipts.

Implementations: ``gateways.wechatpay`` for real, ``gateways.null_pay`` for tests. Every call goes over the network:
never make one inside a transaction. Calls never raise; they return what is known.
Source: WeChat Pay, 商家转账 (2025-01).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class TransferState(StrEnum):
    """The platform's own words for a transfer bill."""

    ACCEPTED = "ACCEPTED"
    PROCESSING = "PROCESSING"
    WAIT_USER_CONFIRM = "WAIT_USER_CONFIRM"
    TRANSFERING = "TRANSFERING"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    CANCELING = "CANCELING"
    CANCELLED = "CANCELLED"


class TransferOutcome(StrEnum):
    """What an answer to a call about a bill says."""

    TOLD = "told"
    """The platform knows the bill; its state is in the answer."""
    UNKNOWN_BILL = "unknown_bill"
    """The platform has no bill of this number (a query's 404): the same number may be sent again."""
    NOT_ENOUGH = "not_enough"
    """The merchant's account is short: top up, then the same number again."""
    REFUSED = "refused"
    """A definite refusal of a create; whether a bill exists is told by a query."""
    BUSY = "busy"
    """Too fast: the same call again, later."""
    UNCLEAR = "unclear"
    """No answer, a server error, an unsigned answer or an unknown code: it may or may not have happened."""


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """All parameters of one bill, frozen when the payout is made; the same number always carries the same."""

    out_bill_no: str
    appid: str
    openid: str = field(repr=False)
    amount_fen: int
    scene_id: str
    remark: str
    perception: str | None
    report: Sequence[tuple[str, str]]
    """Rows (info_type, info_content) that the scene demands."""
    payee_name: str | None = field(default=None, repr=False)
    """Real name, encrypted on the way; must be given from ¥2,000, may be from ¥0.30."""


@dataclass(frozen=True, slots=True)
class TransferAnswer:
    """What is known of a bill after a call."""

    outcome: TransferOutcome
    state: TransferState | None = None
    transfer_bill_no: str | None = None
    package_info: str | None = field(default=None, repr=False)
    """What the client needs to open the confirmation; only with WAIT_USER_CONFIRM."""
    amount_fen: int | None = None
    openid: str | None = field(default=None, repr=False)
    fail_reason: str | None = None
    code: str | None = None
    """The platform's error code, for logs and the console; nobody decides by it."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class TransferNotice:
    """A verified callback about a bill that ended."""

    notice_id: str
    out_bill_no: str
    transfer_bill_no: str
    state: TransferState
    amount_fen: int
    openid: str = field(repr=False)
    fail_reason: str | None = None
    updated_at: datetime | None = None


class NoticeRefused(Exception):
    """A callback is not WeChat Pay's: signature, serial, age, nonce or key do not fit. The text says which."""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One transfer of the platform's daily fund bill."""

    out_bill_no: str
    transfer_bill_no: str
    amount_fen: int
    booked_at: datetime
    is_return: bool
    """Money that came back (failed, cancelled, unconfirmed after 24 hours)."""


class ReceiptState(StrEnum):
    """The platform's own words for an electronic receipt (电子回单)."""

    GENERATING = "GENERATING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ReceiptAnswer:
    """What is known of a receipt after a call; ``UNKNOWN_BILL`` says that nobody applied for one."""

    outcome: TransferOutcome
    state: ReceiptState | None = None
    sha256: str | None = None
    """Of the file, once it is made and asked for by a query."""
    fail_reason: str | None = None
    code: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt as the platform signed it, a PDF; its digest is the one that the platform announced."""

    content: bytes = field(repr=False)
    sha256: str


class WechatPay(Protocol):
    """The merchant account of the brand."""

    @property
    def mch_id(self) -> str:
        """The merchant number, which the client needs to open the confirmation."""

    def create_transfer(self, order: TransferOrder) -> TransferAnswer:
        """Ask for a transfer; again with the same number and parameters is safe."""

    def query_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Return what the platform knows of a bill."""

    def cancel_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Ask to cancel a bill that its user has not confirmed; the end is told by a query or a callback."""

    def read_notice(self, headers: Mapping[str, str], body: bytes, *, at: datetime) -> TransferNotice:
        """Verify and decrypt a callback; no network.

        Raises:
            NoticeRefused: it is forged, stale, replayed or for somebody else.
        """

    def fetch_bill(self, on: date) -> Sequence[BillLine] | None:
        """Return the transfers of one day's bill, or None while the platform has no bill.

        It says the same of a bill that is late and of a day without any movement, which never has one.

        Raises:
            WechatUnavailable: as everywhere; try later.
        """

    def apply_receipt(self, out_bill_no: str) -> ReceiptAnswer:
        """Ask for the receipt of a transfer that was paid; given only where it carried the payee's name."""

    def query_receipt(self, out_bill_no: str) -> ReceiptAnswer:
        """Return how far the receipt of a transfer is."""

    def fetch_receipt(self, out_bill_no: str) -> ReceiptFile | None:
        """Return the receipt of a transfer, or None when there is none, or none any more.

        Raises:
            WechatUnavailable: no answer, or the file is not the one that was announced; try later.
        """
