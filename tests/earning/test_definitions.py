from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing, check_not_induced
from loyalty.earning.rules import (
    BirthdayMatch,
    Budgets,
    Caps,
    Conditions,
    Definition,
    EarningEvent,
    Fixed,
    Multiple,
    PerAmount,
    Reward,
    Stacking,
    is_birthday_on,
)
from loyalty.earning.rules.checking import check_definition
from loyalty.earning.rules.documents import from_json, to_json
from loyalty.earning.rules.errors import InvalidEarningRule
from loyalty.earning.rules.lifecycle import check_draft
from loyalty.earning.rules.sentences import sentence
from loyalty.earning.rules.templates import TEMPLATES
from loyalty.earning.rules.words import Names
from loyalty.kernel.local_time import Hours
from loyalty.points.rules.expiry import ExpiryPolicy, PolicyKind

PURCHASE = EarningEvent.PURCHASE
TODAY = date(2026, 3, 10)
FULL = Definition(
    event=PURCHASE,
    points=PerAmount(2, 1_000),
    growth=Fixed(3),
    conditions=Conditions(
        included_nodes=frozenset({10}),
        excluded_nodes=frozenset({21}),
        tier_levels=frozenset({3, 4}),
        tags=frozenset({7}),
        is_first_purchase=True,
        minimum_amount_fen=10_000,
        minimum_quantity=2,
        skus=frozenset({"A1"}),
        categories=frozenset({"饮品"}),
        excluded_skus=frozenset({"SALE"}),
        excluded_categories=frozenset({"烟酒"}),
        channels=frozenset({"pos"}),
        weekdays=frozenset({6, 7}),
        hours=(Hours(1_320, 120),),
        first_on=date(2026, 1, 1),
        last_on=date(2026, 12, 31),
        month_days=frozenset({8}),
        birthday=BirthdayMatch.MONTH,
    ),
    stacking=Stacking("满额送", 5),
    caps=Caps(member_day=100, member_month=500),
    budgets=Budgets(rule_month_budget=900_000, rule_budget=1_000_000, store_month_budget=9_000, store_budget=50_000),
    pending_days=7,
    expiry=ExpiryPolicy(PolicyKind.ROLLING_DAYS, n=30),
)


CODES = "须为 1–64 个字符，首尾没有空格，不含逗号、顿号和分号"


def problems_of(definition: Definition) -> dict[str, str]:
    with pytest.raises(InvalidEarningRule) as refused:
        check_definition(definition)
    return {problem.field: problem.reason for problem in refused.value.problems}


def rule(points: Reward | None = None, **parts: Any) -> Definition:
    return Definition(**({"event": PURCHASE, "points": points or PerAmount(1, 100)} | parts))


def test_a_definition_with_everything_survives_its_document() -> None:
    check_definition(FULL)

    assert from_json(to_json(FULL)) == FULL


def test_a_sentence_leaves_nothing_out() -> None:
    names = Names(nodes={10: "华东区", 21: "徐汇店"}, tiers={3: "金卡会员", 4: "黑金会员"}, tags={7: "母婴"})

    assert sentence(FULL, names=names) == (
        "在华东区，徐汇店除外，限pos渠道，2026-01-01至2026-12-31，每月 8 日（会员日），每周六、周日，22:00–次日 02:00，"
        "生日当月，限金卡会员、黑金会员，限有母婴标签的会员，首次消费，购买商品 A1或品类 饮品，商品 SALE 不计，"
        "品类 烟酒 不计，满 ¥100.00，满 2 件，每 ¥10.00 得 2 积分（不足部分舍去），送 3 成长值；"
        "与「满额送」组内其他规则不同享，取优先级最高、发放最多的一条，优先级 5；每人每天上限 100 积分；"
        "每人每月上限 500 积分；规则每月预算 900,000 积分；规则总预算 1,000,000 积分；"
        "单店每月预算 9,000 积分；单店预算 50,000 积分；积分 7 天后可用；"
        "积分自获得次日起30天内有效，到期日24点失效。"
    )


@pytest.mark.parametrize("key", TEMPLATES)
def test_every_template_may_be_saved_as_it_is_once_its_coupon_is_chosen(key: str) -> None:
    definition = TEMPLATES[key].start(TODAY)
    if TEMPLATES[key].has_coupon_to_choose:
        definition = replace(definition, coupon_template_id=7)

    check_definition(definition)
    assert from_json(to_json(definition)) == definition


