"""Message templates: which template of an account carries which notice, checked when it is set."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.channels.library import find_template, is_synced, problems_against
from loyalty.channels.models import MessageTemplate
from loyalty.channels.rules import MappingRefused
from loyalty.channels.rules.templates import TemplateChannel, check_may_carry
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.kernel.errors import NotFound

_FIELDS = ("template_id", "title", "mapping", "url", "mini_program_appid", "page", "is_enabled")


class TemplateNotFound(NotFound):
    """No such template setting."""

    code = "template_not_found"
    message = "没有找到这个消息模板设置"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """How a notice becomes a message of one account."""

    template_id: str
    title: str
    mapping: Mapping[str, str]
    url: str | None = None
    mini_program_appid: str | None = None
    page: str | None = None
    is_enabled: bool = True


def save_template(
    session: Session,
    *,
    appid: str,
    notice_kind: str,
    channel: TemplateChannel,
    settings: TemplateSettings,
    facts: Mapping[str, str],
    actor: Actor,
    at: datetime,
) -> int:
    """Set the template of a notice in one account.

    ``facts`` names the facts of the notice with their sort (``text``, ``points``, ``instant``). Once the
    account's templates are known, the setting must fit the one it names.

    Raises:
        MarketingByTemplateMessage: a kind of marketing is mapped to a template message.
        MappingRefused: the account has no such template, or a key cannot hold what the mapping puts
            there; every problem is named.
    """
    check_may_carry(notice_kind=notice_kind, channel=channel)
    _check_fits(session, appid, settings, facts)
    values = asdict(settings) | {"mapping": dict(settings.mapping), "updated_at": at}
    known = select(MessageTemplate).filter_by(appid=appid, notice_kind=notice_kind, channel=channel)
    before = session.scalar(known)
    _audit(session, "save", appid, _facts(before), _plain(values), actor, at)
    return session.scalars(
        insert(MessageTemplate)
        .values(appid=appid, notice_kind=notice_kind, channel=channel.value, **values)
        .on_conflict_do_update(
            index_elements=[MessageTemplate.appid, MessageTemplate.notice_kind, MessageTemplate.channel],
            set_=values,
        )
        .returning(MessageTemplate.id)
    ).one()


def delete_template(session: Session, *, template_setting_id: int, actor: Actor, at: datetime) -> None:
    """Stop sending a notice by this template.

    Raises:
        TemplateNotFound: no such setting.
    """
    template = session.get(MessageTemplate, template_setting_id)
    if template is None:
        raise TemplateNotFound(template_setting_id=template_setting_id)
    _audit(session, "delete", template.appid, _facts(template), None, actor, at)
    session.delete(template)
    session.flush()


def _check_fits(session: Session, appid: str, settings: TemplateSettings, facts: Mapping[str, str]) -> None:
    problems = problems_against(
        settings.mapping,
        facts=facts,
        template=find_template(session, appid=appid, template_id=settings.template_id),
        is_known=is_synced(session, appid=appid),
    )
    if problems:
        raise MappingRefused(problems=problems)


def _facts(template: MessageTemplate | None) -> Json | None:
    return None if template is None else {name: getattr(template, name) for name in _FIELDS}


def _plain(values: Json) -> Json:
    return {name: values[name] for name in _FIELDS}


def _audit(
    session: Session,
    verb: str,
    appid: str,
    before: Json | None,
    after: Json | None,
    actor: Actor,
    at: datetime,
) -> None:
    audit.write(
        session,
        actor=actor,
        action=f"channels.template_{verb}",
        subject=f"account:{appid}",
        before=before,
        after=after,
        at=at,
    )
