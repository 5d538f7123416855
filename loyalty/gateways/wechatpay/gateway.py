"""The merchant account: transfers to users, their callbacks and receipts, and the daily bill."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import structlog

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.pay_protocols import (
    BillLine,
    NoticeRefused,
    ReceiptAnswer,
    ReceiptFile,
    ReceiptState,
    TransferAnswer,
    TransferNotice,
    TransferOrder,
    TransferOutcome,
)
from loyalty.gateways.wechatpay import answers, bills, notices, receipts
from loyalty.gateways.wechatpay.core import GuardedCore, client
from loyalty.settings import WechatPayMerchant

_BILL_NO = re.compile(r"[0-9A-Za-z]{1,32}")
"""Numbers become part of a path, unescaped."""
NAME_FROM_FEN, NAME_DEMANDED_FROM_FEN = 30, 200_000
"""Below ¥0.30 WeChat Pay takes no name, and the library would drop it in silence; from ¥2,000 it demands one."""
_OK = 200

Reply = tuple[int, str | bytes]
log = structlog.get_logger("gateways")


class WechatPayGateway:
    """Speaks to WeChat Pay, or to the sandbox when its address is given."""

    def __init__(
        self,
        merchant: WechatPayMerchant,
        *,
        notify_url: str,
        sandbox_url: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._merchant = merchant
        self._core = GuardedCore(merchant, sandbox_url=sandbox_url, now=now)
        self._client = client(merchant, core=self._core, notify_url=notify_url)

    @property
    def mch_id(self) -> str:
        """The merchant number."""
        return self._merchant.mch_id

    def create_transfer(self, order: TransferOrder) -> TransferAnswer:
        """Ask for a transfer."""
        if problem := _problem(order):
            return problem
        return self._ask(
            order.out_bill_no,
            lambda: self._client.mch_transfer_bills(
                out_bill_no=order.out_bill_no,
                transfer_scene_id=order.scene_id,
                openid=order.openid,
                transfer_amount=order.amount_fen,
                transfer_remark=order.remark,
                user_name=order.payee_name,
                user_recv_perception=order.perception,
                transfer_scene_report_infos=[
                    {"info_type": kind, "info_content": content} for kind, content in order.report
                ],
                appid=order.appid,
            ),
            refusals=answers.CREATE_REFUSED,
        )

    def query_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Return what WeChat Pay knows of a bill."""
        return self._ask(
            out_bill_no,
            lambda: self._client.mch_transfer_bills_query(out_bill_no=out_bill_no),
            refusals=answers.NEVER_REFUSED,
        )

    def cancel_transfer(self, out_bill_no: str) -> TransferAnswer:
        """Ask to cancel a bill."""
        return self._ask(
            out_bill_no,
            lambda: self._client.mch_transfer_bills_cancel(out_bill_no=out_bill_no),
            refusals=answers.CANCEL_REFUSED,
        )

    def read_notice(self, headers: Mapping[str, str], body: bytes, *, at: datetime) -> TransferNotice:
        """Prove and open a callback."""
        return notices.read(headers, body, core=self._core, merchant=self._merchant, at=at)

    def fetch_bill(self, on: date) -> Sequence[BillLine] | None:
        """Fetch the fund bill of a day, in two calls: where it lies, and itself; None while there is none."""
        status, text = self._fetch(
            lambda: self._client.fundflow_bill(bill_date=on.isoformat(), account_type=bills.ACCOUNT)
        )
        if status != _OK:
            code = answers.error_code(text)
            if code in bills.NOT_THERE:
                return None
            raise WechatUnavailable(interface="fundflowbill", reason=code or str(status))
        url, digest = _whereabouts(text)
        return bills.read(bills.unpack(self._download(url, interface="billdownload"), sha1=digest))

    def apply_receipt(self, out_bill_no: str) -> ReceiptAnswer:
        """Ask for the receipt of a transfer."""
        return self._ask_receipt(
            out_bill_no,
            lambda: self._client.mch_transfer_elecsign(out_bill_no=out_bill_no),
            refusals=receipts.REFUSED,
        )

    def query_receipt(self, out_bill_no: str) -> ReceiptAnswer:
        """Return how far the receipt of a transfer is."""
        return self._ask_receipt(
            out_bill_no,
            lambda: self._client.mch_transfer_elecsign_query(out_bill_no=out_bill_no),
            refusals=answers.NEVER_REFUSED,
        )

    def fetch_receipt(self, out_bill_no: str) -> ReceiptFile | None:
        """Fetch a receipt in two calls: where it lies for ten minutes, and itself."""
        status, text = self._fetch(lambda: self._client.mch_transfer_elecsign_query(out_bill_no=out_bill_no))
        told = receipts.read(status, text, refusals=answers.NEVER_REFUSED)
        if told.outcome is TransferOutcome.UNKNOWN_BILL:
            return None
        if told.outcome is not TransferOutcome.TOLD:
            raise WechatUnavailable(interface="elecsign", reason=told.code or str(status))
        if told.state is not ReceiptState.FINISHED:
            return None
        url, digest = receipts.address(text)
        content = self._download(url, interface="elecsign")
        return receipts.checked(content, sha256=digest)

    def _ask(self, out_bill_no: str, call: Callable[[], Reply], *, refusals: frozenset[str]) -> TransferAnswer:
        said = _said(out_bill_no, call)
        if isinstance(said, TransferAnswer):
            return _logged(out_bill_no, said)
        status, text = said
        answer = answers.read(status, text, mch_id=self.mch_id, out_bill_no=out_bill_no, refusals=refusals)
        return _logged(out_bill_no, answer) if answer.code else answer

    def _ask_receipt(self, out_bill_no: str, call: Callable[[], Reply], *, refusals: frozenset[str]) -> ReceiptAnswer:
        said = _said(out_bill_no, call)
        if isinstance(said, TransferAnswer):
            answer = receipts.nothing_told(said)
        else:
            status, text = said
            answer = receipts.read(status, text, refusals=refusals)
        if answer.code:
            log.warning(
                "wechatpay_receipt", out_bill_no=out_bill_no, outcome=str(answer.outcome), error_code=answer.code
            )
        return answer

    def _download(self, url: str, *, interface: str) -> bytes:
        """Fetch a file; its address must be WeChat Pay's, for the request carries our signature."""
        if not url.startswith(f"{self._core.address}/"):
            raise WechatUnavailable(interface=interface, reason="another host")
        status, content = self._fetch(lambda: self._client.download_bill(url))
        if status != _OK:
            raise WechatUnavailable(interface=interface, reason=str(status))
        return content if isinstance(content, bytes) else content.encode()

    def _fetch(self, call: Callable[[], Reply]) -> Reply:
        try:
            return call()
        except Exception as error:
            raise WechatUnavailable(interface="bill", reason=_failure(error)) from None


