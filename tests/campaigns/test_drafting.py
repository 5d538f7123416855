"""Drafts of campaigns: kept as they were written, replaced as a whole, thrown away, and listed."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignRevision
from loyalty.campaigns.queries.campaigns import list_campaigns
from loyalty.campaigns.rules.entries import EntranceKind
from loyalty.campaigns.rules.errors import CampaignHasEntrances, CampaignNotFound, InvalidCampaign
from loyalty.campaigns.rules.terms import CampaignState, Caps, GiveCoupon, GivePoints, PutTag
from loyalty.campaigns.service.drafting import discard_draft
from loyalty.campaigns.service.entrances import make_entrances
from loyalty.coupons.rules.terms import Gift
from loyalty.coupons.service import templates
from tests.campaigns.acts import AT, OPEN, actions, save, view
from tests.factories.campaigns import MAKER, campaign_of, draft_campaign, make_campaign, submit_campaign
from tests.factories.coupons import make_template, terms_of
from tests.factories.tags import make_tag


class TestADraft:
    def test_is_kept_as_it_was_written_and_replaced_as_a_whole(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT)
        terms = campaign_of(title="改过的活动", holdout_percent=5)

        save(session, campaign_id, terms)

        found = view(session, campaign_id)
        assert (found.state, found.title, found.revision) == (CampaignState.DRAFT, "改过的活动", None)
        assert found.draft is not None
        assert (found.draft.number, found.draft.terms, found.draft.forecast) == (1, terms, None)
        assert actions(session, campaign_id) == ["campaigns.save_draft", "campaigns.save_draft"]

    def test_that_is_discarded_takes_a_campaign_along_that_was_never_in_force(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT)

        discard_draft(session, campaign_id=campaign_id, actor=MAKER, at=AT)

        with pytest.raises(CampaignNotFound):
            view(session, campaign_id)

    def test_with_codes_that_may_be_printed_is_not_discarded(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT, **OPEN)
        make_entrances(session, campaign_id=campaign_id, kind=EntranceKind.LINK, actor=MAKER, at=AT)

        with pytest.raises(CampaignHasEntrances), session.begin_nested():
            discard_draft(session, campaign_id=campaign_id, actor=MAKER, at=AT)

        assert view(session, campaign_id).draft is not None

    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"actions": (GiveCoupon(2**60),)}, "actions[0].template_id"),
            ({"actions": (PutTag(2**60),)}, "actions[0].tag_id"),
            ({"store_ids": frozenset({2**60})}, "store_ids"),
            ({"segment_id": 2**60}, "segment_id"),
            ({"caps": Caps(fen=9)}, "caps.fen"),
        ],
    )
    def test_names_only_what_is_there_and_a_budget_that_suffices_once(
        self, session: Session, changes: dict[str, Any], place: str
    ) -> None:
        with pytest.raises(InvalidCampaign) as refused:
            draft_campaign(session, at=AT, **changes)

        assert [problem.field for problem in refused.value.problems] == [place]

    def test_cannot_have_a_budget_in_money_for_a_coupon_of_which_nobody_knows_the_worth(self, session: Session) -> None:
        gift = make_template(session, terms_of(worth=Gift("马克杯"), threshold_fen=0))

        with pytest.raises(InvalidCampaign) as refused:
            draft_campaign(session, at=AT, actions=(GiveCoupon(gift),), caps=Caps(fen=100_000))

        assert [problem.field for problem in refused.value.problems] == ["caps.fen"]

    def test_with_a_coupon_that_was_stopped_since_cannot_be_submitted(self, session: Session) -> None:
        template_id = make_template(session)
        campaign_id = draft_campaign(session, at=AT, actions=(GiveCoupon(template_id), PutTag(make_tag(session))))
        templates.stop(session, template_id=template_id, actor=MAKER, at=AT)

        with pytest.raises(InvalidCampaign):
            submit_campaign(session, campaign_id, at=AT)


def test_the_list_is_narrowed_by_state_and_by_a_part_of_the_title(session: Session) -> None:
    running = make_campaign(session, at=AT, title="周年庆·一")
    draft = draft_campaign(session, at=AT, title="周年庆·二")

    found = list_campaigns(session, text="周年庆")
    assert [one.id for one in found.items] == [draft, running]
    only = list_campaigns(session, text="周年庆", states=[CampaignState.RUNNING])
    assert [one.id for one in only.items] == [running]
    first = list_campaigns(session, text="周年庆", limit=1)
    rest = list_campaigns(session, text="周年庆", limit=1, cursor=first.next_cursor)
    assert [first.items[0].id, rest.items[0].id] == [draft, running]


def test_a_gift_of_points_reads_as_given(session: Session) -> None:
    campaign_id = draft_campaign(session, at=AT, actions=(GivePoints(7, 3),))
    stored = session.scalars(select(CampaignRevision.terms).where(CampaignRevision.campaign_id == campaign_id)).one()

    assert stored["actions"] == [{"kind": "points", "points": 7, "valid_days": 3}]
