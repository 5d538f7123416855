"""Custom events (自定义事件): what else a system may report of a member, for earning rules to pay.

The kind ``review`` stands for a review of a purchase (评价), which rules know by itself.
"""

from dataclasses import dataclass
from datetime import datetime

from loyalty.earning.rules.checking import CUSTOM_KIND
from loyalty.kernel.errors import InvalidInput
from loyalty.orders.rules import CLOCK_SKEW_MAX


class InvalidPartnerEvent(InvalidInput):
    """The kind or the time of an event makes no sense."""

    code = "invalid_partner_event"
    message = "事件类型须以小写字母开头、40 个字符以内，只用小写字母、数字、_ 和 .，发生时间不能在将来"


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """An event as a system tells it, under a number of its own."""

    store_code: str
    event_id: str
    kind: str
    occurred_at: datetime


def check_event(event: ReportedEvent, *, at: datetime) -> None:
    """Refuse an event that no rule could look at.

    Raises:
        InvalidPartnerEvent: with the field in ``details``.
    """
    if not CUSTOM_KIND.fullmatch(event.kind):
        raise InvalidPartnerEvent(field="kind")
    if event.occurred_at > at + CLOCK_SKEW_MAX:
        raise InvalidPartnerEvent(field="occurred_at")
