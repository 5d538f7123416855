"""Reasons kept with the rows of a job: why a member got no coupon, or why a coupon stayed; a page in one statement."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, String, func, update
from sqlalchemy.orm import Session

from loyalty.coupons.rules.issue_jobs import Kept, Skip
from loyalty.coupons.service.issue_jobs.candidates import ROWS
from loyalty.kernel.arrays import SentArray
from loyalty.points.posting import parameter, parameters


def write_skipped(session: Session, *, job_id: int, reasons: Mapping[int, Skip]) -> None:
    """Keep why members got none."""
    _write(session, job_id, "skipped", reasons)


def write_kept(session: Session, *, job_id: int, reasons: Mapping[int, Kept]) -> None:
    """Keep why the coupons of members stay as they are."""
    _write(session, job_id, "kept", reasons)


def _write(session: Session, job_id: int, column: str, reasons: Mapping[int, Skip] | Mapping[int, Kept]) -> None:
    if reasons:
        values = {"job_id": job_id, "member_ids": list(reasons), "reasons": [why.value for why in reasons.values()]}
        session.execute(_statement(column), parameters(values))


@lru_cache
def _statement(column: str) -> Any:
    arrays = (parameter("member_ids", SentArray(BigInteger())), parameter("reasons", SentArray(String())))
    given = func.unnest(*arrays).table_valued("member_id", "reason", name="given").render_derived().c
    is_row = (ROWS.c.job_id == parameter("job_id", BigInteger())) & (ROWS.c.member_id == given.member_id)
    return update(ROWS).where(is_row).values({column: given.reason})
