"""The settings of campaigns: dated, sensible, and what a point is worth by them."""

import pytest
from sqlalchemy.orm import Session

from loyalty.campaigns.queries.settings import current_settings, points_per_yuan
from loyalty.campaigns.rules.errors import InvalidCampaignSettings
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.service.settings import save_settings
from loyalty.checkout.rules import CheckoutPolicy
from loyalty.checkout.service.policies import save_policy
from loyalty.kernel.audit import list_entries
from tests.campaigns.acts import AT
from tests.factories.campaigns import CHECKER


class TestTheSettings:
    def test_are_dated_and_the_last_hold(self, session: Session) -> None:
        assert current_settings(session) == CampaignSettings()

        save_settings(session, settings=CampaignSettings(points_per_yuan=50), actor=CHECKER, at=AT)
        save_settings(session, settings=CampaignSettings(points_per_yuan=40), actor=CHECKER, at=AT)

        assert current_settings(session).points_per_yuan == points_per_yuan(session) == 40
        (entry, *_) = list_entries(session, subject="campaign_settings")
        assert (entry.before or {})["points_per_yuan"] == 50

    def test_give_way_to_the_rate_at_the_till(self, session: Session) -> None:
        save_policy(
            session, policy=CheckoutPolicy(is_accepting_points=True, points_per_yuan=200, points_step=200),
            actor=CHECKER, at=AT,
        )  # fmt: skip

        assert points_per_yuan(session) == 200

    @pytest.mark.parametrize("changes", [{"approval_above_fen": -1}, {"points_per_yuan": 0}])
    def test_make_sense(self, session: Session, changes: dict[str, int]) -> None:
        with pytest.raises(InvalidCampaignSettings):
            save_settings(session, settings=CampaignSettings(**changes), actor=CHECKER, at=AT)
