"""Content: what a message says and where a tap on it leads, checked before anybody gets it."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from loyalty.broadcasts.rules.errors import InvalidMessageContent
from loyalty.channels.rules.inducement import check_not_luring
from loyalty.kernel.checking import is_tidy

TITLE_MAX, BODY_MAX, LINK_MAX = 30, 200, 200
_LINK = re.compile(r"/h5/[\w\-./~%?=&]*", re.ASCII)
_PAGE = re.compile(r"[\w\-]+(/[\w\-]+)*(\?[\w\-.~%=&]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class MessageContent:
    """One marketing message: the same for everybody."""

    title: str
    body: str
    link: str | None = None
    """A path of the member pages (``/h5/…``) that a tap opens."""
    page: str | None = None
    """A page of the mini program that a tap opens."""


def check_content(content: MessageContent) -> None:
    """Make sure that a message may be sent.

    Raises:
        InvalidMessageContent: see the class.
        ValueForFollowingOrSharing: it promises something for following or sharing.
    """
    if not is_tidy(content.title, TITLE_MAX):
        raise InvalidMessageContent(field="title")
    if not is_tidy(content.body.replace("\n", " "), BODY_MAX):
        raise InvalidMessageContent(field="body")
    check_not_luring([content.title, content.body])
    if content.link is not None and not is_inside(content.link):
        raise InvalidMessageContent(field="link")
    if content.page is not None and (len(content.page) > LINK_MAX or not _PAGE.fullmatch(content.page)):
        raise InvalidMessageContent(field="page")


def is_inside(link: str) -> bool:
    """Tell whether a link leads to a member page of ours and nowhere else."""
    return len(link) <= LINK_MAX and bool(_LINK.fullmatch(link)) and "//" not in link and ".." not in unquote(link)