def _said(out_bill_no: str, call: Callable[[], Reply]) -> Reply | TransferAnswer:
    """Call about a bill; return what came back, or why nothing did."""
    if not _BILL_NO.fullmatch(out_bill_no):
        return answers.refused("LOCAL_BAD_NUMBER", "单号只能是 1 至 32 位数字和字母")
    try:
        return call()
    except Exception as error:  # the library raises bare ones
        return answers.unclear(_failure(error))


def _problem(order: TransferOrder) -> TransferAnswer | None:
    """Refuse what the library would bend or raise about; nothing has been sent then."""
    if order.payee_name and order.amount_fen < NAME_FROM_FEN:
        return answers.refused("LOCAL_NAME_TOO_EARLY", "0.30 元以下不能填写收款人姓名")
    if not order.payee_name and order.amount_fen >= NAME_DEMANDED_FROM_FEN:
        return answers.refused("LOCAL_NAME_MISSING", "2000 元及以上必须填写收款人姓名")
    return None


def _whereabouts(text: str | bytes) -> tuple[str, str]:
    try:
        body: Any = json.loads(text)
        if body["hash_type"] != "SHA1":
            raise ValueError(body["hash_type"])
        return str(body["download_url"]), str(body["hash_value"])
    except (ValueError, KeyError, TypeError):
        raise WechatUnavailable(interface="fundflowbill", reason="not as described") from None


def _failure(error: Exception) -> str:
    return f"UNPROVED: {error}" if isinstance(error, NoticeRefused) else type(error).__name__


def _logged(out_bill_no: str, answer: TransferAnswer) -> TransferAnswer:
    # The number and the code only: parameters and answers hold openids and names.
    log.warning("wechatpay_answer", out_bill_no=out_bill_no, outcome=str(answer.outcome), error_code=answer.code)
    return answer