def test_every_event_has_a_template() -> None:
    assert {template.start(TODAY).event for template in TEMPLATES.values()} == set(EarningEvent)


@pytest.mark.parametrize(
    "trigger",
    ["followed", "subscribed", "shared", "Shared", "wechat.shared", "friend_shared", "pageShared", "SHARE", "forward"],
)
def test_value_for_following_subscribing_or_sharing_is_refused(trigger: str) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        check_not_induced([trigger])
    with pytest.raises(ValueForFollowingOrSharing):
        from_json({"event": trigger, "points": {"kind": "fixed", "value": 5}})
    custom = Conditions(custom_kind=trigger)
    with pytest.raises(ValueForFollowingOrSharing):
        check_definition(Definition(event=EarningEvent.CUSTOM, points=Fixed(5), conditions=custom))


def test_events_that_only_sound_alike_are_not_refused() -> None:
    check_not_induced(["purchase", "salon_attended", "timeshare_viewed", "followup_call"])


@pytest.mark.parametrize(
    ("definition", "field", "reason"),
    [
        (Definition(event=PURCHASE), "points", "请至少设置一项奖励：积分、成长值或优惠券"),
        (rule(Fixed(0)), "points", "奖励数量须为 1–1,000,000"),
        (rule(PerAmount(1, 0)), "points", "每满金额须为 ¥0.01–¥1,000,000.00"),
        (rule(Multiple(10_000)), "points", "倍数须为 1.01–100"),
        (
            rule(Fixed(5), event=EarningEvent.BIRTHDAY, budgets=Budgets(store_budget=100)),
            "store_budget",
            "生日和完善资料不发生在门店，不能设置门店条件或门店预算",
        ),
        (
            rule(Fixed(5), event=EarningEvent.PROFILE_COMPLETED, conditions=Conditions(included_nodes=frozenset({1}))),
            "included_nodes",
            "生日和完善资料不发生在门店，不能设置门店条件或门店预算",
        ),
        (rule(event=EarningEvent.CHECK_IN), "points", "只有消费规则可以按金额或按倍数奖励，其他事件只能送固定数量"),
        (rule(Multiple(20_000), growth=PerAmount(1, 100)), "growth", "同一条规则不能既按金额又按倍数奖励，请分成两条"),
        (
            rule(Fixed(2), event=EarningEvent.CHECK_IN, conditions=Conditions(minimum_amount_fen=1)),
            "minimum_amount_fen",
            "只有消费规则可以设置最低金额条件",
        ),
        (rule(Fixed(2), event=EarningEvent.CUSTOM), "custom_kind", "自定义事件须填写事件类型"),
        (
            rule(Fixed(2), event=EarningEvent.CUSTOM, conditions=Conditions(custom_kind="review")),
            "custom_kind",
            "这类事件有自己的规则模板，不能作为自定义事件",
        ),
        (
            rule(Fixed(2), event=EarningEvent.CUSTOM, conditions=Conditions(custom_kind="Parked!")),
            "custom_kind",
            "事件类型须以小写字母开头，40 个字符以内，只用小写字母、数字、_ 和 .",
        ),
        (rule(conditions=Conditions(custom_kind="x")), "custom_kind", "只有自定义事件可以填写事件类型"),
        (rule(conditions=Conditions(weekdays=frozenset({8}))), "weekdays", "星期不正确"),
        (rule(conditions=Conditions(skus=frozenset({" a"}))), "skus", f"商品{CODES}"),
        (rule(conditions=Conditions(skus=frozenset({"a\0"}))), "skus", f"商品{CODES}"),
        (rule(conditions=Conditions(tags=frozenset({0}))), "tags", "标签不正确"),
        (rule(conditions=Conditions(skus=frozenset({"a，b"}))), "skus", f"商品{CODES}"),
        (
            rule(conditions=Conditions(skus=frozenset("A"), excluded_skus=frozenset("A"))),
            "excluded_skus",
            "同一商品不能既参加又不参加",
        ),
        (
            rule(conditions=Conditions(hours=(Hours(60, 60),))),
            "hours",
            "时段须在 00:00–24:00 之间，开始与结束不能相同",
        ),
        (
            rule(conditions=Conditions(first_on=date(2026, 2, 1), last_on=date(2026, 1, 1))),
            "last_on",
            "结束日期早于开始日期",
        ),
        (
            rule(conditions=Conditions(first_on=TODAY, last_on=TODAY, month_days=frozenset({8}))),
            "month_days",
            "所选的日期、星期和会员日没有交集，规则永远不会生效",
        ),
        (rule(stacking=Stacking(None, 3)), "priority", "优先级只在互斥组内起作用，请填写互斥组"),
        (rule(caps=Caps(member_day=0)), "member_day", "每人每天上限须为 1–1,000,000,000,000"),
        (rule(Fixed(50), caps=Caps(member_day=20)), "member_day", "每人每天上限低于单次奖励，永远发不全"),
        (rule(caps=Caps(member_day=20, member_month=10)), "member_day", "每人每天上限高于每人每月上限，不起作用"),
        (
            rule(budgets=Budgets(store_budget=20, rule_budget=10)),
            "store_budget",
            "单店预算高于规则总预算，不起作用",
        ),
        (
            rule(budgets=Budgets(store_month_budget=20, rule_month_budget=10)),
            "store_month_budget",
            "单店每月预算高于规则每月预算，不起作用",
        ),
        (
            rule(budgets=Budgets(rule_month_budget=20, rule_budget=10)),
            "rule_month_budget",
            "规则每月预算高于规则总预算，不起作用",
        ),
        (
            Definition(event=PURCHASE, growth=Fixed(1), caps=Caps(member_day=9)),
            "member_day",
            "上限和预算只对积分有效，这条规则不发积分",
        ),
        (rule(pending_days=366), "pending_days", "待入账天数须为 0–365"),
    ],
)
def test_what_could_not_be_paid_as_it_reads_is_refused_in_words(
    definition: Definition, field: str, reason: str
) -> None:
    assert problems_of(definition)[field] == reason


