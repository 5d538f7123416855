"""A message template filled with the facts of a notice, ready to be sent."""

from dataclasses import dataclass
from enum import StrEnum

from loyalty.gateways.protocols import MiniProgramPage


class TemplateChannel(StrEnum):
    """Which of WeChat's two kinds of messages a template belongs to."""

    TEMPLATE = "template"
    """Of an Official Account (模板消息)."""
    SUBSCRIPTION = "subscription"
    """Of a mini program (订阅消息)."""


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """The content of one message, without its receiver."""

    template_id: str
    data: dict[str, str]
    url: str | None
    mini_program: MiniProgramPage | None
    page: str | None
