"""The referral programme as a form and back: what was typed is kept as it is until it stands for a programme."""

from loyalty.referrals.rules.programme import (
    Caps,
    InvalidReferralProgramme,
    OpeningReward,
    Programme,
    Purchase,
    Reward,
)
from portal.console.figures import shown_money
from portal.console.form_fields import Form, FormReader, shown

LABELS = {
    "title": "活动名称",
    "description": "活动规则",
    "share_title": "卡片标题",
    "condition": "达成条件",
    "minimum_amount": "单笔最低实付",
    "within_days": "入会后多少天内",
    "referrer_points": "邀请人积分",
    "referrer_coupon": "邀请人优惠券",
    "referee_points": "好友积分",
    "referee_coupon": "好友优惠券",
    "per_day": "每天最多奖励",
    "per_month": "每月最多奖励",
    "total": "累计最多奖励",
    "opening_points": "每位好友打开的积分",
    "opening_per_day": "每天最多计",
    "opening_total": "累计最多计",
    "attribution_days": "首次打开后有效天数",
    "link_days": "链接有效天数",
    "wait_hours": "发放前等待小时",
}
CONDITION_NAMES = {"enrolment": "成为新会员", "purchase": "成为新会员并消费"}
_CAPS = ("per_day", "per_month", "total")
_SIDES = ("referrer", "referee")


def form_of(programme: Programme) -> dict[str, list[str]]:
    """Return a programme as the form shows it."""
    bought, opening = programme.purchase, programme.opening
    form = {name: [shown(getattr(programme.caps, name))] for name in _CAPS}
    for side in _SIDES:
        reward: Reward = getattr(programme, side)
        form |= {f"{side}_points": [shown(reward.points or None)]}
        form |= {f"{side}_coupon": [shown(reward.coupon_template_id)]}
    return form | {
        "title": [programme.title],
        "description": [programme.description],
        "share_title": [programme.share_title],
        "condition": ["enrolment" if bought is None else "purchase"],
        "minimum_amount": ["" if bought is None else shown_money(bought.minimum_fen)],
        "within_days": ["" if bought is None else shown(bought.within_days)],
        "pays_for_opening": ["yes"] if opening else [],
        "opening_points": [shown(opening.points if opening else None)],
        "opening_per_day": [shown(opening.per_day if opening else None)],
        "opening_total": [shown(opening.total if opening else None)],
        "attribution_days": [shown(programme.attribution_days)],
        "link_days": [shown(programme.link_days)],
        "wait_hours": [shown(programme.wait_hours)],
        "is_open": ["yes"] if programme.is_open else [],
    }


def programme_of(form: Form) -> Programme:
    """Return the programme that a form stands for; whether it makes sense is not seen here.

    Raises:
        InvalidReferralProgramme: with every field that cannot be read, and why.
    """
    reader = FormReader(form, LABELS)
    programme = Programme(
        title=reader.text("title"),
        description=reader.text("description"),
        share_title=reader.text("share_title"),
        referrer=_reward(reader, "referrer"),
        referee=_reward(reader, "referee"),
        purchase=_purchase(reader),
        caps=Caps(**{name: reader.whole(name) for name in _CAPS}),
        opening=_opening(reader),
        attribution_days=reader.whole("attribution_days") or 0,
        link_days=reader.whole("link_days") or 0,
        wait_hours=reader.whole("wait_hours") or 0,
        is_open=reader.text("is_open") == "yes",
    )
    if reader.problems:
        raise InvalidReferralProgramme(reader.problems)
    return programme


def _reward(reader: FormReader, side: str) -> Reward:
    return Reward(reader.whole(f"{side}_points") or 0, reader.whole(f"{side}_coupon"))


def _purchase(reader: FormReader) -> Purchase | None:
    if reader.option("condition", CONDITION_NAMES) != "purchase":
        return None
    least, days = reader.money("minimum_amount"), reader.whole("within_days")
    return Purchase(minimum_fen=least or 0, within_days=days or 0)


def _opening(reader: FormReader) -> OpeningReward | None:
    if reader.text("pays_for_opening") != "yes":
        return None
    return OpeningReward(
        points=reader.whole("opening_points") or 0,
        per_day=reader.whole("opening_per_day") or 0,
        total=reader.whole("opening_total"),
    )
