"""Coupons for many at once: who is named, what is reckoned beforehand, who gets one and who does not."""

import io
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.approvals.rules import ApprovalByMaker
from loyalty.coupons.files import read_lines
from loyalty.coupons.models import Coupon, CouponIssueFile, CouponIssueRow
from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.errors import CouponLimitReached, CouponNotIssuing
from loyalty.coupons.rules.issue_jobs import (
    InvalidIssueJobTitle,
    IssueJobEmpty,
    IssueJobNotInState,
    IssueJobState,
    IssueLine,
    Work,
    issue_reference,
    subject_of,
)
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import Claiming, Eligibility, MemberLimits, Stock
from loyalty.coupons.service import issue_jobs as service
from loyalty.coupons.service import templates
from loyalty.kernel import bulk
from loyalty.kernel.sheets import FileMissing
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.members.rules.naming import BadName
from loyalty.notices.models import Notice
from loyalty.notices.rules import NoticeKind
from tests.factories.adjustments import workbook_of
from tests.factories.coupons import ACTOR, issue_to, terms_of
from tests.factories.issue_jobs import (
    CHECKER,
    MAKER,
    approve,
    checked,
    checked_tag,
    do_page,
    figures_of,
    get,
    issued,
    list_of,
    made,
    names,
    outcomes,
    template_of,
    undone,
    upload,
    work_off,
)
from tests.factories.points import AT
from tests.factories.stores import make_store
from tests.factories.tags import make_tag, put_tag
from tests.factories.tiers import make_ladder
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

DAY = timedelta(days=1)


pytestmark = pytest.mark.usefixtures("small_pages")


@pytest.fixture
def members(session: Session) -> Sequence[Member]:
    return made(session, 5)


def holders(session: Session, job_id: int) -> list[int]:
    mine = select(Coupon.member_id).where(Coupon.reference == issue_reference(job_id))
    return list(session.scalars(mine.order_by(Coupon.member_id)))


