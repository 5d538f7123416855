"""Ways into a campaign (入口): which there may be, and what is told to whoever comes through one."""

from collections.abc import Mapping

from loyalty.campaigns.rules.terms import GiveCoupon, GivePoints, Terms
from loyalty.kernel.errors import NotFound

PATH = "/h5/campaigns/"
"""Where the page of an entrance stands; what follows is its token."""


class CampaignEntranceNotFound(NotFound):
    """No campaign that was ever published has this entrance."""

    code = "campaign_entrance_not_found"
    message = "没有找到这个活动，请核对链接或二维码"


def gains(terms: Terms, titles: Mapping[int, str]) -> list[str]:
    """Say what whoever takes part is given, in the order in which it is given; tags and messages are no gain."""
    said = []
    for action in terms.actions:
        match action:
            case GivePoints(points=points, valid_days=None):
                said.append(f"{points} 积分")
            case GivePoints(points=points, valid_days=days):
                said.append(f"{points} 积分（{days} 天内有效）")
            case GiveCoupon(template_id=template_id):
                said.append(f"优惠券：{titles.get(template_id, '优惠券')}")
    return said


def given(points: int, coupons: int) -> str:
    """Say what a member was given by taking part; whoever is held out, or gets a greeting, is thanked."""
    parts = [f"{points} 积分"] if points else []
    parts += [f"{coupons} 张优惠券"] if coupons else []
    return f"参加成功，已获得 {'和 '.join(parts)}" if parts else "感谢参加，本次没有奖励，敬请期待下次活动"
