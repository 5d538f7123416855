"""Template settings (消息模板设置) against the facts of their notices and against WeChat's templates."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from loyalty.channels import library
from loyalty.channels.library import CheckedSetting
from loyalty.notices.rules import KINDS


def check_settings(session: Session) -> list[CheckedSetting]:
    """Return every template setting with what is wrong with it."""
    return library.check_settings(session, facts=_facts())


def count_broken(session: Session) -> int:
    """Count the settings in use that cannot work."""
    return library.count_broken(session, facts=_facts())


def _facts() -> Mapping[str, Mapping[str, str]]:
    return {kind: definition.facts for kind, definition in KINDS.items()}
