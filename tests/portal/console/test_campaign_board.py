"""The board of a campaign and its ways in, as staff of the chain and of a store see them."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.broadcasts import service as broadcasts
from loyalty.broadcasts.models import Recipient
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.states import RecipientState
from loyalty.campaigns.models import CampaignEntrance
from loyalty.campaigns.queries.results.messages import messages
from loyalty.campaigns.rules.entries import EntranceKind, EntryState, MissReason
from loyalty.campaigns.rules.works import ONCE, OPEN, run_subject
from loyalty.orders.service import record_purchase
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.campaign_results import RunningCampaign
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn, download
from tests.support.statements import StatementCounter

HOUR = timedelta(hours=1)


@pytest.fixture
def elsewhere(session: Session) -> Store:
    return make_store(session, name="滨江店")


@pytest.fixture
def campaign(session: Session, template_id: int, store: Store, elsewhere: Store, at: datetime) -> RunningCampaign:
    """Two members of one store, one of whom bought for 60 yuan, one of another, one who missed it, one held out."""
    campaign = RunningCampaign(session, template_id, at=at - HOUR)
    code = campaign.entrance(EntranceKind.QR, store.id)
    buyer, *others = (make_member(session).id for _ in range(5))
    campaign.enter(buyer, entrance=code, run=OPEN, store_id=store.id)
    campaign.enter(others[0], store_id=store.id)
    campaign.enter(others[1], store_id=elsewhere.id)
    campaign.enter(others[2], state=EntryState.MISSED, missed=MissReason.POINTS_TOTAL)
    campaign.enter(others[3], state=EntryState.HELD_OUT)
    record_purchase(session, purchase=make_purchase(buyer, line(amount_fen=60_00), paid_at=at), at=at)
    session.commit()
    return campaign


class TestBoard:
    def test_shows_what_came_of_it_and_draws_no_conclusion_from_a_handful(
        self, admin: Browser, campaign: RunningCampaign
    ) -> None:
        page = admin.text(f"/console/campaigns/{campaign.id}/board")

        assert "3 位会员；待发放 0，未发放 1" in page
        assert "积分上限已用完" in page
        assert page.count("样本太少，不下结论") == 2
        assert "门店二维码" in page
        assert 'hx-trigger="every 30s"' in page

    def test_what_is_over_is_not_asked_for_again(
        self, admin: Browser, session: Session, campaign: RunningCampaign
    ) -> None:
        campaign.stand("ended")
        session.commit()

        assert "hx-trigger" not in admin.text(f"/console/campaigns/{campaign.id}/board").partition("<main")[2]

    def test_is_downloaded_by_day_and_by_store(self, admin: Browser, campaign: RunningCampaign) -> None:
        days = download(admin, f"campaigns/{campaign.id}/board.csv?days=7")
        by_store = download(admin, f"campaigns/{campaign.id}/board/stores.csv")

        assert [(row["日期"], row["进入"], row["触达"], row["消费净额（元）"]) for row in days] == [
            ("2026-03-10", "5", "3", "60"),
            ("合计", "5", "3", "60"),
        ]
        assert {(row["门店"], row["触达"]) for row in by_store} == {
            ("西湖店", "2"),
            ("滨江店", "1"),
            ("线上（没有门店）", "0"),
        }

    def test_is_drawn_by_day_and_by_store(self, admin: Browser, campaign: RunningCampaign) -> None:
        days = admin.get(f"/console/campaigns/{campaign.id}/board/days.json").json
        by_store = admin.get(f"/console/campaigns/{campaign.id}/board/stores.json").json

        assert days is not None
        assert by_store is not None
        assert (days["days"], days["series"][0]) == (["2026-03-10"], {"name": "触达", "figures": [3]})
        assert by_store["names"][0] == "西湖店"
        assert by_store["series"][2] == {"name": "消费净额", "figures": [60, 0, 0]}

    def test_a_store_sees_its_own_entries(self, log_in: LogIn, campaign: RunningCampaign, elsewhere: Store) -> None:
        manager = log_in(Role.STORE_MANAGER, stores=[elsewhere])

        [row] = download(manager, f"campaigns/{campaign.id}/board/stores.csv")

        assert (row["门店"], row["触达"], row["消费净额（元）"]) == ("滨江店", "1", "0")

    @pytest.mark.parametrize("query", ["days=8", "days=x"])
    def test_refuses_days_that_are_not_offered(self, admin: Browser, campaign: RunningCampaign, query: str) -> None:
        assert admin.get(f"/console/campaigns/{campaign.id}/board?{query}").status_code == 422

    @pytest.mark.parametrize("page", ["board", "board/days.json", "board.csv", "entrances", "entrances/1/qr.png"])
    def test_of_no_campaign_is_not_found(self, admin: Browser, page: str) -> None:
        assert admin.get(f"/console/campaigns/999999/{page}").status_code == 404

    def test_sends_as_many_statements_as_ever(
        self, admin: Browser, campaign: RunningCampaign, statements: StatementCounter
    ) -> None:
        statements.clear()

        admin.text(f"/console/campaigns/{campaign.id}/board")

        assert statements.count == 13, "\n".join(statements.sent)


class TestMessages:
    def test_are_those_of_all_runs_and_of_the_members_one_sees(
        self, session: Session, campaign: RunningCampaign, elsewhere: Store, at: datetime
    ) -> None:
        members = [make_member(session).id for _ in range(3)]
        subjects = [run_subject(campaign.runs[ONCE]), f"{run_subject(campaign.runs[OPEN])}:1:2026-03-10"]
        subjects.append(run_subject(max(campaign.runs.values()) + 1))
        for subject, member in zip(subjects, members, strict=True):
            campaign.enter(member, store_id=elsewhere.id if subject == subjects[0] else None)
            send(session, subject, member, at)
        first = session.scalars(select(Recipient).order_by(Recipient.id)).first()
        assert first is not None
        first.state, first.channel, first.clicked_at = RecipientState.SENT, Channel.CUSTOMER, at
        session.flush()

        every = messages(session, campaign_id=campaign.id, scope=EVERYTHING)
        here = StoreScope(is_chain_wide=False, store_ids=frozenset({elsewhere.id}))

        assert (every.total, every.waiting, every.clicked, every.sent) == (2, 1, 1, {Channel.CUSTOMER: 1})
        assert messages(session, campaign_id=campaign.id, scope=here).total == 1


class TestEntrances:
    def test_are_made_by_whoever_may_and_downloaded_as_pictures(
        self, admin: Browser, session: Session, campaign: RunningCampaign
    ) -> None:
        path = f"/console/campaigns/{campaign.id}/entrances"

        page = admin.submit(path, kind="link")

        assert "已生成 1 个入口" in page
        link = session.scalars(select(CampaignEntrance).where(CampaignEntrance.kind == "link")).one()
        assert f"/h5/campaigns/{link.token}</code>" in page
        assert "入口都已生成过" in admin.submit(path, kind="link")
        picture = admin.get(f"{path}/{link.id}/qr.png")
        assert picture.data.startswith(b"\x89PNG")
        assert f"campaign-{campaign.id}-{link.id}.png" in picture.headers["Content-Disposition"]
        assert b"<svg" in admin.get(f"{path}/{link.id}/qr.svg").data

    def test_are_narrowed_by_kind(self, admin: Browser, session: Session, campaign: RunningCampaign) -> None:
        campaign.entrance()
        session.commit()

        rows = download(admin, f"campaigns/{campaign.id}/entrances.csv?kind=qr")

        assert [(row["门店"], row["参加"]) for row in rows] == [("西湖店", "1")]
        assert admin.get(f"/console/campaigns/{campaign.id}/entrances?kind=x").status_code == 422

    def test_of_another_campaign_or_store_are_not_found(
        self, admin: Browser, log_in: LogIn, session: Session, campaign: RunningCampaign, elsewhere: Store
    ) -> None:
        [code] = session.scalars(select(CampaignEntrance))
        manager = log_in(Role.STORE_MANAGER, stores=[elsewhere])

        assert admin.get(f"/console/campaigns/{campaign.id + 1}/entrances/{code.id}/qr.png").status_code == 404
        assert manager.get(f"/console/campaigns/{campaign.id}/entrances/{code.id}/qr.png").status_code == 404

    def test_are_not_made_by_a_store(self, log_in: LogIn, campaign: RunningCampaign, store: Store) -> None:
        marketer = log_in(Role.MARKETER, stores=[store])

        answer = marketer.post(f"/console/campaigns/{campaign.id}/entrances", kind="link")

        assert answer.status_code == 403


def send(session: Session, subject: str, member_id: int, at: datetime) -> None:
    content = MessageContent("到店有礼", "到店扫码领取")
    broadcast_id = broadcasts.create(
        session, subject=subject, content=content, channels=[Channel.CUSTOMER, Channel.INBOX], at=at
    )
    broadcasts.add_members(session, broadcast_id=broadcast_id, member_ids=[member_id], due_at=at, at=at)
