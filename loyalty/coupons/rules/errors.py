"""What is refused about coupons: each refusal has a code, and says in Chinese what its reader can do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from loyalty.kernel.documents import Problem as Problem
from loyalty.kernel.errors import Conflict, InvalidInput, LimitReached, NotAllowed, NotFound


class CouponTemplateNotFound(NotFound):
    """No template has this id or link."""

    code = "coupon_template_not_found"
    message = "没有找到该优惠券"


class CouponNotFound(NotFound):
    """No coupon has this id, or it is somebody else's."""

    code = "coupon_not_found"
    message = "没有找到该优惠券"


class CouponNotIssuing(Conflict):
    """The template is not published, paused or stopped."""

    code = "coupon_not_issuing"
    message = "该优惠券暂未发放"


class CouponNotOpen(Conflict):
    """Claiming has not begun; ``opens_at`` in the details says when it does."""

    code = "coupon_not_open"
    message = "领取还没有开始"


class CouponClosed(Conflict):
    """Claiming is over."""

    code = "coupon_closed"
    message = "领取已经结束"


class CouponNotForMember(NotAllowed):
    """The template is for other tiers or tags; ``condition`` in the details says which."""

    code = "coupon_not_for_member"
    message = "您不在该优惠券的领取范围内"


class CouponSoldOut(LimitReached):
    """Nothing is left of the stock; ``limit`` in the details says whether in all, of today or of the store."""

    code = "coupon_sold_out"
    message = "优惠券已领完"
    retry_after_seconds = 60


class CouponLimitReached(LimitReached):
    """The member has got as many as one member may; ``limit`` in the details says whether in all or today."""

    code = "coupon_limit_reached"
    message = "您已达到该优惠券的领取上限"


class CouponAlreadyClaimed(Conflict):
    """The member claimed as many before, under other keys; the details name the coupon that came last."""

    code = "coupon_already_claimed"
    message = "您已领取过该优惠券，可在券包中查看"


class CouponReferenceReused(Conflict):
    """The reference stands for a coupon of another template."""

    code = "coupon_reference_reused"
    message = "同一请求号已用于另一张优惠券"


class ClaimCodeInvalid(InvalidInput):
    """The code was not made by us: a letter is wrong."""

    code = "claim_code_invalid"
    message = "兑换码不正确，请核对后再试"


class ClaimCodeUsed(Conflict):
    """Somebody has claimed this code, or it was voided."""

    code = "claim_code_used"
    message = "该兑换码已被使用或已作废"


class InvalidCouponTerms(InvalidInput):
    """Terms that could not be issued or redeemed as they read; ``problems`` in the details say which and why."""

    code = "invalid_coupon_terms"
    message = "优惠券设置不正确"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


class CouponPeriodOver(Conflict):
    """The last date on which the coupon could be used has passed, so none is issued any more."""

    code = "coupon_period_over"
    message = "该优惠券的有效期已过，不能再发放"


class CouponHoursOver(Conflict):
    """Of the weekdays and hours at which the coupon holds none is left in the period that it would have from now."""

    code = "coupon_hours_over"
    message = "该优惠券的可用时段已过，现在领取将无法使用"


class CouponCodeInvalid(InvalidInput):
    """The coupon code was not made by us, or more than two minutes ago."""

    code = "coupon_code_invalid"
    message = "券码无效或已过期，请会员刷新后再试"


class CouponTemplateNotInState(Conflict):
    """The template is in a state that does not permit this; ``state`` in the details names it."""

    code = "coupon_template_not_in_state"
    message = "券模板当前状态下不能进行此操作"


class StockReasonMissing(InvalidInput):
    """Whoever changes a stock says why, in a line."""

    code = "stock_reason_missing"
    message = "请填写调整库存的原因，一行，最多 200 字"


class NoCouponTemplateDraft(Conflict):
    """There is nothing to publish or to throw away."""

    code = "no_coupon_template_draft"
    message = "没有待发布的草稿"


class CouponNotUsable(Conflict):
    """Coupons do not pay for this basket; ``coupons`` in the details say of each why, in Chinese too."""

    code = "coupon_not_usable"
    message = "优惠券不可用"

    @property
    def sentences(self) -> Mapping[int, str]:
        """Of each coupon that does not pay why, in Chinese."""
        told = cast(Iterable[Mapping[str, Any]], self.details["coupons"])
        return {one["coupon_id"]: one["message"] for one in told}


class InvalidCouponLockPeriod(InvalidInput):
    """The lock would end before it begins, or bind coupons for longer than a day."""

    code = "invalid_coupon_lock_period"
    message = "优惠券锁定的截止时间不正确"


class CouponLockNotFound(NotFound):
    """No coupons were locked under this reference."""

    code = "coupon_lock_not_found"
    message = "没有找到该订单锁定的优惠券"


class CouponLockEnded(Conflict):
    """The lock was ended: its coupons were used, or let go; ``ended_as`` in the details says which."""

    code = "coupon_lock_ended"
    message = "该订单的优惠券锁定已结束"


class CouponUseReferenceReused(Conflict):
    """The reference stands for the use of other coupons."""

    code = "coupon_use_reference_reused"
    message = "同一请求号已用于其他优惠券"


class CouponRedemptionNotFound(NotFound):
    """There is no such redemption, or it is another member's or another store's."""

    code = "coupon_redemption_not_found"
    message = "没有找到该核销记录"


class CouponRedemptionReversed(Conflict):
    """The redemption was reversed before, by another request."""

    code = "coupon_redemption_reversed"
    message = "该核销已被撤销"


class CouponRedemptionOfOrder(Conflict):
    """The coupon was used for an order that was reported; only the order's refund gives it back."""

    code = "coupon_redemption_of_order"
    message = "该核销属于一笔订单，请通过订单退款退回优惠券"


class CouponNotVoidable(Conflict):
    """The coupon was used, or is void or lapsed already; ``standing`` in the details says which."""

    code = "coupon_not_voidable"
    message = "该优惠券已使用或已失效，不能作废"


class TooManyClaimCodes(LimitReached):
    """The member has typed too many claim codes today, right or wrong."""

    code = "too_many_claim_codes"
    message = "今天输入兑换码的次数过多，请明天再试"


class CodeBatchNotFound(NotFound):
    """There is no such batch of claim codes."""

    code = "code_batch_not_found"
    message = "没有找到该兑换码批次"
