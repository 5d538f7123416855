"""What members carry and how they are reached: coupons, campaigns, subscriptions; refusals are honoured."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.campaigns.models import Campaign, CampaignEntry, CampaignRevision, CampaignRun
from loyalty.channels.models import MessageTemplate
from loyalty.coupons.queries.templates import get_template
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Consent, Member, NoticePreference
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.rules.members import MemberStatus
from loyalty.notices.models import CustomerWindow, SubscriptionGrant
from loyalty.segments.matching import members_matching
from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.conditions import Condition, Not
from tests.factories.coupons import make_template
from tests.factories.members import make_identity, make_member
from tests.factories.segments import give_coupon, use_coupon
from tests.support.settings import MP_APPID


class Asker:
    """Asks of one member whether a condition finds them; everybody else belongs to other stores."""

    def __init__(self, session: Session, at: datetime, zone: ZoneInfo, vault: Vault) -> None:
        self.session, self.at, self.zone, self.vault = session, at, zone, vault

    def finds(self, member: Member, condition: Condition) -> bool:
        found = members_matching(condition, at=self.at, zone=self.zone, vault=self.vault)
        return member.id in self.session.scalars(found).all()


@pytest.fixture
def asker(session: Session, at: datetime, zone: ZoneInfo, vault: Vault) -> Asker:
    return Asker(session, at, zone, vault)


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session)


def _template(session: Session) -> tuple[int, int]:
    template_id = make_template(session)
    return template_id, get_template(session, template_id=template_id).revision_id or 0


class TestCoupons:
    @pytest.mark.parametrize(
        ("changes", "is_held"),
        [
            ({}, True),
            ({"usable_in": 1}, False),
            ({"expires_in": 0}, False),
            ({"state": "voided"}, False),
            ({"state": "redeemed"}, False),
        ],
    )
    def test_a_coupon_is_held_while_it_can_be_used(
        self, session: Session, asker: Asker, member: Member, at: datetime, changes: dict[str, object], is_held: bool
    ) -> None:
        template_id, revision_id = _template(session)
        give_coupon(session, member.id, template_id, revision_id, at=at, **changes)  # type: ignore[arg-type]

        assert asker.finds(member, types.CouponHeld(frozenset({template_id}))) is is_held
        assert asker.finds(member, types.CouponHeld()) is is_held
        assert not asker.finds(member, types.CouponHeld(frozenset({template_id + 1})))

    def test_what_a_merged_member_had_counts_for_the_survivor(
        self, session: Session, asker: Asker, member: Member, at: datetime
    ) -> None:
        template_id, revision_id = _template(session)
        other = make_member(session, status=MemberStatus.MERGED, merged_into_id=member.id)
        give_coupon(session, other.id, template_id, revision_id, at=at)

        assert asker.finds(member, types.CouponHeld(frozenset({template_id})))
        assert not asker.finds(member, Not(types.CouponHeld(frozenset({template_id}))))
        assert not asker.finds(other, types.CouponHeld())

    def test_a_use_that_was_reversed_or_is_long_ago_does_not_count(
        self, session: Session, asker: Asker, member: Member, at: datetime
    ) -> None:
        template_id, revision_id = _template(session)
        used = types.CouponUsed(frozenset({template_id}), within_days=30)
        for when, is_reversed in ((at, True), (at - timedelta(days=30), False)):
            coupon = give_coupon(session, member.id, template_id, revision_id, at=at, state="redeemed")
            use_coupon(session, coupon, at=when, is_reversed=is_reversed)
        assert not asker.finds(member, used)
        assert asker.finds(member, types.CouponUsed())

        use_coupon(session, give_coupon(session, member.id, template_id, revision_id, at=at, state="redeemed"), at=at)

        assert asker.finds(member, used)


class TestReach:
    @pytest.fixture
    def granted(self, session: Session, member: Member, at: datetime) -> Member:
        session.add(
            MessageTemplate(
                appid=MP_APPID, notice_kind="campaign", channel="subscription", template_id="T9", title="活动",
                mapping={}, updated_at=at,
            )
        )  # fmt: skip
        identity = make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM)
        session.add(SubscriptionGrant(identity_id=identity.id, template_id="T9", balance=1))
        session.flush()
        return member

    def test_a_grant_that_is_left_reaches(self, session: Session, asker: Asker, granted: Member) -> None:
        by_grant = types.Reachable(frozenset({types.Way.SUBSCRIPTION}))
        assert asker.finds(granted, by_grant)
        assert not asker.finds(granted, types.Reachable(frozenset({types.Way.TEMPLATE})))
        assert asker.finds(granted, types.Reachable(frozenset({types.Way.TEMPLATE, types.Way.INBOX})))

        session.execute(text("UPDATE subscription_grants SET balance = 0 WHERE template_id = 'T9'"))

        assert not asker.finds(granted, by_grant)

    def test_who_wrote_to_us_is_reached_while_the_window_is_open_and_not_used_up(
        self, session: Session, asker: Asker, member: Member, at: datetime
    ) -> None:
        window = CustomerWindow(
            identity_id=make_identity(session, member=member).id, act="wrote", remaining=1,
            expires_at=at + timedelta(seconds=1),
        )  # fmt: skip
        session.add(window)
        session.flush()
        by_window = types.Reachable(frozenset({types.Way.CUSTOMER}))
        assert asker.finds(member, by_window)

        window.remaining = 0
        assert not asker.finds(member, by_window)
        window.remaining, window.expires_at = 1, at
        assert not asker.finds(member, by_window)

    def test_who_refused_messages_of_campaigns_is_reached_by_nothing(
        self, session: Session, asker: Asker, granted: Member, at: datetime
    ) -> None:
        preference = NoticePreference(member_id=granted.id, kind="campaign", is_wanted=False, changed_at=at)
        session.add(preference)
        session.flush()

        assert not asker.finds(granted, types.Reachable(frozenset(types.Way)))

    def test_who_withdrew_the_consent_is_reached_again_once_it_is_given_anew(
        self, session: Session, asker: Asker, granted: Member, at: datetime
    ) -> None:
        def consent(version: str, withdrawn_at: datetime | None) -> None:
            session.add(
                Consent(
                    member_id=granted.id, purpose=Purpose.MARKETING, version=version, text_hash=b"x", channel="h5",
                    given_at=at, withdrawn_at=withdrawn_at,
                )
            )  # fmt: skip
            session.flush()

        consent("1", at)
        assert not asker.finds(granted, types.Reachable(frozenset(types.Way)))

        consent("2", None)
        assert asker.finds(granted, types.Reachable(frozenset(types.Way)))


def test_who_got_something_of_a_campaign_is_told_from_who_did_not(
    session: Session, asker: Asker, member: Member, at: datetime
) -> None:
    other, held_out = make_member(session), make_member(session)
    campaign_id = _campaign(session, {member.id: "done", held_out.id: "held_out"}, at)

    def asked(condition: Condition) -> list[bool]:
        return [asker.finds(one, condition) for one in (member, held_out, other)]

    assert asked(types.Campaign(campaign_id)) == [True, False, False]
    assert asked(types.Campaign(campaign_id, has_got=False)) == [False, True, True]
    assert asked(types.Campaign(campaign_id + 1)) == [False, False, False]


def _campaign(session: Session, states: dict[int, str], at: datetime) -> int:
    campaign = Campaign(title="活动", created_by="staff:1", created_at=at)
    session.add(campaign)
    session.flush()
    revision = CampaignRevision(campaign_id=campaign.id, number=1, terms={}, created_by="staff:1", created_at=at)
    session.add(revision)
    session.flush()
    run = CampaignRun(
        campaign_id=campaign.id, revision_id=revision.id, occurrence="once", planned_for_at=at, started_at=at
    )
    session.add(run)
    session.flush()
    session.add_all(
        CampaignEntry(
            campaign_id=campaign.id, member_id=member_id, occurrence="once", run_id=run.id, revision_id=revision.id,
            state=state, due_at=at, entered_at=at,
        )
        for member_id, state in states.items()
    )  # fmt: skip
    session.flush()
    return campaign.id
