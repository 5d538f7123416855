"""An opening counts once for each real person, for who invited them first."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.referrals.queries.funnel import funnel
from loyalty.referrals.queries.shares import visitor_of
from loyalty.referrals.rules.openings import NotCounted
from loyalty.referrals.rules.sharing import (
    Channel,
    ChannelOff,
    Purpose,
    ReferralsNotOpen,
    ShareTokenNotFound,
    scene_of,
    token_in_scene,
)
from loyalty.referrals.service import switches
from loyalty.referrals.service.attribution import attribute
from loyalty.referrals.service.sharing import mint
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.service import block
from tests.factories.members import make_identity, make_member
from tests.factories.referrals import (
    ACTOR,
    enrol,
    invite,
    link_of,
    make_visitor,
    open_by,
    open_for_pay,
    publish,
    referral_of,
)
from tests.support.settings import VAULT


class TestMinting:
    def test_the_same_share_is_minted_once_while_it_lives(self, session: Session, sharer: Member, at: datetime) -> None:
        token = link_of(session, sharer.id, at=at)

        assert link_of(session, sharer.id, at=at + timedelta(days=29)) == token
        assert link_of(session, sharer.id, at=at + timedelta(days=30)) != token
        assert link_of(session, sharer.id, channel=Channel.POSTER, at=at) != token

    def test_a_token_fits_a_mini_program_code_and_a_code_can_be_typed(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        token, code = link_of(session, sharer.id), link_of(session, sharer.id, channel=Channel.CODE)
        friend = make_visitor(session)

        typed = f" {code[:4].lower()} {code[4:].lower()} "

        assert len(scene_of(token)) <= 32
        assert token_in_scene(scene_of(token)) == token
        assert open_by(session, friend, typed, at=at + timedelta(days=900)).counted

    def test_nobody_shares_without_a_programme_or_for_a_closed_one(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        with pytest.raises(ReferralsNotOpen):
            link_of(session, member.id)

        publish(session, is_open=False)

        with pytest.raises(ReferralsNotOpen):
            link_of(session, member.id)
        with pytest.raises(ReferralsNotOpen):
            mint(session, member_id=member.id, channel=Channel.POSTER, purpose=Purpose.MISSION, mission_id=3, at=at)


class TestCounting:
    def test_a_person_counts_once_through_both_doors(self, session: Session, sharer: Member) -> None:
        token = link_of(session, sharer.id)
        web = make_visitor(session, unionid="uONEperson")
        other_door = make_identity(session, appid="wxother", unionid="uONEperson")

        assert open_by(session, web, token).counted
        assert open_by(session, web, token).reason is NotCounted.ALREADY_OPENED
        assert open_by(session, other_door, token).reason is NotCounted.ALREADY_OPENED

    def test_a_person_whose_unionid_was_learned_later_counts_once(self, session: Session, sharer: Member) -> None:
        token = link_of(session, sharer.id)
        visitor = make_visitor(session, unionid=None)
        assert open_by(session, visitor, token).counted
        visitor.unionid = "uLEARNEDlater"
        session.flush()

        assert open_by(session, visitor, token).reason is NotCounted.ALREADY_OPENED

    def test_the_first_who_invited_counts_until_the_window_is_over(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        rival, friend = make_member(session), make_visitor(session)
        open_by(session, friend, link_of(session, sharer.id), at=at)
        rivals = link_of(session, rival.id, at=at + timedelta(days=29))

        early = open_by(session, friend, rivals, at=at + timedelta(days=29))
        late = open_by(session, friend, rivals, at=at + timedelta(days=30))

        assert early.reason is NotCounted.EARLIER_TOUCH
        assert late.counted

    def test_another_share_of_the_same_member_is_no_second_opening(self, session: Session, sharer: Member) -> None:
        friend = make_visitor(session)
        open_by(session, friend, link_of(session, sharer.id))

        poster = open_by(session, friend, link_of(session, sharer.id, channel=Channel.POSTER))

        assert poster.reason is NotCounted.ALREADY_OPENED

    def test_the_sharer_does_not_count_also_as_the_member_they_were_merged_into(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        token, survivor = link_of(session, sharer.id), make_member(session)
        own = make_identity(session, member=sharer)
        assert open_by(session, own, token).reason is NotCounted.SELF

        merge(session, survivor_id=survivor.id, other_id=sharer.id, actor=ACTOR, at=at)

        assert open_by(session, make_identity(session, member=survivor), token).reason is NotCounted.SELF

    def test_members_do_not_count_and_who_was_invited_inviting_back_is_a_circle(
        self, session: Session, sharer: Member
    ) -> None:
        friend = invite(session, sharer)
        friends_friend = invite(session, friend)
        old = make_identity(session, member=make_member(session))
        back = make_identity(session, member=sharer, appid="wxagain")

        assert open_by(session, old, link_of(session, sharer.id)).reason is NotCounted.ALREADY_A_MEMBER
        assert open_by(session, back, link_of(session, friend.id)).reason is NotCounted.CIRCULAR
        assert open_by(session, back, link_of(session, friends_friend.id)).reason is NotCounted.CIRCULAR

    def test_who_is_blocked_does_not_count(self, session: Session, sharer: Member, at: datetime) -> None:
        token = link_of(session, sharer.id)
        target = Target(BlockKind.MEMBER, str(sharer.id))
        block(session, vault=VAULT, target=target, reason="刷单", expires_at=None, actor=ACTOR, at=at)

        assert open_by(session, make_visitor(session), token).reason is NotCounted.BLOCKLISTED

    @pytest.mark.parametrize("kind", [BlockKind.DEVICE, BlockKind.IP])
    def test_from_a_blocked_place_the_first_visit_does_not_count_either(
        self, session: Session, sharer: Member, at: datetime, kind: BlockKind
    ) -> None:
        value = {BlockKind.DEVICE: "farm", BlockKind.IP: "192.0.2.7"}[kind]
        target, until = Target(kind, value), at + timedelta(days=1)
        block(session, vault=VAULT, target=target, reason="刷单", expires_at=until, actor=ACTOR, at=at)

        opened = open_by(
            session, make_visitor(session), link_of(session, sharer.id), device="farm", ip="192.0.2.7", at=at
        )

        assert opened.reason is NotCounted.BLOCKLISTED

    def test_a_touch_that_is_over_does_not_hide_one_that_holds(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        early, rival = make_member(session), make_member(session)
        web, app = make_visitor(session, unionid=None), make_visitor(session, unionid=None)
        open_by(session, web, link_of(session, early.id), at=at)
        open_by(session, app, link_of(session, sharer.id), at=at + timedelta(days=20))
        for identity in (web, app):
            identity.unionid = "uTHEsamePERSON"
        session.flush()
        later = at + timedelta(days=31)

        assert open_by(session, app, link_of(session, rival.id, at=later), at=later).reason is NotCounted.EARLIER_TOUCH

        friend = enrol(session, app, at=later)
        attribute(session, vault=VAULT, member_id=friend.id, at=later)
        assert referral_of(session, friend.id).referrer_id == sharer.id
        assert referral_of(session, friend.id).state == "attributed"

    def test_an_expired_share_does_not_count(self, session: Session, sharer: Member, at: datetime) -> None:
        token = link_of(session, sharer.id)

        opened = open_by(session, make_visitor(session), token, at=at + timedelta(days=30))

        assert opened.reason is NotCounted.EXPIRED

    @pytest.mark.parametrize("token", ["", "nobody", "a\0b", "\ud800", "😀", "x" * 5000])
    def test_what_nobody_shared_is_refused(self, session: Session, sharer: Member, token: str) -> None:
        with pytest.raises(ShareTokenNotFound):
            open_by(session, make_visitor(session), token)


class TestSwitch:
    def test_a_channel_that_is_off_mints_and_counts_nothing(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        token, poster = link_of(session, sharer.id), link_of(session, sharer.id, channel=Channel.POSTER)
        friend = make_visitor(session)
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="被投诉", actor=ACTOR, at=at)

        with pytest.raises(ChannelOff):
            link_of(session, sharer.id)
        assert open_by(session, friend, token).reason is NotCounted.CHANNEL_OFF
        assert open_by(session, make_visitor(session), poster).counted

        switches.turn_on(session, channel=Channel.MINI_PROGRAM, reason="已整改", actor=ACTOR, at=at)
        assert open_by(session, friend, token).counted


def test_the_funnel_tells_what_became_of_shares(session: Session, sharer: Member, at: datetime) -> None:
    token = link_of(session, sharer.id)
    visitor = make_visitor(session)
    open_by(session, visitor, token)
    open_by(session, make_identity(session, member=make_member(session)), token)
    enrol(session, visitor)
    invite(session, sharer)

    steps = {step.channel: step for step in funnel(session, since=at, until=at + timedelta(days=1))}

    step = steps[Channel.MINI_PROGRAM]
    assert (step.sharers, step.openings, step.counted, step.enrolled) == (1, 3, 2, 1)
    assert steps[Channel.POSTER].openings == 0
    assert visitor_of(session, identity_id=visitor.id).member_id is not None


def test_the_funnel_counts_what_openings_alone_paid(session: Session, sharer: Member, at: datetime) -> None:
    open_for_pay(session, sharer, "phone-1", "phone-2", at=at)

    steps = {step.channel: step for step in funnel(session, since=at, until=at + timedelta(days=1))}

    assert [steps[channel].points for channel in (Channel.MINI_PROGRAM, Channel.POSTER)] == [2, 0]
