"""The fault queue: what should go wrong, with which call or push, how often.

A fault matches a target (``api`` calls, ``push``, ``notify`` for callbacks of WeChat Pay, ``transfer`` for what becomes
of a bill by itself), then lets ``after`` matches pass, then strikes ``times`` times (-1 for ever). One call or push
suffers one fault at most: the oldest that matches.
"""

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

FOR_EVER = -1


class FaultInvalid(Exception):
    """A fault is described wrongly; the text names the field."""


@dataclass(kw_only=True)
class Fault:
    """One thing that goes wrong. Fields from ``errcode`` to ``truncate`` shape the answer of a call, ``delay_ms``,
    ``drop`` and ``set`` work on calls, pushes and callbacks, ``state`` and ``fail_reason`` on transfers, the rest on
    pushes and callbacks; ``signature`` and ``timestamp_shift`` also on the signed answers of WeChat Pay.
    """

    id: int = 0
    target: str = "api"
    method: str | None = None
    path: str | None = None
    appid: str | None = None
    event: str | None = None
    times: int = 1
    after: int = 0
    errcode: int | None = None
    errmsg: str | None = None
    code: str | None = None
    http: int | None = None
    body: str | None = None
    apply: bool = False
    unset: list[str] = field(default_factory=list)
    truncate: int | None = None
    delay_ms: int = 0
    answer_delay_ms: int = 0
    drop: str | None = None
    set: dict[str, Any] = field(default_factory=dict)
    duplicate: int = 0
    reorder: bool = False
    signature: str | None = None
    timestamp_shift: int = 0
    cipher_appid: str | None = None
    key: str | None = None
    replay: int = 0
    state: str | None = None
    fail_reason: str | None = None

    def matches(self, *, target: str, method: str, path: str, appid: str, event: str) -> bool:
        """Whether this fault is meant for such a call or push."""
        return (
            self.target == target
            and self.method in (None, method)
            and self.appid in (None, appid)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.event is None or re.search(self.event, event) is not None)
        )


class Faults:
    """The queue; safe to use from several threads."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._lock = threading.Lock()
        self._last = 0

    def add(self, given: dict[str, Any]) -> Fault:
        """Queues a fault. Raises FaultInvalid."""
        fault = _read(given)
        with self._lock:
            self._last += 1
            fault.id = self._last
            self._queue.append(fault)
        return fault

    def take(self, *, target: str, method: str = "", path: str = "", appid: str = "", event: str = "") -> Fault | None:
        """The fault that strikes now, if any; counts it."""
        with self._lock:
            for fault in self._queue:
                if not fault.matches(target=target, method=method, path=path, appid=appid, event=event):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times != FOR_EVER:
                    fault.times -= 1
                    if fault.times == 0:
                        self._queue.remove(fault)
                return fault
        return None

    def queued(self) -> list[dict[str, Any]]:
        """The faults that can still strike."""
        with self._lock:
            return [asdict(fault) for fault in self._queue]

    def clear(self) -> None:
        """Empties the queue."""
        with self._lock:
            self._queue.clear()


def _read(given: dict[str, Any]) -> Fault:
    named = {key: value for key, value in given.items() if key != "id"}
    try:
        fault = Fault(**named)
        re.compile(fault.path or "")
        re.compile(fault.event or "")
    except TypeError as error:
        raise FaultInvalid(f"unknown field: {str(error).split()[-1]}") from error
    except re.error as error:
        raise FaultInvalid(f"path and event must be regular expressions: {error}") from error
    _check(fault)
    return fault


def _check(fault: Fault) -> None:
    for name, allowed in {
        "target": ("api", "push", "notify", "transfer"),
        "drop": (None, "before", "after"),
        "signature": (None, "wrong", "signtest", "serial", "none"),
        "key": (None, "wrong"),
        "state": (None, "ACCEPTED", "PROCESSING", "TRANSFERING"),
    }.items():
        if getattr(fault, name) not in allowed:
            raise FaultInvalid(f"{name} must be one of {', '.join(str(one) for one in allowed if one)}")
    for name in ("times", "after", "delay_ms", "answer_delay_ms", "duplicate", "timestamp_shift", "replay"):
        if not isinstance(getattr(fault, name), int):
            raise FaultInvalid(f"{name} must be an integer")
    if fault.times == 0 or fault.times < FOR_EVER:
        raise FaultInvalid("times must be positive, or -1 for ever")


def overlay(body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """A copy of an answer with the fault's ``set`` and ``unset`` applied; names may be dotted paths."""
    changed = _copy(body)
    for path, value in fault.set.items():
        *parents, last = path.split(".")
        spot = changed
        for name in parents:
            spot = spot.setdefault(name, {})
        spot[last] = value
    for name in fault.unset:
        changed.pop(name, None)
    return changed


def _copy(value: dict[str, Any]) -> dict[str, Any]:
    return {key: _copy(one) if isinstance(one, dict) else one for key, one in value.items()}
