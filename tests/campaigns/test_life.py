"""The life of a campaign: drafted, submitted, approved by another person, revised, paused, ended; every act audited."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from loyalty.approvals.queries import list_waiting
from loyalty.approvals.rules import ApprovalByMaker, ApprovalKind
from loyalty.campaigns.models import CampaignRevision
from loyalty.campaigns.queries.campaigns import CampaignView, get_campaign, list_campaigns, list_revisions
from loyalty.campaigns.queries.settings import current_settings, points_per_yuan
from loyalty.campaigns.rules.entries import EntranceKind
from loyalty.campaigns.rules.errors import (
    CampaignHasEntrances,
    CampaignNotCompliant,
    CampaignNotFound,
    CampaignNotInState,
    CampaignNotWaiting,
    CampaignWaiting,
    InvalidCampaign,
    InvalidCampaignSettings,
    NoCampaignDraft,
)
from loyalty.campaigns.rules.limiting import totals_of
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.rules.terms import (
    At,
    CampaignState,
    Caps,
    GiveCoupon,
    GivePoints,
    PutTag,
    Sleeping,
    Terms,
    Visit,
)
from loyalty.campaigns.service.drafting import discard_draft, save_draft
from loyalty.campaigns.service.entrances import make_entrances
from loyalty.campaigns.service.life import begin, close_undone, decide, end, pause, resume, submit
from loyalty.campaigns.service.settings import save_settings
from loyalty.checkout.rules import CheckoutPolicy
from loyalty.checkout.service.policies import save_policy
from loyalty.coupons.rules.terms import DaysFromIssue, Gift
from loyalty.coupons.service import templates
from loyalty.kernel.audit import Actor, list_entries
from loyalty.limits.service import reserve
from tests.factories.campaigns import (
    CHECKER,
    MAKER,
    SHANGHAI,
    campaign_of,
    draft_campaign,
    launch,
    make_campaign,
    submit_campaign,
)
from tests.factories.coupons import make_template, terms_of
from tests.factories.tags import make_tag
from tests.support.settings import VAULT

AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)
OPEN: dict[str, Any] = {"trigger": Visit()}
"""Costs without bound, so that somebody else has to approve it."""


def view(session: Session, campaign_id: int) -> CampaignView:
    session.flush()
    return get_campaign(session, campaign_id=campaign_id)


def state(session: Session, campaign_id: int) -> CampaignState:
    return view(session, campaign_id).state


def save(session: Session, campaign_id: int, terms: Terms, at: datetime = AT) -> None:
    save_draft(session, campaign_id=campaign_id, terms=terms, actor=MAKER, zone=SHANGHAI, at=at)


def rule(session: Session, campaign_id: int, *, is_approved: bool = True, actor: Actor = CHECKER) -> CampaignState:
    return decide(session, campaign_id=campaign_id, is_approved=is_approved, actor=actor, zone=SHANGHAI, at=AT)


def actions(session: Session, campaign_id: int) -> list[str]:
    return [entry.action for entry in reversed(list_entries(session, subject=f"campaign:{campaign_id}"))]


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
            rule(session, campaign_id, actor=MAKER)
        assert rule(session, campaign_id) is CampaignState.RUNNING
        assert view(session, campaign_id).revision is not None

    def test_neither_who_wrote_it_nor_who_submitted_it_decides(self, session: Session) -> None:
        campaign_id, submitter = draft_campaign(session, at=AT, **OPEN), Actor("staff:9")
        submit(session, campaign_id=campaign_id, actor=submitter, vault=VAULT, zone=SHANGHAI, at=AT)

        for actor in (MAKER, submitter):
            with pytest.raises(ApprovalByMaker):
                rule(session, campaign_id, actor=actor)

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

        assert rule(session, campaign_id, is_approved=False) is CampaignState.DRAFT
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
            rule(session, campaign_id)
        assert rule(session, campaign_id, is_approved=False) is CampaignState.DRAFT

    def test_what_breaks_a_rule_by_the_time_of_the_approval_is_not_launched_either(self, session: Session) -> None:
        template_id = make_template(session, terms_of(validity=DaysFromIssue(30)))
        given: dict[str, Any] = {"actions": (GiveCoupon(template_id),), "rules_text": "每人一张券，券有效期 30 天。"}
        campaign_id = draft_campaign(session, campaign_of(**OPEN, **given), at=AT)
        submit_campaign(session, campaign_id, at=AT)
        shorter = terms_of(validity=DaysFromIssue(7))
        templates.save_draft(session, template_id=template_id, terms=shorter, actor=MAKER, at=AT)
        templates.publish(session, template_id=template_id, actor=MAKER, at=AT)

        with pytest.raises(CampaignNotCompliant), session.begin_nested():
            rule(session, campaign_id)
        assert rule(session, campaign_id, is_approved=False) is CampaignState.DRAFT

    def test_there_must_be_something_to_submit_and_to_decide_on(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT)

        with pytest.raises(NoCampaignDraft):
            submit_campaign(session, campaign_id, at=AT)
        with pytest.raises(CampaignNotWaiting):
            rule(session, campaign_id)


class TestARevision:
    def test_is_in_force_only_once_it_is_published_and_what_was_stays_readable(self, session: Session) -> None:
        first = campaign_of(title="第一版", trigger=Sleeping(30))
        campaign_id = make_campaign(session, first, at=AT)
        second = campaign_of(title="第二版", trigger=Sleeping(60))

        save(session, campaign_id, second)
        assert (view(session, campaign_id).terms, view(session, campaign_id).title) == (first, "第一版")
        launch(session, campaign_id, at=AT)

        found = view(session, campaign_id)
        assert (found.terms, found.title, found.state) == (second, "第二版", CampaignState.RUNNING)
        assert [(one.number, one.terms) for one in list_revisions(session, campaign_id=campaign_id)] == [
            (2, second),
            (1, first),
        ]

    def test_that_waits_leaves_the_campaign_running(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, **OPEN)
        save(session, campaign_id, campaign_of(**OPEN))

        submit_campaign(session, campaign_id, at=AT)

        found = view(session, campaign_id)
        assert (found.state, found.is_waiting) == (CampaignState.RUNNING, True)
        assert rule(session, campaign_id, is_approved=False) is CampaignState.RUNNING
        assert not view(session, campaign_id).is_waiting

    def test_never_changes_what_a_published_one_says(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT)
        change = update(CampaignRevision).where(CampaignRevision.campaign_id == campaign_id).values(terms={})

        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(change)

    def test_has_no_cap_below_what_was_given_already(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, **OPEN)
        for name, used in (("points_total", 500), ("members_total", 50)):
            reserve(session, limits=[totals_of(Caps(), campaign_id=campaign_id)[name]], amount=used)

        with pytest.raises(InvalidCampaign) as refused:
            save(session, campaign_id, campaign_of(**OPEN, caps=Caps(points=499, members=49, fen=1_000)))
        save(session, campaign_id, campaign_of(**OPEN, caps=Caps(points=500, members=50)))

        assert [problem.field for problem in refused.value.problems] == ["caps.points", "caps.members"]

    def test_of_another_kind_of_trigger_is_another_campaign(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, trigger=Sleeping(30))

        with pytest.raises(InvalidCampaign):
            save(session, campaign_id, campaign_of(**OPEN))


class TestGoingOn:
    def test_a_campaign_for_later_is_scheduled_and_begins_once(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, trigger=At(AT + DAY))

        assert (state(session, campaign_id), view(session, campaign_id).started_at) == (CampaignState.SCHEDULED, None)
        assert begin(session, campaign_id=campaign_id, at=AT + DAY)
        assert not begin(session, campaign_id=campaign_id, at=AT + DAY)
        assert (state(session, campaign_id), view(session, campaign_id).started_at) == (CampaignState.RUNNING, AT + DAY)

    @pytest.mark.parametrize(("later", "expected"), [(0, CampaignState.SCHEDULED), (2, CampaignState.RUNNING)])
    def test_a_pause_before_the_beginning_ends_as_the_time_says(
        self, session: Session, later: int, expected: CampaignState
    ) -> None:
        campaign_id = make_campaign(session, at=AT, trigger=At(AT + DAY))
        pause(session, campaign_id=campaign_id, actor=MAKER, at=AT)

        assert resume(session, campaign_id=campaign_id, actor=MAKER, at=AT + later * DAY) is expected
        started_at = view(session, campaign_id).started_at
        assert started_at == (AT + 2 * DAY if expected is CampaignState.RUNNING else None)

    def test_a_pause_and_its_end_leave_the_beginning_as_it_was(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT)

        pause(session, campaign_id=campaign_id, actor=MAKER, at=AT + DAY)
        assert state(session, campaign_id) is CampaignState.PAUSED
        resume(session, campaign_id=campaign_id, actor=MAKER, at=AT + 2 * DAY)

        assert (state(session, campaign_id), view(session, campaign_id).started_at) == (CampaignState.RUNNING, AT)
        assert actions(session, campaign_id)[-2:] == ["campaigns.pause", "campaigns.resume"]

    def test_a_revision_of_a_campaign_that_has_begun_cannot_let_it_begin_later(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, trigger=Sleeping(30))
        save(session, campaign_id, campaign_of(trigger=Sleeping(30), starts_at=AT + DAY))

        with pytest.raises(InvalidCampaign) as refused:
            submit_campaign(session, campaign_id, at=AT)

        assert [one.field for one in refused.value.problems] == ["starts_at"]

    def test_a_revision_of_a_paused_campaign_leaves_it_paused(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, trigger=At(AT + DAY))
        pause(session, campaign_id=campaign_id, actor=MAKER, at=AT)
        save(session, campaign_id, campaign_of(trigger=At(AT + 2 * DAY)))

        launch(session, campaign_id, at=AT)

        assert state(session, campaign_id) is CampaignState.PAUSED

    def test_the_end_is_the_end(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, **OPEN)
        save(session, campaign_id, campaign_of(**OPEN))
        end(session, campaign_id=campaign_id, actor=MAKER, at=AT + DAY)

        found = view(session, campaign_id)
        assert (found.state, found.ended_at, found.draft) == (CampaignState.ENDED, AT + DAY, None)
        acts: list[Callable[[], object]] = [
            lambda: save(session, campaign_id, campaign_of(**OPEN)),
            lambda: pause(session, campaign_id=campaign_id, actor=MAKER, at=AT),
            lambda: resume(session, campaign_id=campaign_id, actor=MAKER, at=AT),
            lambda: end(session, campaign_id=campaign_id, actor=MAKER, at=AT),
        ]
        for act in acts:
            with pytest.raises(CampaignNotInState):
                act()
        close_undone(session, campaign_id=campaign_id)
        assert state(session, campaign_id) is CampaignState.UNDONE

    def test_a_revision_that_waits_when_its_campaign_ends_can_only_be_refused(self, session: Session) -> None:
        campaign_id = make_campaign(session, at=AT, **OPEN)
        save(session, campaign_id, campaign_of(**OPEN))
        submit_campaign(session, campaign_id, at=AT)
        end(session, campaign_id=campaign_id, actor=MAKER, at=AT)

        with pytest.raises(CampaignNotInState), session.begin_nested():
            rule(session, campaign_id)
        assert rule(session, campaign_id, is_approved=False) is CampaignState.ENDED

    @pytest.mark.parametrize("act", [pause, resume, end])
    def test_a_draft_neither_pauses_nor_ends(self, session: Session, act: Callable[..., object]) -> None:
        campaign_id = draft_campaign(session, at=AT)

        with pytest.raises(CampaignNotInState):
            act(session, campaign_id=campaign_id, actor=MAKER, at=AT)

    @pytest.mark.parametrize("act", [pause, resume, end])
    def test_what_is_not_there_is_said_not_to_be(self, session: Session, act: Callable[..., object]) -> None:
        with pytest.raises(CampaignNotFound):
            act(session, campaign_id=2**60, actor=MAKER, at=AT)


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
