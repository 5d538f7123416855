"""What reasons, states and problems of adjustments are called on the pages."""

from collections.abc import Callable, Mapping

from loyalty.adjustments.rules.batches import BatchState
from loyalty.adjustments.rules.lines import BadLine
from loyalty.adjustments.rules.single import Reason
from loyalty.points.explanations import ADJUSTMENT_REASONS
from portal.console.file_names import FAULT_NAMES as FAULT_NAMES
from portal.console.file_names import NAMING_PROBLEMS

REASON_NAMES = {reason: ADJUSTMENT_REASONS[reason] for reason in Reason}

STATE_NAMES = {
    BatchState.CHECKING: "校验中",
    BatchState.UNREADABLE: "文件无法读取",
    BatchState.FAULTY: "有错误行",
    BatchState.CHECKED: "校验通过",
    BatchState.SUBMITTED: "等待复核",
    BatchState.REFUSED: "复核未通过",
    BatchState.DISCARDED: "已放弃",
    BatchState.APPLYING: "执行中",
    BatchState.APPLIED: "已完成",
    BatchState.UNDOING: "撤销中",
    BatchState.UNDONE: "已撤销",
}
STATE_COLOURS = {
    BatchState.CHECKING: "blue",
    BatchState.UNREADABLE: "red",
    BatchState.FAULTY: "red",
    BatchState.CHECKED: "green",
    BatchState.SUBMITTED: "orange",
    BatchState.REFUSED: "red",
    BatchState.APPLYING: "blue",
    BatchState.APPLIED: "green",
    BatchState.UNDOING: "orange",
}
FIGURE_NAMES = {
    "bad": "错误行",
    "applied": "已执行人数",
    "refused": "跳过行数",
    "credit_points": "增加积分",
    "debit_points": "扣减积分",
    "taken_back": "扣回积分",
    "spent": "已用完、不再追回的积分",
    "given_back": "退回积分",
}

_PROBLEMS: Mapping[str, str | Callable[[int | None], str]] = {
    **NAMING_PROBLEMS,
    BadLine.WHO_UNKNOWN: "没有找到该会员",
    BadLine.WHO_GONE: "会员已注销或尚未激活",
    BadLine.DUPLICATE: lambda line: f"与第 {line} 行是同一会员",
    BadLine.POINTS_MISSING: "没有填写积分",
    BadLine.POINTS_INVALID: "积分不是数字",
    BadLine.POINTS_DECIMAL: "积分不能是小数",
    BadLine.POINTS_ZERO: "积分不能为 0",
    BadLine.POINTS_TOO_LARGE: "积分过大",
    BadLine.DATE_INVALID: "到期日不正确",
    BadLine.DATE_PAST: "到期日已过",
    BadLine.INSUFFICIENT: lambda points: f"可用积分不足，仅有 {points or 0}",
    BadLine.SPENT: lambda points: f"其中 {points} 积分已用完或被占用，未能扣回",
    BadLine.NOT_UNDONE: "该笔已单独冲正，未处理",
}


def problem_text(reason: BadLine, figure: int | None) -> str:
    """Return why a line was refused, or what is to be told of it."""
    text = _PROBLEMS[reason]
    return text if isinstance(text, str) else text(figure)
