"""Tables of issue jobs. What became of a member whom a job names is written once, and again when it is undone."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.coupons.rules.issue_jobs import IssueJobState, Kept, Skip
from loyalty.kernel.database import Base

ISSUE_FILE_CONTEXT = "coupon_issue_files.content"

_JOB_STATES = ", ".join(f"'{state}'" for state in IssueJobState)
_SKIPS = ", ".join(f"'{skip}'" for skip in Skip)
_KEPTS = ", ".join(f"'{kept}'" for kept in Kept)
_OF_A_MEMBER = {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}


class CouponIssueJob(Base):
    """One row is coupons for many members at once (批量发券): whom it reaches, and where it stands."""

    __tablename__ = "coupon_issue_jobs"
    __table_args__ = (CheckConstraint(f"state IN ({_JOB_STATES})", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    template_id: Mapped[int] = mapped_column(ForeignKey("coupon_templates.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("coupon_template_revisions.id"))
    """As it was when the job was made; all of its coupons have these terms."""
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.id"))
    """The store that issues the coupons; empty for the chain."""
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id"))
    """Whose bearers it names; empty when it has a file."""
    state: Mapped[str] = mapped_column(server_default=text("'checking'"))
    fault: Mapped[str | None]
    """Why the file as a whole could not be read."""
    total: Mapped[int] = mapped_column(server_default=text("0"))
    """How many members it names."""
    bad_rows: Mapped[int] = mapped_column(server_default=text("0"))
    """Lines of its file that name nobody, or somebody again."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]


class CouponIssueFile(Base):
    """One row is a part of an uploaded file, sealed; deleted when the check has ended."""

    __tablename__ = "coupon_issue_files"
    __table_args__ = (Index("ix_coupon_issue_files_job_id", "job_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_issue_jobs.id"))
    content_sealed: Mapped[bytes] = mapped_column(info={"sealed": ISSUE_FILE_CONTEXT})


class CouponIssueRow(Base):
    """One row is a member whom a job names; what became of it is written once, and again when it is undone."""

    __tablename__ = "coupon_issue_rows"
    __table_args__ = (
        CheckConstraint(f"skipped IN ({_SKIPS})", name="skipped"),
        CheckConstraint(f"kept IN ({_KEPTS})", name="kept"),
        {"info": _OF_A_MEMBER},
    )

    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_issue_jobs.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From the members' own table in the statement that writes the row, so no foreign key is paid for."""
    line: Mapped[int | None]
    """Of its file."""
    skipped: Mapped[str | None]
    """Why the member got none: the name of the limit that was hit, or what else stood against it."""
    kept: Mapped[str | None]
    """Why the coupon was left as it is when the job was undone."""


class CouponIssueProblem(Base):
    """One row is a line of a file that was refused; never what stood in it."""

    __tablename__ = "coupon_issue_problems"

    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("coupon_issue_jobs.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    first_line: Mapped[int | None]
    """The line that names the same member, for one that does so again."""
