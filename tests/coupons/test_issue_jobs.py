"""Coupons for many at once: who gets one, who does not and why."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.errors import CouponLimitReached
from loyalty.coupons.rules.issue_jobs import (
    IssueJobState,
    Work,
)
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import Claiming, Eligibility, MemberLimits, Stock
from loyalty.coupons.service import templates
from loyalty.coupons.service.voiding import void
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.notices.models import Notice
from loyalty.notices.rules import NoticeKind
from tests.factories.coupons import ACTOR, issue_to, terms_of
from tests.factories.issue_jobs import (
    CHECKER,
    MAKER,
    begun,
    checked,
    figures_of,
    holders,
    issued,
    issued_untold,
    list_of,
    names,
    outcomes,
    template_of,
    undone,
    work_off,
)
from tests.factories.points import AT
from tests.factories.stores import make_store
from tests.factories.tags import make_tag, put_tag
from tests.factories.tiers import make_ladder
from tests.support.containers import NullContainer

DAY = timedelta(days=1)


pytestmark = pytest.mark.usefixtures("small_pages")


class TestIssuing:
    def test_gives_everybody_one_with_the_terms_of_the_approved_revision(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id, store = template_of(session, in_all=None), make_store(session)
        session.commit()
        job = checked(container, template_id, list_of(names(members)), store_id=store.id)
        templates.save_draft(session, template_id=template_id, terms=terms_of(title="新"), actor=ACTOR, at=AT)
        templates.publish(session, template_id=template_id, actor=ACTOR, at=AT)
        session.commit()

        done = issued(container, job.id)

        assert done.state == IssueJobState.ISSUED
        assert holders(session, job.id) == [member.id for member in members]
        coupon = session.scalars(select(Coupon).where(Coupon.member_id == members[0].id)).one()
        facts = (coupon.path, coupon.revision_id, coupon.store_id, coupon.actor, coupon.issued_at, coupon.points_paid)
        assert facts == (IssuePath.BULK, job.revision_id, store.id, MAKER.name, AT, 0)
        assert get_template(session, template_id=template_id).issued == 5
        assert figures_of(container.database, job.id, Work.ISSUE) == {"issued": 5}

    def test_tells_each_member_once(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = issued(container, checked(container, template_of(session), list_of(names(members))).id)

        told = session.execute(select(Notice.member_id, Notice.kind).order_by(Notice.member_id)).all()
        assert [tuple(row) for row in told] == [(member.id, NoticeKind.COUPON_ISSUED) for member in members]
        assert figures_of(container.database, job.id, Work.TELL) == {"told": 5}

    def test_tells_nobody_of_a_coupon_that_is_void_by_then(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = checked(container, template_of(session), list_of(names(members)))
        issued_untold(container, job.id)
        first = session.scalars(select(Coupon.id).where(Coupon.member_id == members[0].id)).one()
        void(session, coupon_ids=[first], reason="mistake", actor=CHECKER, at=AT)
        session.commit()

        work_off(container)

        assert set(session.scalars(select(Notice.member_id))) == {member.id for member in members[1:]}

    @pytest.mark.parametrize(
        ("in_all", "terms", "reason"),
        [
            (4, {}, "stock"),
            (100, {"stock": Stock(per_day=4)}, "day_stock"),
            (100, {"stock": Stock(per_store=4)}, "store_stock"),
        ],
        ids=["in all", "of the day", "of the store"],
    )
    def test_ends_where_the_stock_does_and_names_the_limit(
        self,
        container: NullContainer,
        session: Session,
        members: Sequence[Member],
        in_all: int,
        terms: dict[str, object],
        reason: str,
    ) -> None:
        template_id, store = template_of(session, in_all=in_all, **terms), make_store(session)
        session.commit()

        job = issued(container, checked(container, template_id, list_of(names(members)), store_id=store.id).id)

        assert holders(session, job.id) == [member.id for member in members[:4]]
        assert outcomes(session, job.id) == {members[4].id: reason}
        assert get_template(session, template_id=template_id).issued == 4
        templates.set_stock(session, template_id=template_id, stock=None, reason="补货", actor=ACTOR, at=AT)
        issue_to(session, members[4].id, template_id, at=AT + DAY)  # what was not issued is counted for nobody

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [(MemberLimits(total=1), "member_total"), (MemberLimits(total=None, per_day=1), "member_day")],
    )
    def test_heeds_what_a_member_has_got_on_other_ways(
        self,
        container: NullContainer,
        session: Session,
        members: Sequence[Member],
        limits: MemberLimits,
        reason: str,
    ) -> None:
        template_id = template_of(session, member_limits=limits)
        job = checked(container, template_id, list_of(names(members)))
        issue_to(session, members[1].id, template_id)
        session.commit()

        issued(container, job.id)

        assert outcomes(session, job.id) == {members[1].id: reason}
        assert get_template(session, template_id=template_id).issued == 5
        with pytest.raises(CouponLimitReached):
            issue_to(session, members[0].id, template_id)

    def test_is_for_the_tiers_and_tags_of_the_template(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        tag_id = make_tag(session)
        put_tag(session, tag_id, members[0].id, members[3].id)
        by_tag = template_of(session, eligibility=Eligibility(tags=frozenset({tag_id})))
        make_ladder(session, at=AT)
        by_tier = template_of(session, eligibility=Eligibility(tier_levels=frozenset({2})))
        session.commit()

        tagged = checked(container, by_tag, list_of(names(members)))
        tiered = checked(container, by_tier, list_of(names(members)))

        assert figures_of(container.database, tagged.id, Work.CHECK) == {"would_get": 2, "tag": 3}
        assert figures_of(container.database, tiered.id, Work.CHECK) == {"tier": 5}
        issued(container, tagged.id)
        assert holders(session, tagged.id) == [members[0].id, members[3].id]

    def test_gives_one_to_a_person_whose_memberships_were_merged(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session, member_limits=MemberLimits(total=None))
        job = checked(container, template_id, list_of(names(members)))
        for merged in (members[0], members[3]):
            merged.status, merged.merged_into_id = MemberStatus.MERGED, members[4].id
        session.commit()

        issued(container, job.id)

        assert holders(session, job.id) == [members[1].id, members[2].id, members[4].id]
        assert outcomes(session, job.id) == {members[3].id: "duplicate", members[4].id: "duplicate"}
        undone(container, job.id)
        assert get_template(session, template_id=template_id).issued == 0

    def test_of_a_member_merged_on_the_way_is_not_repeated_for_the_survivor(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session, member_limits=MemberLimits(total=None))
        job = checked(container, template_id, list_of(names(members)))
        begun(container, job.id)
        members[0].status, members[0].merged_into_id = MemberStatus.MERGED, members[4].id
        session.commit()

        work_off(container)

        assert holders(session, job.id) == [member.id for member in members[:4]]
        assert outcomes(session, job.id) == {members[4].id: "duplicate"}

    def test_costs_no_points_and_needs_no_claim_window(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        claiming = Claiming(points_price=100, opens_at=AT + DAY)
        job = checked(container, template_of(session, claiming=claiming), list_of(names(members)))

        issued(container, job.id)

        assert len(holders(session, job.id)) == 5
