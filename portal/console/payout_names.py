"""What states, steps and differences of payouts are called on console pages; one without a name shows its code."""

from loyalty.earnings.rules import InsufficientEarnings
from loyalty.limits.rules import LimitExhausted
from loyalty.payouts.rules import errors
from loyalty.payouts.rules.batches import BatchState
from loyalty.payouts.rules.receipts import ReceiptProblem, ReceiptStage
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.rules.tax import IncomeKind, TaxPeriod
from loyalty.payouts.rules.words import RETURN_NAMES, STATE_NAMES

__all__ = ["RETURN_NAMES", "STATE_NAMES"]

STATE_COLOURS = {
    PayoutState.AWAITING_APPROVAL: "orange",
    PayoutState.NEW: "blue",
    PayoutState.SENDING: "blue",
    PayoutState.UNKNOWN: "yellow",
    PayoutState.ACCEPTED: "blue",
    PayoutState.WAITING_CONFIRM: "blue",
    PayoutState.TRANSFERRING: "blue",
    PayoutState.CANCELLING: "yellow",
    PayoutState.SUCCESS: "green",
}
DESTINATION_NAMES = {Destination.WECHAT: "微信零钱", Destination.POINTS: "积分"}
INCOME_NAMES = {IncomeKind.LABOUR: "劳务报酬", IncomeKind.OCCASIONAL: "偶然所得"}
TAX_PERIOD_NAMES = {TaxPeriod.PAYMENT: "按次", TaxPeriod.MONTH: "按月合并", TaxPeriod.YEAR: "按年累计（累计预扣）"}
BATCH_STATE_NAMES = {BatchState.AWAITING_APPROVAL: "待复核", BatchState.RUNNING: "已开始", BatchState.REFUSED: "已拒绝"}
BATCH_STATE_COLOURS = {BatchState.AWAITING_APPROVAL: "orange", BatchState.RUNNING: "green"}
PAUSE_NAMES = {"not_enough": "商户运营账户余额不足", "by_staff": "人工暂停"}
MOVE_NAMES = {
    "requested": "申请",
    "exchanged": "换成积分",
    "approved": "复核通过",
    "rejected": "复核拒绝",
    "cancelled": "申请撤销",
    "begun:send": "发起转账",
    "begun:query": "查单",
    "begun:cancel": "请求撤销",
    "answered:send": "转账应答",
    "answered:query": "查单结果",
    "answered:cancel": "撤销应答",
    "noticed": "收到回调",
    "looked_at": "人工核实矛盾",
    "reversed_too_late": "风控撤销时已在转账",
}
OUTCOME_NAMES = {
    "told": "已答复",
    "unknown_bill": "微信支付无此单",
    "not_enough": "余额不足",
    "refused": "被拒绝",
    "busy": "请求过快",
    "unclear": "结果不明",
}
RECEIPT_NAMES = {
    ReceiptStage.WANTED: "已申请",
    ReceiptStage.ASKED: "已申请",
    ReceiptStage.GENERATING: "生成中",
    ReceiptStage.FINISHED: "可下载",
    ReceiptStage.FAILED: "未能生成",
}
RECEIPT_COLOURS = {ReceiptStage.FINISHED: "green", ReceiptStage.FAILED: "red"}
RECEIPT_PROBLEM_NAMES = {
    ReceiptProblem.REFUSED: "微信支付未受理",
    ReceiptProblem.NOT_MADE: "微信支付生成失败",
    ReceiptProblem.TOO_LONG: "两天仍未生成",
    ReceiptProblem.LAPSED: "已超过 90 天，微信支付不再保存",
}
CONTRADICTION_NAMES = {
    "known_before_sent": "尚未发起，微信支付却已有此单",
    "amount_differs": "金额与微信支付不一致",
    "transfer_bill_no_differs": "微信单号前后不一致",
    "payee_differs": "收款人与微信支付不一致",
    "bill_vanished": "微信支付曾有此单，现在查不到",
}
DISCREPANCY_NAMES = {
    "unknown_bill": "账单里有，系统没有",
    "paid_twice": "账单里付了两次",
    "amount_differs": "金额不一致",
    "success_but_returned": "系统为已到账，账单已退回",
    "returned_but_paid": "系统为已退回，账单已付款",
    "not_in_bill": "系统为已到账，账单里没有",
    "bill_missing": "当天有打款，微信支付一直没有账单",
}
REFUSAL_NAMES = {
    kind.code: kind.message
    for kind in (
        InsufficientEarnings,
        LimitExhausted,
        errors.PayeeNameRequired,
        errors.PayoutBlocked,
        errors.PayoutIdentityRequired,
        errors.PayoutSceneNotConfigured,
        errors.PayoutTaxNotConfigured,
        errors.PayoutTooSmall,
        errors.PayoutsOff,
    )
} | {"member_gone": "会员已注销", "member_provisional": "会员尚未激活"}


def contradiction_text(code: str) -> str:
    """Say what cannot be true together: by its code, or two ends that exclude each other."""
    if code in CONTRADICTION_NAMES:
        return CONTRADICTION_NAMES[code]
    ours, _, theirs = code.partition("_but_")
    names = {state.value: name for state, name in STATE_NAMES.items()}
    return f"系统为{names.get(ours, ours)}，微信支付为{names.get(theirs, theirs)}"


def outcome_name(outcome: str | None) -> str:
    """Say what an answer was."""
    what = (outcome or "").partition(":")[0]
    return OUTCOME_NAMES.get(what, what)


def outcome_code(outcome: str | None) -> str:
    """Return WeChat Pay's own word for the state of the bill in an answer, if it told one."""
    return (outcome or "").partition(":")[2]
