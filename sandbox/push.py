"""Pushes (消息推送) to the system under test: signed, in three modes, tried three times.

A try has ``push_timeout_seconds`` (5 on the real platform) to answer; the next one starts when that time is over. The
fault queue may delay, lose, repeat, hold back or spoil a push.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests

from sandbox import crypto, wire
from sandbox.clock import iso
from sandbox.config import Account
from sandbox.faults import Fault, overlay
from sandbox.replies import Reply, no_answer, understand
from sandbox.world import World

TRIES = 3
LIMIT_REPLY = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Push:
    """One message or event for the owner of an account. ``raw`` replaces the body made from the fields."""

    appid: str
    openid: str
    fields: Mapping[str, Any]
    raw: str | None = None
    mode: str | None = None
    is_conversation: bool = False
    """Whether a missing or wrong answer shows in the person's chat."""

    @property
    def name(self) -> str:
        """The event's name, or the message type."""
        return str(self.fields.get("Event") or self.fields.get("MsgType") or "raw")


@dataclass(frozen=True, kw_only=True)
class Sending:
    """One signed HTTP request, ready to be sent."""

    url: str
    body: str
    content_type: str


@dataclass(kw_only=True)
class Outcome:
    """What came of a push: ``answered``, ``failed`` (no answer in three tries), ``dropped`` or ``no push_url``."""

    status: str
    tries: list[dict[str, Any]] = field(default_factory=list)
    reply: Reply | None = None

    def public(self) -> dict[str, Any]:
        """As the control API tells it."""
        return {"tries": len(self.tries), "status": self.status, "reply": self.reply.fields if self.reply else None}


def event(
    world: World, *, account: Account, openid: str, name: str, extra: Mapping[str, Any], is_conversation: bool = False
) -> Push:
    """A push of MsgType ``event``."""
    head = {"ToUserName": account.original_id, "FromUserName": openid, "CreateTime": int(world.clock.now())}
    fields = {**head, "MsgType": "event", "Event": name, **extra}
    return Push(appid=account.appid, openid=openid, fields=fields, is_conversation=is_conversation)


def later(world: World, push: Push, *, delay: float | None = None) -> None:
    """Sends the push soon, in the background."""
    wait = world.config.event_delay_seconds if delay is None else delay
    world.scheduler.later(wait, lambda: send(world, push))


def send(world: World, push: Push) -> Outcome:
    """Sends the push now and waits for the answer or the end of the third try; the reply lands in the person's chat."""
    account = world.account(push.appid)
    if account is None or not account.push_url:
        return Outcome(status="no push_url")
    fault = world.faults.take(target="push", path=account.push_url, appid=push.appid, event=push.name) or Fault(
        target="push"
    )
    if fault.reorder:
        world.gates.hold_back(push.appid, seconds=world.config.push_timeout_seconds)
    if fault.delay_ms:
        world.stopping.wait(fault.delay_ms / 1000)
    outcome = Outcome(status="dropped") if fault.drop == "before" else _deliver(world, account, push, fault)
    world.gates.let_go(push.appid)
    _log(world, account, push, outcome, fault)
    return outcome


def _deliver(world: World, account: Account, push: Push, fault: Fault) -> Outcome:
    outcome = Outcome(status="failed")
    for attempt in range(TRIES):
        sending = _sending(world, account, push, fault)
        copies = [
            threading.Thread(target=_try, args=(world, sending), daemon=True)
            for _ in range(fault.duplicate if attempt == 0 else 0)
        ]
        for copy in copies:
            copy.start()
        started = time.monotonic()
        tried, response = _try(world, sending)
        outcome.tries.append(tried)
        for copy in copies:
            copy.join()
        if response is not None and fault.drop != "after":
            outcome.status = "answered"
            outcome.reply = understand(world, account, push.openid, response, mode=push.mode or account.push_mode)
            break
        if attempt < TRIES - 1:
            world.stopping.wait(max(0.0, world.config.push_timeout_seconds - (time.monotonic() - started)))
    if push.is_conversation:
        (outcome.reply or no_answer()).show(world, account, push.openid)
    return outcome


def _try(world: World, sending: Sending) -> tuple[dict[str, Any], str | None]:
    """One request; the text of the answer, or None when there was none in time or its status was not 200."""
    started = time.monotonic()
    tried: dict[str, Any] = {"at": iso(world.clock.now())}
    text: str | None = None
    try:
        answer = requests.post(
            sending.url,
            data=sending.body.encode(),
            headers={"Content-Type": sending.content_type, "User-Agent": "Mozilla/4.0"},
            timeout=world.config.push_timeout_seconds,
            allow_redirects=False,
        )
        tried["http"] = answer.status_code
        text = answer.content[:LIMIT_REPLY].decode("utf-8", "replace") if answer.status_code == 200 else None
    except requests.RequestException as error:
        tried["error"] = type(error).__name__
    tried["ms"] = round((time.monotonic() - started) * 1000)
    return tried, text


def _sending(world: World, account: Account, push: Push, fault: Fault) -> Sending:
    """Signs the push anew for each try, with the fault's spoiling."""
    fields = overlay(dict(push.fields), fault)
    write = wire.to_json if account.push_format == "json" else wire.to_xml
    plain = push.raw if push.raw is not None else write(fields)
    mode = push.mode or account.push_mode
    query = _signed(world, account, shift=fault.timestamp_shift)
    body = plain
    if mode != "plain":
        cipher = crypto.encrypt(
            plain, aes_key=account.aes_key, appid=fault.cipher_appid or account.appid, prefix=world.random.data(16)
        )
        query["encrypt_type"] = "aes"
        query["msg_signature"] = crypto.signature(account.token, query["timestamp"], query["nonce"], cipher)
        kept = fields if mode == "compatible" else {"ToUserName": account.original_id}
        body = write({**kept, "Encrypt": cipher})
    if fault.signature == "wrong":
        query.update({name: query[name][::-1] for name in ("signature", "msg_signature") if name in query})
    query["openid"] = push.openid
    kind = "application/json" if account.push_format == "json" else "text/xml"
    return Sending(url=_with_query(account.push_url, query), body=body, content_type=kind)


def verify_url(world: World, account: Account) -> dict[str, Any]:
    """Checks the push URL as the console does: a signed GET must be answered with ``echostr`` and nothing else."""
    query = {**_signed(world, account, shift=0), "echostr": world.random.digits(19)}
    try:
        answer = requests.get(
            _with_query(account.push_url, query), timeout=world.config.push_timeout_seconds, allow_redirects=False
        )
    except requests.RequestException as error:
        return {"ok": False, "http": None, "body": type(error).__name__}
    ok = answer.status_code == 200 and answer.text == query["echostr"]
    return {"ok": ok, "http": answer.status_code, "body": answer.text[:1000]}


def _signed(world: World, account: Account, *, shift: int) -> dict[str, str]:
    timestamp, nonce = str(int(world.clock.now()) + shift), world.random.digits(10)
    return {"signature": crypto.signature(account.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _log(world: World, account: Account, push: Push, outcome: Outcome, fault: Fault) -> None:
    world.logs.pushes.add(
        {
            "at": iso(world.clock.now()),
            "appid": push.appid,
            "event": push.name,
            "openid": push.openid,
            "mode": push.mode or account.push_mode,
            "url": account.push_url,
            "fields": overlay(dict(push.fields), fault),
            "status": outcome.status,
            "tries": outcome.tries,
            "reply": outcome.reply.fields if outcome.reply else None,
            "problem": outcome.reply.problem if outcome.reply else None,
            "fault": fault.id or None,
        }
    )
