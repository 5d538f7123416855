"""The fund bill (资金账单) of the operating account: ready at ten in the morning of the next day.

Source: WeChat Pay, 资金账单结构说明 (2024-12).
"""

import gzip
import hashlib
import time
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sandbox.clock import CHINA
from sandbox.pay import book
from sandbox.pay.desk import Download
from sandbox.pay.errors import PayError
from sandbox.world import World

READY_HOUR = 10
ADDRESS_SECONDS = 30
HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FOOT = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
BUSINESS = {"transfer": ("商家转账", "转账"), "return": ("商家转账", "转账退回"), "top_up": ("充值/提现", "充值")}


def announce(world: World, *, bill_date: str, account_type: str, is_packed: bool) -> tuple[str, str]:
    """Makes the bill of a day ready to fetch; its digest and the token of its address. Raises PayError."""
    text = _table(world, _day(world, bill_date)) if account_type == "OPERATION" else ""
    if not text:
        raise PayError("NO_STATEMENT_EXIST")
    plain = text.encode()
    token = world.random.text(48)
    with world.pay.lock:
        world.pay.downloads[token] = Download(
            gzip.compress(plain) if is_packed else plain, time.monotonic() + ADDRESS_SECONDS
        )
    return hashlib.sha1(plain).hexdigest(), token


def fetch(world: World, token: str) -> bytes:
    """The file behind a token that is younger than half a minute. Raises PayError NO_STATEMENT_EXIST."""
    with world.pay.lock:
        found = world.pay.downloads.get(token)
    if found is None or found.until < time.monotonic():
        raise PayError("NO_STATEMENT_EXIST")
    return found.content


def _day(world: World, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise PayError("PARAM_ERROR", "bill_date 格式错误") from error
    ready = datetime.combine(day + timedelta(days=1), datetime.min.time(), CHINA) + timedelta(hours=READY_HOUR)
    if world.clock.now() < ready.timestamp():
        raise PayError("NO_STATEMENT_EXIST", "账单尚未生成")
    return day


def _table(world: World, day: date) -> str:
    """The bill as text; empty when nothing moved."""
    flows = [flow for flow in book.flows(world) if str(flow["booked_at"])[:10] == day.isoformat()]
    if not flows:
        return ""
    income = [flow["amount"] for flow in flows if flow["amount"] > 0]
    spent = [-flow["amount"] for flow in flows if flow["amount"] < 0]
    lines = [
        _line(
            str(flow["booked_at"])[:19].replace("T", " "), flow["transfer_bill_no"], flow["flow_no"],
            *BUSINESS[flow["kind"]], "收入" if flow["amount"] > 0 else "支出", _yuan(abs(flow["amount"])),
            _yuan(flow["balance"]), f"{world.config.merchant.mch_id}API", "", flow["out_bill_no"],
        )
        for flow in flows
    ]  # fmt: skip
    foot = _line(str(len(flows)), str(len(income)), _yuan(sum(income)), str(len(spent)), _yuan(sum(spent)))
    return "\r\n".join([HEAD, *lines, FOOT, foot, ""])


def _line(*values: str) -> str:
    return ",".join(f"`{value}" for value in _plain(values))


def _plain(values: Iterable[str]) -> list[str]:
    return [value.replace(",", " ") for value in values]


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
