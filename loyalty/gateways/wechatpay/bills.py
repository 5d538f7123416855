"""The fund bill (资金账单) of the operating account: one line for each time that money left it or came back.

A text table: the first line names the columns, each value behind it starts with a backquote, the last two lines sum up.
Source: WeChat Pay, 资金账单结构说明 (2024-12).
"""

import csv
import gzip
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import NoReturn

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.pay_protocols import BillLine

ACCOUNT = "OPERATION"
NOT_THERE = frozenset({"NO_STATEMENT_EXIST", "STATEMENT_CREATING"})
"""Bills are promised for ten in the morning of the next day; a day without any movement has none then either.

Source: WeChat Pay, 申请资金账单 (2024-12).
"""
_CHINA = timezone(timedelta(hours=8))
_COLUMNS = ("记账时间", "微信支付业务单号", "业务名称", "收支类型", "收支金额(元)", "业务凭证号")
_YUAN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")
_SUMMARY = "资金流水总笔数"
_OTHER_BUSINESS = frozenset({"交易", "退款", "充值/提现", "充值", "提现", "代金券", "立减/折扣", "分账", "手续费"})
"""What is no transfer. WeChat Pay renames its businesses now and then: an unknown one shows up as a transfer that we do
not know, instead of vanishing."""


def unpack(packed: bytes, *, sha1: str) -> str:
    """Return the text of a downloaded bill.

    Raises:
        WechatUnavailable: it is not the file that was announced.
    """
    try:
        plain = gzip.decompress(packed)
    except (OSError, EOFError):
        _unreadable("not gzip")
    if hashlib.sha1(plain, usedforsecurity=False).hexdigest() != sha1.lower():
        _unreadable("another digest")
    return plain.decode("utf-8-sig", "replace")


def read(text: str) -> Sequence[BillLine]:
    """Return the transfers of a bill.

    Raises:
        WechatUnavailable: the table is not as described; nothing is guessed about money.
    """
    rows = [[cell.strip().removeprefix("`") for cell in row] for row in csv.reader(text.splitlines()) if row]
    if not rows:
        _unreadable("empty")
    names = [name.replace("（", "(").replace("）", ")") for name in rows[0]]
    if missing := [name for name in _COLUMNS if name not in names]:
        _unreadable(f"no column {missing[0]}")
    return list(_lines(rows[1:], [names.index(name) for name in _COLUMNS]))


def _lines(rows: Sequence[Sequence[str]], places: Sequence[int]) -> Iterator[BillLine]:
    for row in rows:
        if row[0] == _SUMMARY:
            return
        try:
            booked, bill_no, business, direction, yuan, voucher = (row[place] for place in places)
            if business not in _OTHER_BUSINESS:
                yield BillLine(
                    out_bill_no=voucher,
                    transfer_bill_no=bill_no,
                    amount_fen=_fen(yuan),
                    booked_at=datetime.strptime(booked, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA),
                    is_return=_is_income(direction),
                )
        except (IndexError, ValueError):
            _unreadable("a line is not as described")


def _fen(yuan: str) -> int:
    found = _YUAN.fullmatch(yuan)
    if found is None:
        raise ValueError(yuan)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _is_income(direction: str) -> bool:
    if direction not in ("收入", "支出"):
        raise ValueError(direction)
    return direction == "收入"


def _unreadable(reason: str) -> NoReturn:
    raise WechatUnavailable(interface="fundflowbill", reason=reason)
