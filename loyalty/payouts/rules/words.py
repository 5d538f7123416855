"""How payouts read in Chinese: to the member whose money it is, and to staff."""

from collections.abc import Mapping

from loyalty.payouts.rules.states import Destination, PayoutState, ReturnReason

STATE_NAMES: Mapping[PayoutState, str] = {
    PayoutState.AWAITING_APPROVAL: "待复核",
    PayoutState.NEW: "待打款",
    PayoutState.SENDING: "提交中",
    PayoutState.UNKNOWN: "查单中",
    PayoutState.ACCEPTED: "已受理",
    PayoutState.WAITING_CONFIRM: "待会员确认",
    PayoutState.TRANSFERRING: "转账中",
    PayoutState.CANCELLING: "撤销中",
    PayoutState.SUCCESS: "已到账",
    PayoutState.RETURNED: "已退回",
}
RETURN_NAMES: Mapping[ReturnReason, str] = {
    ReturnReason.FAILED: "微信支付转账失败",
    ReturnReason.CANCELLED: "已撤销",
    ReturnReason.OVERDUE: "超过 24 小时未确认收款",
    ReturnReason.REFUSED: "微信支付未受理",
    ReturnReason.REJECTED: "复核未通过",
}
_TO_MEMBERS: Mapping[PayoutState, str] = {
    PayoutState.AWAITING_APPROVAL: "正在审核，通过后为您打款",
    PayoutState.NEW: "已受理，等待打款",
    PayoutState.SENDING: "正在提交微信支付",
    PayoutState.UNKNOWN: "正在向微信支付确认结果",
    PayoutState.ACCEPTED: "微信支付处理中",
    PayoutState.WAITING_CONFIRM: "请在 24 小时内确认收款",
    PayoutState.TRANSFERRING: "转账中，请稍候",
    PayoutState.CANCELLING: "正在撤销",
}
_FAILURES = {
    "ACCOUNT_FROZEN": "您的微信账户被冻结",
    "ACCOUNT_NOT_EXIST": "您的微信账户不存在",
    "REAL_NAME_CHECK_FAIL": "您的微信账户未实名认证",
    "NAME_NOT_CORRECT": "收款人姓名与微信实名不一致",
    "ID_CARD_NOT_CORRECT": "身份证号与微信实名不一致",
    "OPENID_INVALID": "微信账户与本次提现不一致",
    "TRANSFER_QUOTA_EXCEED": "超过微信支付的单笔限额",
    "DAY_RECEIVED_QUOTA_EXCEED": "超过您当日的微信收款限额",
    "MONTH_RECEIVED_QUOTA_EXCEED": "超过您当月的微信收款限额",
    "DAY_RECEIVED_COUNT_EXCEED": "超过您当日的微信收款次数",
    "REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED": "超过您的微信实名账户收款限额",
    "RECEIVE_ACCOUNT_NOT_CONFIGURE": "您还没有设置微信收款账户",
    "TRANSFER_RISK": "微信支付认为本次转账有风险",
}
"""What a member can do something about; source: WeChat Pay, 商家转账, fail_reason (2025-01)."""


def told_member(
    *,
    state: PayoutState,
    destination: Destination,
    points: int | None,
    return_reason: ReturnReason | None,
    fail_reason: str | None,
) -> str:
    """Say to the member where their money is, in one sentence."""
    if state is PayoutState.SUCCESS:
        return f"已换成 {points} 积分" if destination is Destination.POINTS else "已到账，请在微信零钱查看"
    if state is not PayoutState.RETURNED:
        return _TO_MEMBERS[state]
    why = _FAILURES.get(fail_reason or "") or (RETURN_NAMES[return_reason] if return_reason else "打款未成功")
    return f"{why}，金额已退回"


def masked_name(name: str) -> str:
    """Return a real name as pages show it: 张*."""
    return name[0] + "*" * (len(name) - 1)
