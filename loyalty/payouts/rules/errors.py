"""Refusals of payouts."""

from loyalty.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable


class PayoutNotFound(NotFound):
    """There is no such payout, or not of this member."""

    code = "payout_not_found"
    message = "没有找到该笔提现"


class PayoutTooSmall(InvalidInput):
    """The amount, or what tax leaves of it, is below what can be paid out."""

    code = "payout_too_small"
    message = "提现金额低于最低限额"


class PayoutsOff(Conflict):
    """The operator has not set up payouts, or this way of being paid."""

    code = "payouts_off"
    message = "提现功能暂未开放"


class PayoutSceneNotConfigured(Conflict):
    """The words that WeChat Pay demands for the transfer scene are not configured."""

    code = "payout_scene_not_configured"
    message = "尚未配置商家转账场景，暂不能提现"


class PayoutTaxNotConfigured(Conflict):
    """No tax configuration is in force for this kind of income: nothing is paid without one."""

    code = "payout_tax_not_configured"
    message = "尚未配置个人所得税规则，暂不能提现"


class PayeeNameRequired(Conflict):
    """Tax is declared under the payee's name and ID number, and WeChat Pay demands the name from ¥2,000."""

    code = "payee_name_required"
    message = "需代扣个税或到账 2000 元及以上的提现，须先填写收款人实名信息"


class PayeeConsentRequired(NotAllowed):
    """Name and ID number are kept only with a consent of their own."""

    code = "payee_consent_required"
    message = "请先阅读并同意实名信息使用授权"


class InvalidPayee(InvalidInput):
    """The name or the ID number cannot be right."""

    code = "invalid_payee"
    message = "姓名或身份证号不正确"


class PayoutIdentityRequired(Conflict):
    """The member has no WeChat identity of this account to be paid to."""

    code = "payout_identity_required"
    message = "请先在微信中登录后再提现"


class PayoutNotCancellable(Conflict):
    """The payout has ended, or is past the point at which it can be called back."""

    code = "payout_not_cancellable"
    message = "该笔提现已无法撤销"


class PayoutNotAwaitingApproval(Conflict):
    """The payout does not wait for approval, or somebody has decided."""

    code = "payout_not_awaiting_approval"
    message = "该笔提现不在待复核状态"


class PayoutOpen(Conflict):
    """Money is on its way to the member: the membership can be closed once it has arrived or come back."""

    code = "payout_open"
    message = "您有提现尚未完成，请在到账或退回后再申请注销"


class PayUnavailable(Unavailable):
    """No merchant account of WeChat Pay is configured."""

    code = "pay_unavailable"
    message = "提现到微信零钱暂未开通"


class QueueNotPaused(Conflict):
    """The payouts are not paused."""

    code = "payout_queue_not_paused"
    message = "打款未处于暂停状态"


class InvalidPayoutSettings(InvalidInput):
    """A setting of payouts makes no sense; ``details`` names the field."""

    code = "invalid_payout_settings"
    message = "打款设置不正确"


class PayoutBatchNotFound(NotFound):
    """There is no such batch."""

    code = "payout_batch_not_found"
    message = "没有找到该打款批次"


class PayoutBatchNotInState(Conflict):
    """The batch is already decided."""

    code = "payout_batch_not_in_state"
    message = "该打款批次已处理"


class DiscrepancyNotFound(NotFound):
    """There is no such difference with the platform's bill."""

    code = "payout_discrepancy_not_found"
    message = "没有找到该对账差异"


class PayoutBlocked(NotAllowed):
    """The member is on the blocklist: no money leaves until somebody has looked at it."""

    code = "payout_blocked"
    message = "您的账户存在异常，暂不能提现，如有疑问请联系客服"


class PayoutHeldByRisk(Conflict):
    """The member is on the blocklist, or the payout waits for what people decide in the queue of risk."""

    code = "payout_held_by_risk"
    message = "会员在黑名单中，或该笔提现尚未通过风控审核，请先在风控页处理"


class InvalidPayoutReason(InvalidInput):
    """Nothing, or too much, says why."""

    code = "invalid_payout_reason"
    message = "请填写 200 字以内的理由"
