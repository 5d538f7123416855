"""Submitting and deciding: what costs little is in force at once, anything else by another person; rules are kept."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.approvals.queries import list_waiting
from loyalty.approvals.rules import ApprovalByMaker, ApprovalKind
from loyalty.campaigns.rules.errors import (
    CampaignCostsMore,
    CampaignNotCompliant,
    CampaignNotWaiting,
    CampaignWaiting,
    InvalidCampaign,
    NoCampaignDraft,
)
from loyalty.campaigns.rules.reckoning import costs_more
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.rules.terms import At, CampaignState, Caps, GiveCoupon, Visit
from loyalty.campaigns.service.drafting import discard_draft
from loyalty.campaigns.service.life import submit
from loyalty.campaigns.service.settings import save_settings
from loyalty.coupons.rules.terms import DaysFromIssue
from loyalty.coupons.service import templates
from loyalty.kernel.audit import Actor
from tests.campaigns.acts import AT, DAY, OPEN, actions, save, state, view
from tests.factories.campaigns import (
    CHECKER,
    MAKER,
    SHANGHAI,
    campaign_of,
    draft_campaign,
    make_campaign,
    rule_on,
    submit_campaign,
    tagged_members,
)
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.tags import put_tag
from tests.support.settings import VAULT


class TestSubmitting:
    def test_what_costs_little_is_in_force_at_once(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT)

        submit_campaign(session, campaign_id, at=AT)

        found = view(session, campaign_id)
        assert (found.state, found.draft, found.started_at) == (CampaignState.RUNNING, None, AT)
        assert found.revision is not None
        assert (found.revision.published_by, found.revision.published_at) == (MAKER.name, AT)
        assert found.revision.forecast is not None
        assert found.revision.forecast["most_fen"] == 0
        assert actions(session, campaign_id)[1:] == ["campaigns.submit", "campaigns.publish"]

    def test_what_may_cost_more_waits_for_another_person(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT, **OPEN)

        submit_campaign(session, campaign_id, at=AT)

        assert state(session, campaign_id) is CampaignState.WAITING
        waiting = [one.subject for one in list_waiting(session, kind=ApprovalKind.CAMPAIGN)]
        assert f"campaign:{campaign_id}" in waiting
        with pytest.raises(ApprovalByMaker):
            rule_on(session, campaign_id, actor=MAKER, at=AT)
        assert rule_on(session, campaign_id, at=AT) is CampaignState.RUNNING
        assert view(session, campaign_id).revision is not None

    def test_neither_who_wrote_it_nor_who_submitted_it_decides(self, session: Session) -> None:
        campaign_id, submitter = draft_campaign(session, at=AT, **OPEN), Actor("staff:9")
        submit(session, campaign_id=campaign_id, actor=submitter, vault=VAULT, zone=SHANGHAI, at=AT)

        for actor in (MAKER, submitter):
            with pytest.raises(ApprovalByMaker):
                rule_on(session, campaign_id, actor=actor, at=AT)

    @pytest.mark.parametrize(
        ("above_fen", "expected"), [(99_999, CampaignState.WAITING), (100_000, CampaignState.RUNNING)]
    )
    def test_the_threshold_is_the_one_of_the_settings(
        self, session: Session, above_fen: int, expected: CampaignState
    ) -> None:
        settings = CampaignSettings(approval_above_fen=above_fen, points_per_yuan=100)
        save_settings(session, settings=settings, actor=CHECKER, at=AT)
        campaign_id = draft_campaign(session, at=AT, trigger=Visit(), caps=Caps(points=100_000))

        submit_campaign(session, campaign_id, at=AT)

        assert state(session, campaign_id) is expected

    def test_what_waits_changes_only_after_it_was_sent_back(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT, **OPEN)
        submit_campaign(session, campaign_id, at=AT)
        refused: list[Callable[[], object]] = [
            lambda: save(session, campaign_id, campaign_of(**OPEN)),
            lambda: submit_campaign(session, campaign_id, at=AT),
            lambda: discard_draft(session, campaign_id=campaign_id, actor=MAKER, at=AT),
        ]
        for act in refused:
            with pytest.raises(CampaignWaiting):
                act()

        assert rule_on(session, campaign_id, is_approved=False, at=AT) is CampaignState.DRAFT
        save(session, campaign_id, campaign_of(**OPEN))
        submit_campaign(session, campaign_id, at=AT)
        assert state(session, campaign_id) is CampaignState.WAITING

    def test_what_breaks_a_rule_is_not_launched(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT, rules_text="")

        with pytest.raises(CampaignNotCompliant) as refused:
            submit_campaign(session, campaign_id, at=AT)

        assert [finding.code for finding in refused.value.findings] == ["missing_rules"]
        assert state(session, campaign_id) is CampaignState.DRAFT

    @pytest.mark.parametrize("changes", [{"trigger": At(AT)}, {"trigger": Visit(), "ends_at": AT}])
    def test_what_should_have_begun_or_is_over_is_not_launched(self, session: Session, changes: dict[str, Any]) -> None:
        campaign_id = draft_campaign(session, at=AT - DAY, **changes)

        with pytest.raises(InvalidCampaign):
            submit_campaign(session, campaign_id, at=AT)

    def test_an_approval_that_comes_too_late_can_only_be_a_refusal(self, session: Session) -> None:
        campaign_id = draft_campaign(session, at=AT - DAY, trigger=At(AT))
        submit_campaign(session, campaign_id, at=AT - DAY)

        with pytest.raises(InvalidCampaign), session.begin_nested():
            rule_on(session, campaign_id, at=AT)
        assert rule_on(session, campaign_id, is_approved=False, at=AT) is CampaignState.DRAFT

    def test_what_breaks_a_rule_by_the_time_of_the_approval_is_not_launched_either(self, session: Session) -> None:
        template_id = make_template(session, terms_of(validity=DaysFromIssue(30)))
        given: dict[str, Any] = {"actions": (GiveCoupon(template_id),), "rules_text": "每人一张券，券有效期 30 天。"}
        campaign_id = draft_campaign(session, campaign_of(**OPEN, **given), at=AT)
        submit_campaign(session, campaign_id, at=AT)
        shorter = terms_of(validity=DaysFromIssue(7))
        templates.save_draft(session, template_id=template_id, terms=shorter, actor=MAKER, at=AT)
        templates.publish(session, template_id=template_id, actor=MAKER, at=AT)

        with pytest.raises(CampaignNotCompliant), session.begin_nested():
            rule_on(session, campaign_id, at=AT)
        assert rule_on(session, campaign_id, is_approved=False, at=AT) is CampaignState.DRAFT

    @pytest.mark.parametrize("grown", ["audience", "worth"])
    def test_whoever_has_read_of_less_than_it_costs_by_now_reads_again(self, session: Session, grown: str) -> None:
        campaign_id, tag_id = waiting_of_two(session, CampaignSettings(approval_above_fen=0))
        if grown == "audience":
            put_tag(session, tag_id, make_member(session).id)
        else:
            dearer = CampaignSettings(approval_above_fen=0, points_per_yuan=50)
            save_settings(session, settings=dearer, actor=CHECKER, at=AT)
        now_fen = 30 if grown == "audience" else 40

        with pytest.raises(CampaignCostsMore) as refused, session.begin_nested():
            rule_on(session, campaign_id, seen_fen=20, at=AT)

        assert refused.value.details == {"most_fen": now_fen}
        assert state(session, campaign_id) is CampaignState.WAITING
        assert rule_on(session, campaign_id, seen_fen=now_fen, at=AT) is CampaignState.RUNNING
        published = view(session, campaign_id).revision
        assert published is not None
        assert (published.forecast or {})["most_fen"] == now_fen

    def test_what_has_grown_by_what_nobody_need_approve_is_approved(self, session: Session) -> None:
        campaign_id, tag_id = waiting_of_two(session, CampaignSettings(approval_above_fen=10))
        put_tag(session, tag_id, make_member(session).id)

        assert rule_on(session, campaign_id, seen_fen=20, at=AT) is CampaignState.RUNNING

    def test_there_must_be_something_to_submit_and_to_decide_on(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT)

        with pytest.raises(NoCampaignDraft):
            submit_campaign(session, campaign_id, at=AT)
        with pytest.raises(CampaignNotWaiting):
            rule_on(session, campaign_id, at=AT)


def waiting_of_two(session: Session, settings: CampaignSettings) -> tuple[int, int]:
    """A campaign for the members with a tag, two by now, that waits and costs 20 fen at most."""
    save_settings(session, settings=settings, actor=CHECKER, at=AT)
    _, tag_id = tagged_members(session, 2)
    campaign_id = draft_campaign(session, campaign_of(tag_id), at=AT)
    submit_campaign(session, campaign_id, at=AT)
    return campaign_id, tag_id


@pytest.mark.parametrize(
    ("most_fen", "seen_fen", "expected"),
    [(30, 20, False), (31, 20, True), (None, 20, True), (None, None, False), (9, None, False), (9, 20, False)],
)
def test_it_costs_more_by_more_than_the_leeway_or_without_a_bound(
    most_fen: int | None, seen_fen: int | None, expected: bool
) -> None:
    assert costs_more(most_fen, seen_fen=seen_fen, leeway_fen=10) is expected
