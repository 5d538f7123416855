"""The table of facts: what each is called, its fields, and which of them must be given or fit together.

Reading a document, the builder's form and the sentences all follow this one table: a fact is added by a type, a line
here, a line in ``sentences`` and a source in ``loyalty.segments.sources``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.fields import Field, FieldKind


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """One fact as the builder offers it."""

    name: str
    label: str
    group: str
    """Under which heading it is offered."""
    made: type[Any]
    fields: Sequence[Field]
    ordered: Sequence[tuple[str, str]] = ()
    """Pairs of which the first must not exceed the second; one of them all has to be given."""
    one_of: Sequence[str] = ()
    """Fields of which one has to be given, where there are no pairs."""

    @property
    def needed(self) -> Sequence[str]:
        """The fields of which at least one has to be given, if any."""
        return self.one_of or [name for pair in self.ordered for name in pair]

    @property
    def initial(self) -> dict[str, Any]:
        """What a new row of the builder begins with."""
        return {"fact": self.name} | {field.name: field.initial for field in self.fields if field.initial is not None}


def _field(name: str, label: str, kind: FieldKind, **more: Any) -> Field:
    return Field(name, label, kind, **more)


def _days(name: str, label: str, **more: Any) -> Field:
    return _field(name, label, FieldKind.DAYS, unit="天", **more)


def _window(initial: int = 30) -> Field:
    return _days("within_days", "最近（不填为全部时间）", least=1, initial=initial)


def _range(kind: FieldKind, unit: str, suffix: str = "", initial: int = 1) -> tuple[Field, Field]:
    return (
        _field(f"least{suffix}", "不少于", kind, unit=unit, initial=initial),
        _field(f"most{suffix}", "不超过", kind, unit=unit),
    )


_AGO = (_days("days_least", "至少", initial=90), _days("days_most", "至多"))
_AGO_ORDER = (("days_least", "days_most"),)
_RANGE_ORDER = (("least", "most"),)
_PROFILE, _POINTS, _PURCHASES, _COUPONS, _REACH, _OTHER = (
    "会员资料", "积分与等级", "消费", "优惠券", "微信与触达", "标签与活动",
)  # fmt: skip
_STORES = _field("store_ids", "门店", FieldKind.STORES, is_required=True)
_TEMPLATES = _field("template_ids", "券模板（不选为任意券）", FieldKind.TEMPLATES)

_ALL: Sequence[FactDefinition] = (
    FactDefinition(
        "enrolled", "入会时间", _PROFILE, types.Enrolled,
        (
            _field("first_on", "从", FieldKind.DATE),
            _field("last_on", "到", FieldKind.DATE),
            _days("days_least", "距今至少"),
            _days("days_most", "距今至多", initial=30),
        ),
        ordered=(("first_on", "last_on"), ("days_least", "days_most")),
    ),
    FactDefinition("enrolled_store", "入会门店", _PROFILE, types.EnrolledStore, (_STORES,)),
    FactDefinition(
        "birthday", "即将生日", _PROFILE, types.Birthday, (_days("within_days", "未来", is_required=True, initial=7),)
    ),
    FactDefinition(
        "birthday_month", "生日月份", _PROFILE, types.BirthdayMonth,
        (_field("months", "月份", FieldKind.MONTHS, is_required=True),),
    ),
    FactDefinition(
        "has_birthday", "填写了生日", _PROFILE, types.HasBirthday,
        (_field("is_given", "已填写", FieldKind.FLAG, initial=True),),
    ),
    FactDefinition("activity", "最近活跃", _PROFILE, types.Activity, _AGO, ordered=_AGO_ORDER),
    FactDefinition(
        "tier", "会员等级", _POINTS, types.Tier, (_field("levels", "等级", FieldKind.LEVELS, is_required=True),)
    ),
    FactDefinition("growth", "成长值", _POINTS, types.Growth, _range(FieldKind.COUNT, ""), ordered=_RANGE_ORDER),
    FactDefinition("balance", "可用积分", _POINTS, types.Balance, _range(FieldKind.POINTS, "分"), ordered=_RANGE_ORDER),
    FactDefinition(
        "expiring_points", "即将到期积分", _POINTS, types.ExpiringPoints,
        (
            _field("least", "不少于", FieldKind.POINTS, unit="分", least=1, initial=1),
            _days("within_days", "未来", initial=30),
        ),
    ),
    FactDefinition(
        "check_in_streak", "连续签到", _POINTS, types.CheckInStreak, _range(FieldKind.COUNT, "天", initial=7),
        ordered=_RANGE_ORDER,
    ),
    FactDefinition("recency", "距上次消费", _PURCHASES, types.Recency, _AGO, ordered=_AGO_ORDER),
    FactDefinition(
        "never_bought", "从未消费", _PURCHASES, types.NeverBought,
        (_field("is_never", "从未消费", FieldKind.FLAG, initial=True),),
    ),
    FactDefinition(
        "frequency", "消费次数", _PURCHASES, types.Frequency, (_window(), *_range(FieldKind.COUNT, "次")),
        ordered=_RANGE_ORDER,
    ),
    FactDefinition(
        "money", "消费金额", _PURCHASES, types.Money,
        (_window(), *_range(FieldKind.FEN, "元", suffix="_fen", initial=10_000)),
         ordered=(("least_fen", "most_fen"),),
    ),
    FactDefinition("bought_at", "在门店消费过", _PURCHASES, types.BoughtAt, (_STORES, _window())),
    FactDefinition(
        "bought_through", "消费渠道", _PURCHASES, types.BoughtThrough,
        (_field("channels", "渠道", FieldKind.CODES, is_required=True), _window()),
    ),
    FactDefinition(
        "bought_goods", "购买过商品", _PURCHASES, types.BoughtGoods,
        (
            _field("categories", "品类", FieldKind.CODES),
            _field("skus", "商品编码", FieldKind.CODES),
            _window(initial=90),
            _field("times_least", "不少于", FieldKind.COUNT, unit="次", least=1, initial=1),
            _field("fen_least", "金额不少于", FieldKind.FEN, unit="元", least=1),
        ),
        one_of=("categories", "skus"),
    ),
    FactDefinition("coupon_held", "持有可用券", _COUPONS, types.CouponHeld, (_TEMPLATES,)),
    FactDefinition("coupon_used", "用过券", _COUPONS, types.CouponUsed, (_TEMPLATES, _window())),
    FactDefinition(
        "bound_through", "绑定渠道", _REACH, types.BoundThrough,
        (
            _field(
                "kinds", "渠道", FieldKind.CHOICES, is_required=True, word=types.Kind,
                choices={types.Kind.OFFICIAL_ACCOUNT: "公众号", types.Kind.MINI_PROGRAM: "小程序"},
            ),
        ),
    ),
    FactDefinition(
        "following", "关注公众号", _REACH, types.Following,
        (_field("appids", "公众号（不选为任意）", FieldKind.APPIDS),),
    ),
    FactDefinition(
        "reachable", "当前可触达", _REACH, types.Reachable,
        (
            _field(
                "ways", "渠道", FieldKind.CHOICES, is_required=True, word=types.Way,
                choices={
                    types.Way.SUBSCRIPTION: "订阅消息",
                    types.Way.CUSTOMER: "客服消息",
                    types.Way.TEMPLATE: "模板消息",
                    types.Way.INBOX: "站内消息",
                },
            ),
        ),
    ),
    FactDefinition(
        "tags", "标签", _OTHER, types.Tags,
        (
            _field("tag_ids", "标签", FieldKind.TAGS, is_required=True),
            _field(
                "match", "符合", FieldKind.CHOICE, word=types.Match, initial=types.Match.ANY,
                choices={types.Match.ANY: "任意一个", types.Match.ALL: "全部", types.Match.NONE: "都没有"},
            ),
        ),
    ),
    FactDefinition(
        "campaign", "参加活动", _OTHER, types.Campaign,
        (
            _field("campaign_id", "活动", FieldKind.CAMPAIGN, is_required=True, least=1),
            _field("has_got", "已获得奖励", FieldKind.FLAG, initial=True),
        ),
    ),
)  # fmt: skip
FACTS: Mapping[str, FactDefinition] = {fact.name: fact for fact in _ALL}
"""Every fact by its name in documents, in the order in which the builder offers them."""
DEFINITION_OF: Mapping[type[Any], FactDefinition] = {fact.made: fact for fact in _ALL}
