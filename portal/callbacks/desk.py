"""What a process keeps at hand to answer pushes within a second: seals, and replies for some seconds."""

import threading
import time
from collections.abc import Sequence

from loyalty.channels import queries
from loyalty.channels.rules.pushes import PushContent
from loyalty.channels.rules.replies import ReplyBook, answer
from loyalty.container import UnknownAccount
from loyalty.gateways.pushes import PushSeal
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.settings import WechatAccount

BOOK_SECONDS = 5.0
"""How long after a change in the console an old reply may still be given."""


class Desk:
    """One for a process; safe to use from several threads."""

    def __init__(self, accounts: Sequence[WechatAccount]) -> None:
        self._seals = {account.appid: PushSeal(account) for account in accounts}
        self._answering = {account.appid for account in accounts if account.kind == "oa"}
        self._books: dict[str, tuple[float, ReplyBook]] = {}
        self._lock = threading.Lock()

    def seal(self, appid: str) -> PushSeal:
        """Return the seal of an account.

        Raises:
            UnknownAccount: no such account.
        """
        try:
            return self._seals[appid]
        except KeyError as error:
            raise UnknownAccount(appid=appid) from error

    def reply_to(self, database: Database, *, appid: str, content: PushContent) -> str | None:
        """Return what to say to a push; mini programs cannot answer one."""
        if appid not in self._answering:
            return None
        return answer(self._book(database, appid), content)

    def _book(self, database: Database, appid: str) -> ReplyBook:
        book = self._fresh(appid)
        if book is not None:
            return book
        with self._lock:
            book = self._fresh(appid)
            if book is None:
                book = run(database, lambda session: queries.reply_book(session, appid=appid))
                self._books[appid] = (time.monotonic() + BOOK_SECONDS, book)
            return book

    def _fresh(self, appid: str) -> ReplyBook | None:
        until, book = self._books.get(appid, (0.0, None))
        return book if time.monotonic() < until else None
