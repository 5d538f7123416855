"""The template library (模板库): what templates an account has at WeChat, looked at on demand and every night.

A template that is gone stays here with the day it was missed, so that what still refers to it can be told of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.channels.models import LibrarySync, LibraryTemplate
from loyalty.gateways.answers import AccountTemplate
from loyalty.gateways.protocols import MiniProgram, OfficialAccount
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run

Account = OfficialAccount | MiniProgram


@dataclass(frozen=True, slots=True)
class Synced:
    """What a look at an account's templates found."""

    templates: int
    gone: int
    """Of those that were there at the look before."""


def sync_library(database: Database, account: Account, *, at: datetime) -> Synced:
    """Learn the templates of an account; call it outside any transaction.

    A failure is kept beside what was known before, and raised.

    Raises:
        WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: WeChat's answer.
    """
    try:
        templates = account.list_templates()
    except LoyaltyError as error:
        told = str(error.details.get("reason") or error.message)
        run(database, lambda session: _note_failure(session, account.appid, told, at))
        raise
    return run(database, lambda session: keep_library(session, appid=account.appid, templates=templates, at=at))


def keep_library(session: Session, *, appid: str, templates: Sequence[AccountTemplate], at: datetime) -> Synced:
    """Keep the templates that an account has at an instant; an answer older than what is known changes nothing."""
    session.execute(insert(LibrarySync).values(appid=appid).on_conflict_do_nothing(index_elements=[LibrarySync.appid]))
    sync = session.scalars(select(LibrarySync).where(LibrarySync.appid == appid).with_for_update()).one()
    if sync.synced_at is not None and sync.synced_at > at:
        return Synced(len(templates), 0)
    sync.synced_at, sync.failed_at, sync.failure = at, None, None
    for template in templates:
        _keep(session, appid, template, at)
    missing = (
        update(LibraryTemplate)
        .where(
            LibraryTemplate.appid == appid,
            LibraryTemplate.gone_at.is_(None),
            LibraryTemplate.template_id.not_in([one.template_id for one in templates]),
        )
        .values(gone_at=at)
        .returning(LibraryTemplate.id)
    )
    return Synced(len(templates), len(session.execute(missing).all()))


def _keep(session: Session, appid: str, template: AccountTemplate, at: datetime) -> None:
    known = {
        "title": template.title,
        "content": template.content,
        "choices": {key: list(values) for key, values in template.choices.items()},
        "gone_at": None,
    }
    session.execute(
        insert(LibraryTemplate)
        .values(appid=appid, template_id=template.template_id, first_seen_at=at, **known)
        .on_conflict_do_update(index_elements=[LibraryTemplate.appid, LibraryTemplate.template_id], set_=known)
    )


def _note_failure(session: Session, appid: str, failure: str, at: datetime) -> None:
    failed = {"failed_at": at, "failure": failure}
    session.execute(
        insert(LibrarySync)
        .values(appid=appid, **failed)
        .on_conflict_do_update(index_elements=[LibrarySync.appid], set_=failed)
    )
