"""Counting tries (登录限流): a try is counted before it is judged, so that parallel tries gain nothing."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.errors import LimitReached
from loyalty.kernel.transaction import run
from loyalty.staff.models import LoginThrottle
from loyalty.staff.rules import TRACES_KEPT, TRY_WINDOW

Read = TypeVar("Read")


class TooManyTries(LimitReached):
    """Too many tries for this account or from this address within a quarter of an hour."""

    code = "too_many_login_tries"
    message = "尝试次数过多，请 15 分钟后再试"


class TooManyCodes(LimitReached):
    """Too many codes that were read turned out wrong within a quarter of an hour."""

    code = "too_many_wrong_codes"
    message = "扫到的无效码过多，请 15 分钟后再试"


def subject_of(kind: str, value: str) -> str:
    """Return the key under which tries are counted; the value cannot be read back."""
    return f"{kind}:{hashlib.sha256(value.encode()).hexdigest()}"


def count_try(session: Session, *, subject: str, limit: int, at: datetime) -> None:
    """Count one try.

    Call it in a transaction of its own that commits before the try is judged.

    Raises:
        TooManyTries: ``limit`` tries were made in the present window.
    """
    is_over = LoginThrottle.window_started_at <= at - TRY_WINDOW
    tries = session.scalar(
        insert(LoginThrottle)
        .values(subject=subject, tries=1, window_started_at=at)
        .on_conflict_do_update(
            index_elements=[LoginThrottle.subject],
            set_={
                "tries": case((is_over, 1), else_=LoginThrottle.tries + 1),
                "window_started_at": case((is_over, at), else_=LoginThrottle.window_started_at),
            },
        )
        .returning(LoginThrottle.tries)
    )
    if tries is not None and tries > limit:
        raise TooManyTries


def read_throttled(
    database: Database, *, subject: str, limit: int, at: datetime, read: Callable[[Session], Read]
) -> Read:
    """Read a code that may be guessed at; one that is right does not count.

    Raises:
        TooManyCodes: ``limit`` codes that were wrong have been read in the present window.
    """

    def judge(session: Session) -> Read:
        found = read(session)
        take_back(session, subject=subject)
        return found

    try:
        run(database, lambda session: count_try(session, subject=subject, limit=limit, at=at))
    except TooManyTries as error:
        raise TooManyCodes from error
    return run(database, judge)


def forget(session: Session, *, subject: str) -> None:
    """Start afresh after a success."""
    session.execute(delete(LoginThrottle).where(LoginThrottle.subject == subject))


def take_back(session: Session, *, subject: str) -> None:
    """Uncount one try that succeeded, where others under the subject may have failed."""
    session.execute(
        update(LoginThrottle)
        .where(LoginThrottle.subject == subject)
        .values(tries=func.greatest(LoginThrottle.tries - 1, 0))
    )


def forget_old(session: Session, *, at: datetime) -> None:
    """Drop windows that ended long ago, so that made-up names do not pile up."""
    session.execute(delete(LoginThrottle).where(LoginThrottle.window_started_at < at - TRACES_KEPT))
