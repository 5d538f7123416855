"""Messages (推送内容) of campaigns, as the planner of messages takes them."""

from loyalty.broadcasts.rules.content import MessageContent
from loyalty.campaigns.rules.terms import SendMessage

_PORTAL = "/h5/"


def content_of(message: SendMessage) -> MessageContent:
    """Return what a message says; a page that begins with ``/h5/`` is the portal's, any other the mini program's."""
    is_portal = message.page is not None and message.page.startswith(_PORTAL)
    return MessageContent(
        title=message.title,
        body=message.body,
        link=message.page if is_portal else None,
        page=None if is_portal else message.page,
    )
