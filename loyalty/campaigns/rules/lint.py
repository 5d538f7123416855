"""Lint (合规检查): what rules of WeChat and of the law say against a campaign, before anybody gets it.

It reads texts and terms, never members. What must be fixed stands against the launch; a warning asks somebody to look.
It finds what can be found by reading; whether something is lawful is for people to say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from loyalty.campaigns.rules.checking import gives_value
from loyalty.campaigns.rules.findings import Finding, Severity
from loyalty.campaigns.rules.lint_expiry import shorter_than_declared
from loyalty.campaigns.rules.lint_words import (
    CHANCE,
    LEAVING_WORDS,
    MARKETING_WORDS,
    PRIZE_AMOUNT,
    PRIZE_MAX_YUAN,
    PROMOTIONS,
    PUBLISHED_DRAW,
    PUBLISHED_ODDS,
    SECOND_LEVEL,
    WORD_RULES,
    WordRule,
)
from loyalty.campaigns.rules.terms import At, GiveCoupon, Now, OnEvent, SendMessage, Terms
from loyalty.channels.rules.inducement import (
    ValueForFollowingOrSharing,
    check_not_induced,
    lure_in,
    without_denials,
)
from loyalty.coupons.rules.terms import FixedDates
from loyalty.coupons.rules.terms import Terms as CouponTerms
from loyalty.kernel.clock import last_day_before
from loyalty.points.rules.expiry import DEFAULT_POLICY, ExpiryPolicy

_LINKS = "《微信外部链接内容管理规范》：不得以利益诱导分享、助力、集赞"
_FOLLOWING = "《微信公众平台运营规范》诱导关注：不得以关注作为获得利益的条件"
_TEMPLATES = "微信《模板消息运营规范》：模板消息只用于服务通知，不得用于营销"
_CONSUMERS = "《消费者权益保护法》第二十条、《规范促销行为暂行规定》第五条：活动信息应当真实、明确"
_PROMISES = "《规范促销行为暂行规定》第六条：作出优惠承诺的，应当履行"
_ADVERTISING_LAW_43 = "《广告法》第四十三条：以电子信息方式发送广告，应当提供拒绝继续接收的方式"
_TAX = "财政部 税务总局公告2019年第74号：向本单位以外的个人随机赠送的礼品，按偶然所得缴纳个人所得税"
_FOLLOWING_WORDS = re.compile("关注|订阅")
_SHARING = r"(?:分享(?!装)|转发|转给|发朋友圈|发(?:到|至)朋友圈|晒朋友圈)"
_BAITS = re.compile(
    rf"{_SHARING}[^。；\n]{{0,15}}(?:机会|次数|解锁|加速|翻倍|免单|免费|半价|换购?|抵|返现|减免|升级|[有即]礼|有[奖惊])"
    rf"|(?:机会|次数|免单|返现)[^。；\n]{{0,10}}{_SHARING}"
    r"|(?:关注|订阅)[^。；\n]{0,15}(?:免单|免费|半价|解锁|抽奖|立减|返现|有[礼奖惊])"
    r"|求助力|助力解锁|拼人气|(?:点赞|投票)[^。；\n]{0,6}[领得送换赢]"
)
"""What promises something for it in words that the check on saving, which all modules share, lets pass."""
_TEMPLATE_CHANNEL = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFacts:
    """What the lint has to know besides what the campaign says."""

    on: date
    """The business date of the launch."""
    zone: ZoneInfo
    """In which business dates are."""
    coupons: Mapping[int, CouponTerms] = field(default_factory=dict)
    """Terms in force of the coupons given, by template."""
    points_policy: ExpiryPolicy = DEFAULT_POLICY
    """How long points live of which the campaign does not say."""
    levels: int = 1
    """How many levels of commission headquarters has switched on."""


@dataclass(frozen=True, slots=True)
class _Text:
    where: str
    words: str


def lint(terms: Terms, facts: LintFacts) -> Sequence[Finding]:
    """Return what stands against a campaign, what must be fixed first."""
    found = [
        *_induced(terms),
        *_channels(terms),
        *_words(terms, facts),
        *_rules_text(terms),
        *_chance(terms),
        *_expiry(terms, facts),
        *_lapsed(terms, facts),
        *_leaving(terms),
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity is not Severity.MUST_FIX)


def _texts(terms: Terms) -> Iterator[_Text]:
    yield _Text("title", terms.title)
    yield _Text("rules_text", terms.rules_text)
    for place, action in enumerate(terms.actions):
        if isinstance(action, SendMessage):
            yield _Text(f"actions[{place}].title", action.title)
            yield _Text(f"actions[{place}].body", action.body)


def _induced(terms: Terms) -> Iterator[Finding]:
    if isinstance(terms.trigger, OnEvent) and gives_value(terms):
        try:
            check_not_induced([terms.trigger.event])
        except ValueForFollowingOrSharing:
            yield _must(
                "induced_following", _FOLLOWING, "不得奖励关注；关注后可以问候、打标签，不能发积分或券", "trigger"
            )
    for text in _texts(terms):
        bait = _BAITS.search(without_denials(text.words))
        if excerpt := lure_in(text.words) or (bait and bait.group()):
            yield _lure(text.where, excerpt)


def _lure(where: str, excerpt: str) -> Finding:
    if _FOLLOWING_WORDS.search(excerpt):
        return _must("induced_following", _FOLLOWING, "文案以利益诱导关注或订阅，请删除", where, excerpt)
    return _must("induced_sharing", _LINKS, "文案以利益诱导分享、助力或集赞，请删除", where, excerpt)


def _channels(terms: Terms) -> Iterator[Finding]:
    for place, action in enumerate(terms.actions):
        if isinstance(action, SendMessage) and _TEMPLATE_CHANNEL in action.channels:
            words = MARKETING_WORDS.search(f"{action.title}\n{action.body}")
            message = "活动消息是营销内容，不能走模板消息，请改用订阅消息、客服消息或站内消息"
            yield _must(
                "marketing_in_template", _TEMPLATES, message, f"actions[{place}]", words.group() if words else ""
            )


def _words(terms: Terms, facts: LintFacts) -> Iterator[Finding]:
    rules = [*WORD_RULES, *([SECOND_LEVEL] if facts.levels < 2 else [])]
    for text in _texts(terms):
        for rule in rules:
            yield from _of_rule(rule, text)


def _of_rule(rule: WordRule, text: _Text) -> Iterator[Finding]:
    for found in rule.pattern.finditer(text.words):
        yield Finding(rule.code, rule.severity, rule.source, rule.message, text.where, found.group())


def _rules_text(terms: Terms) -> Iterator[Finding]:
    rules = terms.rules_text.strip()
    if not gives_value(terms):
        return
    if not rules:
        yield _must("missing_rules", _CONSUMERS, "发放积分或券的活动必须写明活动规则", "rules_text")
    elif not re.search(r"有效|期限|时间|日|天", rules):
        yield _look("incomplete_rules", _CONSUMERS, "活动规则没有写明时间或有效期", "rules_text")


def _chance(terms: Terms) -> Iterator[Finding]:
    said = "\n".join(text.words for text in _texts(terms))
    chance = CHANCE.search(said)
    if chance is None:
        return
    rules = terms.rules_text
    if not (PUBLISHED_ODDS.search(rules) and PUBLISHED_DRAW.search(rules)):
        message = "有奖活动须在规则中公布奖品数量或中奖概率，以及开奖、兑奖方式"
        yield _must(
            "prize_rules_missing",
            f"{PROMOTIONS}：有奖销售前应当明确公布奖项信息",
            message,
            "rules_text",
            chance.group(),
        )
    for amount in PRIZE_AMOUNT.finditer(said):
        yuan = float(amount[1].replace(",", "")) * (10_000 if amount[2] else 1)
        if yuan > PRIZE_MAX_YUAN:
            message = f"抽奖式有奖销售的最高奖不得超过 {PRIZE_MAX_YUAN:,} 元"
            yield _must("prize_too_high", f"{PROMOTIONS}：最高奖不得超过五万元", message, "rules_text", amount.group())
    yield _look("prize_tax", _TAX, "随机奖品可能须代扣 20% 个人所得税，请与财务确认", "rules_text", chance.group())


def _expiry(terms: Terms, facts: LintFacts) -> Iterator[Finding]:
    for text in _texts(terms):
        shorter = shorter_than_declared(
            text.words, terms, coupons=facts.coupons, points_policy=facts.points_policy, on=facts.on
        )
        for words, lasting in shorter:
            message = f"实际有效期短于文案承诺：{lasting}"
            yield _must("expiry_shorter", _PROMISES, message, text.where, words)


def _lapsed(terms: Terms, facts: LintFacts) -> Iterator[Finding]:
    for place, action in enumerate(terms.actions):
        coupon = facts.coupons.get(action.template_id) if isinstance(action, GiveCoupon) else None
        if coupon is None or not isinstance(coupon.validity, FixedDates):
            continue
        last_on, where = coupon.validity.last_on, f"actions[{place}].template_id"
        if last_on < facts.on:
            message = f"「{coupon.title}」在活动开始前已过期（{last_on:%Y-%m-%d}）"
            yield _must("coupon_lapsed", _PROMISES, message, where)
        elif _gives_after(last_on, terms, facts.zone):
            message = f"「{coupon.title}」在活动结束前就会过期（{last_on:%Y-%m-%d}），之后参加的会员得不到"
            yield _look("coupon_lapses_first", _PROMISES, message, where)


def _gives_after(last_on: date, terms: Terms, zone: ZoneInfo) -> bool:
    if terms.ends_at is None:
        return not isinstance(terms.trigger, Now | At)
    return last_on < last_day_before(terms.ends_at, zone)


def _leaving(terms: Terms) -> Iterator[Finding]:
    for place, action in enumerate(terms.actions):
        if isinstance(action, SendMessage) and not LEAVING_WORDS.search(action.body + terms.rules_text):
            message = "建议写明如何不再接收活动消息；会员随时可以在“消息设置”中退订"
            yield _look("no_way_to_leave", _ADVERTISING_LAW_43, message, f"actions[{place}].body")


def _must(code: str, source: str, message: str, where: str, excerpt: str = "") -> Finding:
    return Finding(code, Severity.MUST_FIX, source, message, where, excerpt)


def _look(code: str, source: str, message: str, where: str, excerpt: str = "") -> Finding:
    return Finding(code, Severity.WARNING, source, message, where, excerpt)
