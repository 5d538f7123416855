"""Whom coupons for many are for: named by a file or a tag, and reckoned before anybody gets one."""

import io
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.files import read_lines
from loyalty.coupons.models import CouponIssueFile
from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.rules.errors import CouponNotIssuing
from loyalty.coupons.rules.issue_jobs import (
    InvalidIssueJobTitle,
    IssueJobEmpty,
    IssueJobState,
    IssueLine,
    Work,
)
from loyalty.coupons.service import issue_jobs as service
from loyalty.coupons.service import templates
from loyalty.kernel.sheets import FileMissing
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.members.rules.naming import BadName
from tests.factories.adjustments import workbook_of
from tests.factories.coupons import ACTOR, issue_to
from tests.factories.issue_jobs import (
    MAKER,
    checked,
    checked_tag,
    figures_of,
    holders,
    issued,
    list_of,
    names,
    template_of,
    upload,
)
from tests.factories.points import AT
from tests.factories.tags import make_tag, put_tag
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

pytestmark = pytest.mark.usefixtures("small_pages")


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
