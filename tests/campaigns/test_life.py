"""The life of a campaign in force: revised, scheduled, begun, paused, ended; every act audited."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignRevision
from loyalty.campaigns.queries.campaigns import list_revisions
from loyalty.campaigns.rules.errors import CampaignNotFound, CampaignNotInState, InvalidCampaign
from loyalty.campaigns.rules.limiting import totals_of
from loyalty.campaigns.rules.terms import At, CampaignState, Caps, Sleeping
from loyalty.campaigns.service.life import begin, close_undone, end, pause, resume
from loyalty.limits.service import reserve
from tests.campaigns.acts import AT, DAY, OPEN, actions, save, state, view
from tests.factories.campaigns import (
    MAKER,
    campaign_of,
    draft_campaign,
    launch,
    make_campaign,
    rule_on,
    submit_campaign,
)


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
        assert rule_on(session, campaign_id, is_approved=False, at=AT) is CampaignState.RUNNING
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
            rule_on(session, campaign_id, at=AT)
        assert rule_on(session, campaign_id, is_approved=False, at=AT) is CampaignState.ENDED

    @pytest.mark.parametrize("act", [pause, resume, end])
    def test_a_draft_neither_pauses_nor_ends(self, session: Session, act: Callable[..., object]) -> None:
        campaign_id = draft_campaign(session, at=AT)

        with pytest.raises(CampaignNotInState):
            act(session, campaign_id=campaign_id, actor=MAKER, at=AT)

    @pytest.mark.parametrize("act", [pause, resume, end])
    def test_what_is_not_there_is_said_not_to_be(self, session: Session, act: Callable[..., object]) -> None:
        with pytest.raises(CampaignNotFound):
            act(session, campaign_id=2**60, actor=MAKER, at=AT)
