"""Whether every template setting (消息模板设置) still fits the templates that its account has at WeChat.

Nothing is switched off here: what is broken is told of and counted, and a person decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.channels.models import LibrarySync, LibraryTemplate, MessageTemplate
from loyalty.channels.rules import Shape, keys_of, mapping_problems

Facts = Mapping[str, Mapping[str, str]]
"""By kind of notice the facts that it has, each with its sort."""


@dataclass(frozen=True, slots=True)
class LibraryView:
    """One template of an account (模板)."""

    appid: str
    template_id: str
    title: str
    content: str
    keys: Sequence[str]
    choices: Mapping[str, Sequence[str]]
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class SyncView:
    """How the latest look at an account's templates went."""

    synced_at: datetime | None
    failed_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class CheckedSetting:
    """One template setting, and what is wrong with it."""

    setting: MessageTemplate
    is_checked: bool
    """Whether the account's templates are known; else only the mapping itself was looked at."""
    problems: Sequence[str]

    @property
    def is_broken(self) -> bool:
        """Whether messages are being sent by a setting that cannot work."""
        return self.setting.is_enabled and bool(self.problems)


def list_library(session: Session, *, appid: str | None = None) -> list[LibraryView]:
    """Return the templates of one account or of all, those that are gone last."""
    query = select(LibraryTemplate).order_by(
        LibraryTemplate.appid, LibraryTemplate.gone_at.desc().nulls_first(), LibraryTemplate.id
    )
    if appid is not None:
        query = query.where(LibraryTemplate.appid == appid)
    return [_view(one) for one in session.scalars(query)]


def find_template(session: Session, *, appid: str, template_id: str) -> LibraryView | None:
    """Return a template that an account has or had; None for one that was never seen."""
    found = session.scalar(
        select(LibraryTemplate).where(LibraryTemplate.appid == appid, LibraryTemplate.template_id == template_id)
    )
    return None if found is None else _view(found)


def last_syncs(session: Session) -> dict[str, SyncView]:
    """Return by account how the latest look at its templates went."""
    return {
        one.appid: SyncView(one.synced_at, one.failed_at, one.failure) for one in session.scalars(select(LibrarySync))
    }


def is_synced(session: Session, *, appid: str) -> bool:
    """Tell whether WeChat ever told which templates an account has."""
    found = select(LibrarySync.appid).where(LibrarySync.appid == appid, LibrarySync.synced_at.is_not(None))
    return session.scalar(found) is not None


def check_settings(session: Session, *, facts: Facts) -> list[CheckedSetting]:
    """Check every template setting against its notice and against the account's templates."""
    library = {(one.appid, one.template_id): one for one in list_library(session)}
    known = {appid for appid, sync in last_syncs(session).items() if sync.synced_at is not None}
    settings = session.scalars(select(MessageTemplate).order_by(MessageTemplate.appid, MessageTemplate.notice_kind))
    return [
        _checked(one, facts.get(one.notice_kind), library.get((one.appid, one.template_id)), one.appid in known)
        for one in settings
    ]


def count_broken(session: Session, *, facts: Facts) -> int:
    """Count the settings in use that cannot work, for metrics and alarms."""
    return sum(one.is_broken for one in check_settings(session, facts=facts))


def problems_against(
    mapping: Mapping[str, str], *, facts: Mapping[str, str], template: LibraryView | None, is_known: bool
) -> list[str]:
    """Return what is wrong with a mapping to a template, of an account whose templates are known or not."""
    if not is_known:
        return mapping_problems(mapping, facts=facts)
    if template is None:
        return ["微信账号中没有这个模板"]
    if template.gone_at is not None:
        return ["模板已在微信中删除"]
    return mapping_problems(mapping, facts=facts, template=Shape(template.content, template.choices))


def _checked(
    setting: MessageTemplate, facts: Mapping[str, str] | None, template: LibraryView | None, is_known: bool
) -> CheckedSetting:
    if facts is None:
        return CheckedSetting(setting, is_known, ["没有这种消息"])
    problems = problems_against(setting.mapping, facts=facts, template=template, is_known=is_known)
    return CheckedSetting(setting, is_known, problems)


def _view(template: LibraryTemplate) -> LibraryView:
    return LibraryView(
        appid=template.appid,
        template_id=template.template_id,
        title=template.title,
        content=template.content,
        keys=keys_of(template.content),
        choices=template.choices,
        gone_at=template.gone_at,
    )
