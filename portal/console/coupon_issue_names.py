"""What states, reasons and figures of issue jobs are called on the pages."""

from collections.abc import Mapping

from loyalty.coupons.queries.issue_jobs import IssueOutcome
from loyalty.coupons.rules.errors import CouponHoursOver, CouponNotIssuing, CouponPeriodOver
from loyalty.coupons.rules.issue_jobs import BadIssueLine, IssueJobState, Kept, Skip
from portal.console.file_names import FAULT_NAMES as FAULT_NAMES
from portal.console.file_names import NAMING_PROBLEMS

STATE_NAMES = {
    IssueJobState.CHECKING: "试算中",
    IssueJobState.UNREADABLE: "文件无法读取",
    IssueJobState.CHECKED: "试算完成",
    IssueJobState.SUBMITTED: "等待复核",
    IssueJobState.REFUSED: "复核未通过",
    IssueJobState.DISCARDED: "已放弃",
    IssueJobState.ISSUING: "发放中",
    IssueJobState.ISSUED: "已发放",
    IssueJobState.STOPPED: "已停止",
    IssueJobState.UNDOING: "撤回中",
    IssueJobState.UNDONE: "已撤回",
}
STATE_COLOURS = {
    IssueJobState.CHECKING: "blue",
    IssueJobState.UNREADABLE: "red",
    IssueJobState.CHECKED: "green",
    IssueJobState.SUBMITTED: "orange",
    IssueJobState.REFUSED: "red",
    IssueJobState.ISSUING: "blue",
    IssueJobState.ISSUED: "green",
    IssueJobState.STOPPED: "orange",
    IssueJobState.UNDOING: "orange",
}
SKIP_NAMES = {
    Skip.GONE: "会员已注销",
    Skip.PROVISIONAL: "会员待确认",
    Skip.DUPLICATE: "同一人合并前的会员号，已发放",
    Skip.TIER: "等级不符合领取条件",
    Skip.TAG: "标签不符合领取条件",
    Skip.MEMBER_TOTAL: "达到每人上限",
    Skip.MEMBER_DAY: "达到每人每天上限",
    Skip.STOCK: "总库存不足",
    Skip.DAY_STOCK: "当天库存不足",
    Skip.STORE_STOCK: "门店库存不足",
}
KEPT_NAMES = {
    Kept.USED: "已使用，未撤回",
    Kept.LOCKED: "被未付款的订单锁定，未撤回",
    Kept.LAPSED: "已过期，未撤回",
    Kept.VOIDED: "此前已作废",
}
FIGURE_NAMES = {
    "would_get": "预计可得人数",
    "bad": "错误行",
    "issued": "已发放",
    "undone": "已撤回",
    "told": "已通知",
    **{skip.value: name for skip, name in SKIP_NAMES.items()},
    **{kept.value: name for kept, name in KEPT_NAMES.items()},
}
_PROBLEMS: Mapping[str, str] = {
    **NAMING_PROBLEMS,
    BadIssueLine.WHO_UNKNOWN: "没有找到该会员",
    BadIssueLine.DUPLICATE: "与第 {first_line} 行是同一会员",
}
_ERRORS = {
    CouponNotIssuing.__name__: "券模板已暂停或停止发放，恢复发放后可继续",
    CouponPeriodOver.__name__: "券的有效期已过，不能再发放",
    CouponHoursOver.__name__: "券今天的可用时段已过，现在发出将无法使用；请在可用时段之前继续",
}


def problem_text(reason: BadIssueLine, first_line: int | None) -> str:
    """Return why a line was refused."""
    return _PROBLEMS[reason].format(first_line=first_line)


def error_text(error: str) -> str:
    """Return why the work was paused by itself."""
    return _ERRORS.get(error, f"执行出错（{error}），可重试“继续”，仍出错请联系技术人员")


def outcome_text(outcome: IssueOutcome) -> str:
    """Return why a member got none, or why the coupon stayed."""
    if outcome.skipped is not None:
        return SKIP_NAMES[outcome.skipped]
    assert outcome.kept is not None, "it is listed for a reason"
    return KEPT_NAMES[outcome.kept]
