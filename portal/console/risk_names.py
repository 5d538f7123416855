"""What risk looks at, decides and blocks is called on the console's pages."""

from collections.abc import Mapping

from loyalty.risk.rules.blocks import BlockKind
from loyalty.risk.rules.deciding import BLOCKED, BLOCKLIST, Bound, Rule
from loyalty.risk.rules.signals import WORDS, Fact, Signal, named
from loyalty.risk.rules.subjects import DECIDED, DecisionState, Occasion, Verdict

OCCASION_NAMES = {
    Occasion.ENROLMENT: "入会",
    Occasion.OPENING: "打开链接",
    Occasion.REFERRAL: "邀请奖励",
    Occasion.MISSION: "任务奖励",
    Occasion.WITHDRAWAL: "提现",
}
DECIDED_NAMES = {occasion: name for occasion, name in OCCASION_NAMES.items() if occasion in DECIDED}
VERDICT_NAMES = {Verdict.ALLOW: "放行", Verdict.REVIEW: "人工审核", Verdict.DENY: "拒绝"}
VERDICT_COLOURS = {Verdict.ALLOW: "green", Verdict.REVIEW: "orange", Verdict.DENY: "red"}
STATE_NAMES = {
    DecisionState.ALLOWED: "已通过",
    DecisionState.WAITING: "待审核",
    DecisionState.DENIED: "已拒绝",
    DecisionState.RELEASED: "人工放行",
    DecisionState.REVERSED: "人工撤销",
}
STATE_COLOURS = {
    DecisionState.ALLOWED: "green",
    DecisionState.WAITING: "orange",
    DecisionState.DENIED: "red",
    DecisionState.RELEASED: "green",
    DecisionState.REVERSED: "red",
}
KIND_NAMES = {
    BlockKind.MEMBER: "会员",
    BlockKind.PHONE: "手机号",
    BlockKind.DEVICE: "设备",
    BlockKind.IP: "网络地址",
}
NOT_ANSWERED = "微信未答复"
BOUND_NAMES = {Bound.AT_LEAST: "达到或超过", Bound.AT_MOST: "不超过"}
MEASURE_NAMES: Mapping[Signal | Fact, str] = WORDS


def rule_names(rules: tuple[Rule, ...]) -> dict[str, str]:
    """Return what the rules that hold are called, and the blocklist."""
    return {BLOCKLIST: BLOCKED} | {rule.name: rule.title for rule in rules}


def evidence_lines(evidence: Mapping[str, object]) -> list[tuple[str, object]]:
    """Return what a decision was made from in words: what was measured, within which hours, and the figure."""
    lines = []
    for measure, value in evidence.items():
        name, _, hours = measure.partition(":")
        within = f"{hours} 小时内" if hours else ""
        lines.append((f"{within}{WORDS[named(name)]}", NOT_ANSWERED if value is None else value))
    return lines
