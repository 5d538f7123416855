"""Taking part (参与活动): why a member who comes to a campaign gets nothing of it."""

from loyalty.kernel.errors import Conflict, LimitReached, NotAllowed


class CampaignNotYet(Conflict):
    """It has not begun."""

    code = "campaign_not_yet"
    message = "活动还没有开始"


class CampaignPaused(Conflict):
    """It gives nothing for the time being."""

    code = "campaign_paused"
    message = "活动暂停中，请稍后再来"


class CampaignOver(Conflict):
    """It gives nothing any more."""

    code = "campaign_over"
    message = "活动已结束"


class CampaignNotByVisit(Conflict):
    """It comes to its members by itself; nobody takes part by an entrance."""

    code = "campaign_not_by_visit"
    message = "该活动无需领取，符合条件会自动发放"


class CampaignNotForMember(NotAllowed):
    """The member is not among those it is meant for."""

    code = "campaign_not_for_member"
    message = "您暂不符合活动的参与条件"


class CampaignTakenAlready(Conflict):
    """The member has taken part today, or as often as one may."""

    code = "campaign_taken_already"
    message = "您已参加过该活动"


class CampaignCouponHeld(Conflict):
    """The member has as many of its coupon as one may have."""

    code = "campaign_coupon_held"
    message = "您已领过活动中的优惠券，达到每人上限"


class CampaignUsedUp(LimitReached):
    """Nothing is left of what it gives; the details name the limit."""

    code = "campaign_used_up"
    message = "活动名额或礼品已发完"
