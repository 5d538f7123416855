"""Calling WeChat for a group of messages: several at once, no faster than an account may be called."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.links import go_path, page_with
from loyalty.broadcasts.service.claiming import Claim
from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.notices.service import Accounts

AT_ONCE = 8
_NO_ACCOUNT = SendOutcome(SendState.FAILED_FINAL, reason=SendReason.NOT_PERMITTED, detail="no such account")
_NOT_CALLED = SendOutcome(SendState.FAILED_RETRY, reason=SendReason.QUOTA_USED, detail="not called after a stop")


class Courier:
    """Sends messages of broadcasts. Its threads live as long as it is entered."""

    def __init__(self, accounts: Accounts, *, a_second: int, public_base_url: str) -> None:
        self._accounts, self._base = accounts, public_base_url.rstrip("/")
        self._every, self._next = 1 / a_second, dict[str, float]()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="courier")

    def __enter__(self) -> "Courier":
        """Begin."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Let the calls under way end."""
        self._pool.shutdown()

    def send(self, claims: Sequence[Claim], *, content: MessageContent) -> list[SendOutcome]:
        """Send one message to many; an outcome for each of them, in their order."""
        stopped: set[tuple[str, Channel]] = set()
        return list(self._pool.map(lambda claim: self._unless_stopped(claim, content, stopped), claims))

    def _unless_stopped(self, claim: Claim, content: MessageContent, stopped: set[tuple[str, Channel]]) -> SendOutcome:
        """Call WeChat, but not where it has just said stop to another message of the group."""
        self._wait_turn(claim.appid)
        if (claim.appid, claim.channel) in stopped:
            return _NOT_CALLED
        outcome = self._send(claim, content)
        if outcome.reason is SendReason.QUOTA_USED:
            stopped.add((claim.appid, claim.channel))
        return outcome

    def _send(self, claim: Claim, content: MessageContent) -> SendOutcome:
        if claim.channel is Channel.CUSTOMER:
            return self._write(claim, content)
        account = self._accounts.mini_programs.get(claim.appid)
        if account is None or claim.message is None:
            return _NO_ACCOUNT
        opened = content.page or claim.message.page
        return account.send_subscription(
            openid=claim.openid,
            template_id=claim.message.template_id,
            data=claim.message.data,
            page=page_with(opened, claim.token) if opened else None,
        )

    def _write(self, claim: Claim, content: MessageContent) -> SendOutcome:
        account = self._accounts.official_accounts.get(claim.appid) or self._accounts.mini_programs.get(claim.appid)
        if account is None:
            return _NO_ACCOUNT
        text = f"{content.title}\n{content.body}"
        if content.link is not None and claim.appid in self._accounts.official_accounts:
            text += f'\n<a href="{self._base}{go_path(claim.token)}">点此查看</a>'
        return account.send_customer_text(openid=claim.openid, text=f"{text}\n回复 TD 退订")

    def _wait_turn(self, appid: str) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next.get(appid, now))
            self._next[appid] = turn + self._every
        time.sleep(max(0.0, turn - now))
