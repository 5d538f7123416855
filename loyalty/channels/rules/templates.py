"""A message template filled with the facts of a notice, ready to be sent."""

from dataclasses import dataclass
from enum import StrEnum

from loyalty.gateways.answers import MiniProgramPage
from loyalty.kernel.errors import InvalidInput


class TemplateChannel(StrEnum):
    """Which of WeChat's two kinds of messages a template belongs to."""

    TEMPLATE = "template"
    """Of an Official Account (模板消息)."""
    SUBSCRIPTION = "subscription"
    """Of a mini program (订阅消息)."""


MARKETING_KINDS = frozenset({"campaign"})
"""Kinds of notices that are marketing. A template message carries service notices only, or the account is punished."""


class MarketingByTemplateMessage(InvalidInput):
    """A kind of marketing shall go by template message."""

    code = "marketing_by_template_message"
    message = "模板消息只能发送服务通知，活动消息不可使用模板消息"


def check_may_carry(*, notice_kind: str, channel: str) -> None:
    """Refuse to let template messages carry marketing.

    Raises:
        MarketingByTemplateMessage: see the class.
    """
    if notice_kind in MARKETING_KINDS and channel == TemplateChannel.TEMPLATE:
        raise MarketingByTemplateMessage(notice_kind=notice_kind)


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """The content of one message, without its receiver."""

    template_id: str
    data: dict[str, str]
    url: str | None
    mini_program: MiniProgramPage | None
    page: str | None