def test_everything_wrong_is_named_at_once() -> None:
    wrong = rule(Fixed(0), conditions=Conditions(weekdays=frozenset({0})), pending_days=-1)

    assert set(problems_of(wrong)) == {"points", "weekdays", "pending_days"}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (None, "definition"),
        ([], "definition"),
        ({}, "event"),
        ({"event": ["purchase"]}, "event"),
        ({"event": "purchase", "bonus": 1}, "definition.bonus"),
        ({"event": "purchase", "points": 5}, "points.kind"),
        ({"event": "purchase", "points": {"kind": []}}, "points.kind"),
        ({"event": "purchase", "points": {"kind": "fixed"}}, "points.value"),
        ({"event": "purchase", "points": {"kind": "fixed", "value": 1.5}}, "points.value"),
        ({"event": "purchase", "points": {"kind": "fixed", "value": True}}, "points.value"),
        ({"event": "purchase", "points": {"kind": "multiple", "basis_points": 2, "rounding": "up"}}, "points.rounding"),
        ({"event": "purchase", "conditions": []}, "conditions"),
        ({"event": "purchase", "conditions": {"weekdays": 3}}, "conditions.weekdays"),
        ({"event": "purchase", "conditions": {"weekdays": [{}]}}, "conditions.weekdays"),
        ({"event": "purchase", "conditions": {"tags": ["3"]}}, "conditions.tags"),
        ({"event": "purchase", "conditions": {"first_on": "2026-02-30"}}, "conditions.first_on"),
        ({"event": "purchase", "conditions": {"hours": [[1]]}}, "conditions.hours"),
        ({"event": "purchase", "conditions": {"is_first_purchase": 1}}, "conditions.is_first_purchase"),
        ({"event": "purchase", "caps": {"member_year": 1}}, "caps.member_year"),
    ],
)
def test_a_document_of_another_shape_is_refused_by_the_name_of_its_field(document: object, field: str) -> None:
    with pytest.raises(InvalidEarningRule) as refused:
        from_json(document)

    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize(
    ("day", "is_celebrated"),
    [(date(2024, 2, 29), True), (date(2024, 2, 28), False), (date(2026, 2, 28), True), (date(2026, 3, 1), False)],
)
def test_a_birthday_on_29_february_is_celebrated_every_year(day: date, is_celebrated: bool) -> None:
    assert is_birthday_on((2, 29), day) is is_celebrated


@pytest.mark.parametrize("name", ["关注公众号送积分", "转发朋友圈得好礼"])
def test_a_name_that_promises_value_for_following_or_sharing_is_refused(name: str) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        check_draft(name=name, starts_at=None, ends_at=None)