class TestAFile:
    @pytest.mark.parametrize(
        "content",
        [
            "手机号\n13800138000\n13800138001\n".encode(),
            "姓名,会员号\n张三,13800138000\n李四,+8613800138001\n".encode("gbk"),
            b"13800138000\n\n13800138001",
            workbook_of([(13800138000,), ("138 0013 8001",)], heading=("手机号码",)),
        ],
        ids=["csv", "second column, gbk", "no heading", "workbook"],
    )
    def test_names_a_member_on_each_line(self, content: bytes) -> None:
        phones = [line.phone for line in read_lines(io.BytesIO(content))]

        assert phones == ["+8613800138000", "+8613800138001"]

    def test_has_a_reason_for_each_line_that_names_nobody(self) -> None:
        content = list_of(["1.38E+10", "=A1", "abc", "0000000000"])

        lines = list(read_lines(io.BytesIO(content)))

        reasons = [BadName.SCIENTIFIC, BadName.FORMULA, BadName.INVALID]
        assert lines == [
            *(IssueLine(number, bad=bad) for number, bad in enumerate(reasons, start=2)),
            IssueLine(5, member_number="0000000000"),
        ]

    def test_is_reckoned_line_by_line_before_anything_is_issued(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session)
        issue_to(session, members[1].id, template_id)
        members[2].status, members[2].provisional_until_at = MemberStatus.PROVISIONAL, AT
        members[3].status = MemberStatus.CLOSED
        session.commit()

        listed = [*names(members), members[0].number, "13000000000", "abc"]
        job = checked(container, template_id, list_of(listed, heading="会员号"))

        assert (job.state, job.total, job.bad_rows) == (IssueJobState.CHECKED, 5, 3)
        reckoned = {"bad": 3, "would_get": 2, "member_total": 1, "provisional": 1, "gone": 1}
        assert figures_of(container.database, job.id, Work.CHECK) == reckoned
        problems = [(one.line, one.reason, one.first_line) for one in queries.list_problems(session, job_id=job.id)]
        assert problems == [(7, "duplicate", 2), (8, "who_unknown", None), (9, "who_invalid", None)]
        assert holders(session, job.id) == []
        assert session.scalar(select(func.count()).select_from(CouponIssueFile)) == 0

    def test_that_cannot_be_read_leaves_nothing(self, container: NullContainer, session: Session) -> None:
        job = checked(container, template_of(session), b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe\xff")

        assert (job.state, job.fault, job.total) == (IssueJobState.UNREADABLE, "encoding", 0)
        assert session.scalar(select(func.count()).select_from(CouponIssueFile)) == 0

    def test_of_nobody_cannot_be_submitted(self, container: NullContainer, session: Session) -> None:
        job = checked(container, template_of(session), list_of(["abc"]))

        with pytest.raises(IssueJobEmpty):
            service.submit(session, job_id=job.id, actor=MAKER, at=AT)

    def test_needs_content_a_title_and_a_template_that_issues(self, session: Session) -> None:
        template_id = template_of(session)
        with pytest.raises(InvalidIssueJobTitle):
            upload(session, template_id, b"1", title="")
        with pytest.raises(FileMissing):
            service.create_for_file(
                session,
                vault=VAULT,
                title="x",
                template_id=template_id,
                store_id=None,
                parts=[],
                actor=MAKER,
                at=AT,
            )
        templates.stop(session, template_id=template_id, actor=ACTOR, at=AT)
        with pytest.raises(CouponNotIssuing):
            upload(session, template_id, b"1")


class TestATag:
    def test_names_who_has_it_when_the_job_is_made(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id, tag_id = template_of(session), make_tag(session)
        put_tag(session, tag_id, *(member.id for member in members[:4]))
        session.commit()

        job = checked_tag(container, template_id, tag_id)
        put_tag(session, tag_id, members[4].id)
        session.commit()

        assert (job.state, job.total) == (IssueJobState.CHECKED, 4)
        assert figures_of(container.database, job.id, Work.CHECK_TAG) == {"would_get": 4}
        issued(container, job.id)
        assert holders(session, job.id) == [member.id for member in members[:4]]


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
        templates.set_stock(session, template_id=template_id, stock=None, actor=ACTOR, at=AT)
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
        approve(session, job.id)
        session.commit()
        do_page(container, job.id, Work.ISSUE)
        members[0].status, members[0].merged_into_id = MemberStatus.MERGED, members[4].id
        session.commit()

        work_off(container)

        assert holders(session, job.id) == [member.id for member in members[:4]]
        assert outcomes(session, job.id) == {members[4].id: "duplicate"}

    def test_pauses_when_the_template_does_and_goes_on_when_told(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session)
        job = checked(container, template_id, list_of(names(members)))
        approve(session, job.id)
        session.commit()
        do_page(container, job.id, Work.ISSUE)
        templates.pause(session, template_id=template_id, actor=ACTOR, at=AT)
        session.commit()
        work_off(container)
        progress = queries.find_issuing(session, job_id=job.id)
        assert progress is not None
        assert (progress.state, progress.error, progress.done) == (bulk.BulkState.PAUSED, "CouponNotIssuing", 3)

        templates.resume(session, template_id=template_id, actor=ACTOR, at=AT)
        service.resume(session, job_id=job.id, actor=CHECKER, at=AT)
        session.commit()
        work_off(container)

        assert get(container, job.id).state == IssueJobState.ISSUED
        assert holders(session, job.id) == [member.id for member in members]

    def test_costs_no_points_and_needs_no_claim_window(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        claiming = Claiming(points_price=100, opens_at=AT + DAY)
        job = checked(container, template_of(session, claiming=claiming), list_of(names(members)))

        issued(container, job.id)

        assert len(holders(session, job.id)) == 5


class TestApproval:
    def test_is_another_persons(self, container: NullContainer, session: Session, members: Sequence[Member]) -> None:
        job = checked(container, template_of(session), list_of(names(members)))
        service.submit(session, job_id=job.id, actor=CHECKER, at=AT)

        for maker in (MAKER, CHECKER):
            with pytest.raises(ApprovalByMaker), session.begin_nested():
                service.decide(session, job_id=job.id, is_approved=True, actor=maker, at=AT)

    def test_refused_issues_nothing_for_ever(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = checked(container, template_of(session), list_of(names(members)))
        service.submit(session, job_id=job.id, actor=MAKER, at=AT)
        service.decide(session, job_id=job.id, is_approved=False, actor=CHECKER, at=AT)
        session.commit()
        work_off(container)

        assert holders(session, job.id) == []
        for step in (service.submit, service.pause, service.undo, service.stop, service.discard):
            with pytest.raises(IssueJobNotInState), session.begin_nested():
                step(session, job_id=job.id, actor=MAKER, at=AT)


class TestStopping:
    def test_leaves_what_was_issued_and_tells_of_it(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        template_id = template_of(session)
        job = checked(container, template_id, list_of(names(members)))
        approve(session, job.id)
        session.commit()
        do_page(container, job.id, Work.ISSUE)
        with pytest.raises(bulk.BulkRunNotInState), session.begin_nested():
            service.stop(session, job_id=job.id, actor=CHECKER, at=AT)
        service.pause(session, job_id=job.id, actor=CHECKER, at=AT)
        service.stop(session, job_id=job.id, actor=CHECKER, at=AT)
        session.commit()

        work_off(container)

        assert get(container, job.id).state == IssueJobState.STOPPED
        assert holders(session, job.id) == [member.id for member in members[:3]]
        assert session.scalar(select(func.count()).select_from(Notice)) == 3
        undone(container, job.id)
        assert get_template(session, template_id=template_id).issued == 0

    def test_started_again_changes_nothing(
        self, container: NullContainer, session: Session, members: Sequence[Member]
    ) -> None:
        job = issued(container, checked(container, template_of(session), list_of(names(members))).id)
        bulk.start(session, kind=Work.ISSUE, subject=subject_of(job.id), total=5, at=AT)
        session.commit()

        assert not do_page(container, job.id, Work.ISSUE)
        assert holders(session, job.id) == [member.id for member in members]
        assert session.scalar(select(func.count()).where(CouponIssueRow.job_id == job.id)) == 5
