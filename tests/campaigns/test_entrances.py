"""Ways into a campaign: each is made once, leads where it says, and counts who comes through."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignVisit
from loyalty.campaigns.queries.entrances import EntranceListed, find_entrance, get_entrance, list_entrances
from loyalty.campaigns.queries.offers import see_offer
from loyalty.campaigns.rules.entering import CampaignEntranceNotFound
from loyalty.campaigns.rules.entries import EntranceKind, EntryState
from loyalty.campaigns.rules.errors import CampaignNotInState
from loyalty.campaigns.rules.taking_part import CampaignNotByVisit
from loyalty.campaigns.rules.terms import Now
from loyalty.campaigns.service.entrances import make_entrances, note_visit
from loyalty.kernel.audit import Actor, AuditEntry
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.privacy.service import ask_to_close, erase_due
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.campaign_results import RunningCampaign
from tests.factories.coupons import make_template
from tests.factories.members import make_identity, make_member
from tests.factories.stores import make_region, make_store

ACTOR = Actor("staff:1")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def template_id(session: Session) -> int:
    return make_template(session)


def listed(session: Session, campaign: RunningCampaign, scope: StoreScope = EVERYTHING) -> list[EntranceListed]:
    return list(list_entrances(session, campaign_id=campaign.id, scope=scope).items)


def make(session: Session, campaign: RunningCampaign, kind: EntranceKind) -> int:
    return make_entrances(session, campaign_id=campaign.id, kind=kind, actor=ACTOR, at=campaign.at)


class TestMaking:
    def test_each_store_of_the_campaign_has_one_code_however_often_it_is_asked_for(
        self, session: Session, template_id: int
    ) -> None:
        region = make_region(session)
        inside, closed, single, outside = (make_store(session, parent=one) for one in (region, region, None, None))
        closed.is_open = False
        campaign = RunningCampaign(session, template_id, store_ids=frozenset({region.id, single.id}))

        made = [make(session, campaign, EntranceKind.QR) for _ in range(2)]

        entrances = [one.entrance for one in listed(session, campaign)]
        assert made == [2, 0]
        assert {one.store_id for one in entrances} == {inside.id, single.id}
        assert outside.id not in {one.store_id for one in entrances}
        assert len({one.token for one in entrances}) == 2
        assert find_entrance(session, token=entrances[0].token) == entrances[0]

    def test_there_is_one_link_and_one_menu_entry(self, session: Session, template_id: int) -> None:
        campaign = RunningCampaign(session, template_id)

        made = [make(session, campaign, kind) for kind in (EntranceKind.LINK, EntranceKind.MENU, EntranceKind.LINK)]

        assert made == [1, 1, 0]
        actions = select(AuditEntry.after).where(AuditEntry.subject == f"campaign:{campaign.id}")
        assert [one["kind"] for one in session.scalars(actions) if one is not None] == ["link", "menu"]

    def test_nobody_takes_part_by_an_entrance_in_what_comes_by_itself(self, session: Session, template_id: int) -> None:
        campaign = RunningCampaign(session, template_id, trigger=Now())

        with pytest.raises(CampaignNotByVisit):
            make(session, campaign, EntranceKind.LINK)

    def test_what_is_over_gets_none(self, session: Session, template_id: int) -> None:
        campaign = RunningCampaign(session, template_id)
        campaign.stand("ended")

        with pytest.raises(CampaignNotInState):
            make(session, campaign, EntranceKind.LINK)

    @pytest.mark.parametrize("token", ["nobody's", "", "a\x00b", "\ud800"])
    def test_a_stranger_s_token_leads_nowhere(self, session: Session, token: str) -> None:
        with pytest.raises(CampaignEntranceNotFound):
            find_entrance(session, token=token)


class TestVisits:
    def test_count_once_a_minute_for_each_person(
        self, session: Session, template_id: int, vault: Vault, at: datetime
    ) -> None:
        campaign = RunningCampaign(session, template_id)
        entrance, member = campaign.entrance(), make_member(session)
        known, stranger = make_identity(session, member=member).id, make_identity(session).id

        for moment in (at, at + SECOND, at + 59 * SECOND, at + MINUTE):
            visit(session, vault, entrance.id, known, member.id, moment)
        visit(session, vault, entrance.id, stranger, None, at)

        [found] = listed(session, campaign)
        assert (found.visits, found.visitors) == (3, 1)

    def test_lose_the_member_when_the_person_is_erased(
        self, session: Session, template_id: int, vault: Vault, at: datetime
    ) -> None:
        entrance, member = RunningCampaign(session, template_id).entrance(), make_member(session)
        visit(session, vault, entrance.id, make_identity(session, member=member).id, member.id, at)

        ask_to_close(session, member_id=member.id, at=at)
        assert erase_due(session, vault=vault, at=at + timedelta(days=99)) == 1

        session.expire_all()
        assert [one.member_id for one in session.scalars(select(CampaignVisit))] == [None]


class TestList:
    def test_says_who_took_part(self, session: Session, template_id: int) -> None:
        campaign = RunningCampaign(session, template_id)
        link, code = campaign.entrance(), campaign.entrance(EntranceKind.QR, make_store(session).id)
        for entrance, state in ((link, EntryState.DONE), (link, EntryState.HELD_OUT), (code, EntryState.DONE)):
            campaign.enter(make_member(session).id, entrance=entrance, state=state)

        assert [one.taken_part for one in listed(session, campaign)] == [1, 1]

    def test_a_store_sees_its_own_code_and_of_the_link_only_the_address(
        self, session: Session, template_id: int
    ) -> None:
        campaign = RunningCampaign(session, template_id)
        mine, other = make_store(session).id, make_store(session).id
        link, code = campaign.entrance(), campaign.entrance(EntranceKind.QR, mine)
        elsewhere = campaign.entrance(EntranceKind.QR, other)
        for entrance in (link, code):
            campaign.enter(make_member(session).id, entrance=entrance)
        scope = StoreScope(is_chain_wide=False, store_ids=frozenset({mine}))

        found = {one.entrance.id: one.taken_part for one in listed(session, campaign, scope)}

        assert found == {link.id: 0, code.id: 1}
        with pytest.raises(CampaignEntranceNotFound):
            get_entrance(session, entrance_id=elsewhere.id, scope=scope)


class TestOffer:
    @pytest.fixture
    def campaign(self, session: Session, template_id: int, at: datetime) -> RunningCampaign:
        return RunningCampaign(session, template_id, ends_at=at + timedelta(days=1))

    def test_says_what_one_gets_and_until_when(self, session: Session, campaign: RunningCampaign, at: datetime) -> None:
        offer = see_offer(session, token=campaign.entrance().token, member_id=None, at=at)

        assert (offer.gains[0], offer.ends_at, offer.can_take_part) == ("100 积分", at + timedelta(days=1), True)
        assert offer.gains[1].startswith("优惠券：满减券")

    def test_knows_what_the_member_was_given(
        self, session: Session, campaign: RunningCampaign, member: Member, at: datetime
    ) -> None:
        campaign.enter(member.id)

        offer = see_offer(session, token=campaign.entrance().token, member_id=member.id, at=at)

        assert offer.taken is not None
        assert (offer.taken.points, offer.taken.coupons, offer.can_take_part) == (100, 1, False)

    @pytest.mark.parametrize(
        ("state", "days", "closed"),
        [
            ("running", 0, None),
            ("running", 1, "活动已结束"),
            ("paused", 0, "活动暂停中，请稍后再来"),
            ("scheduled", 0, "活动还没有开始"),
        ],
    )
    def test_says_why_it_is_closed(
        self, session: Session, campaign: RunningCampaign, at: datetime, state: str, days: int, closed: str | None
    ) -> None:
        campaign.stand(state)

        offer = see_offer(session, token=campaign.entrance().token, member_id=None, at=at + timedelta(days=days))

        assert offer.closed == closed

    @pytest.fixture
    def member(self, session: Session) -> Member:
        return make_member(session)


def visit(
    session: Session, vault: Vault, entrance_id: int, identity_id: int, member_id: int | None, at: datetime
) -> None:
    note_visit(session, vault=vault, entrance_id=entrance_id, identity_id=identity_id, member_id=member_id, at=at)
