"""What is refused about rules."""

from collections.abc import Sequence
from dataclasses import asdict

from loyalty.kernel.documents import Problem as Problem
from loyalty.kernel.errors import Conflict, InvalidInput, NotFound


class InvalidEarningRule(InvalidInput):
    """A rule that could not be paid as it reads; ``problems`` in the details say which fields and why."""

    code = "invalid_earning_rule"
    message = "积分规则不正确"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


class EarningRuleTagUnknown(InvalidEarningRule):
    """A rule asks for a tag that does not exist."""

    code = "earning_rule_tag_unknown"
    message = "积分规则里有不存在的会员标签"


class EarningRuleCouponUnknown(InvalidEarningRule):
    """A rule gives a coupon whose template does not exist, was never published, or issues nothing any more."""

    code = "earning_rule_coupon_unknown"
    message = "积分规则所送的优惠券不存在、未发布或已停止发放"


class EarningRuleNotFound(NotFound):
    """No rule or revision has this id."""

    code = "earning_rule_not_found"
    message = "没有找到这条积分规则"


class NoEarningRuleDraft(Conflict):
    """There is nothing to publish or to throw away."""

    code = "no_earning_rule_draft"
    message = "没有待发布的草稿"


class EarningRuleOver(Conflict):
    """The draft's end lies in the past, so it would never pay."""

    code = "earning_rule_over"
    message = "结束时间已过，请修改后再发布"


class EarningRuleNotRunning(Conflict):
    """Nothing of the rule is in force or will be."""

    code = "earning_rule_not_running"
    message = "规则没有在生效，也没有待生效的版本"


class OverrideNotPermitted(Conflict):
    """Headquarters does not let stores and regions have this rule otherwise."""

    code = "earning_override_not_permitted"
    message = "总部没有允许门店或区域对这条规则作此调整"


class OverrideWithoutDefault(Conflict):
    """There is no published rule of headquarters to override."""

    code = "earning_override_without_default"
    message = "总部规则还没有发布，不能设置门店调整"
