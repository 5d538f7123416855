"""Settings of campaigns (活动参数): from what cost on a second person approves, and what a point is worth."""

from dataclasses import dataclass

from loyalty.campaigns.rules.errors import InvalidCampaignSettings

APPROVAL_FEN_MAX = 10_000_000_000
POINTS_PER_YUAN_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """What headquarters sets for all campaigns."""

    approval_above_fen: int = 1_000_00
    """A campaign that may cost more than this is approved by a second person."""
    points_per_yuan: int = 100
    """How many points are worth one yuan, while points do not pay at the till; else they go by that rate."""


def check_settings(settings: CampaignSettings) -> None:
    """Refuse figures that nobody could go by.

    Raises:
        InvalidCampaignSettings: with the field and the reason.
    """
    if not 0 <= settings.approval_above_fen <= APPROVAL_FEN_MAX:
        raise InvalidCampaignSettings(field="approval_above_fen", reason="复核金额须为 0 元至 1 亿元")
    if not 1 <= settings.points_per_yuan <= POINTS_PER_YUAN_MAX:
        raise InvalidCampaignSettings(field="points_per_yuan", reason="每元积分数须为 1–1,000,000")
