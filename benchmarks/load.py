"""The load generator: keep-alive connections to this machine, each with one request under way, in a process of its own.

``python -m benchmarks.load`` reads a plan as JSON from standard input and answers with what it saw. It imports
nothing heavy and does little for each request, since it shares the processors with what it measures. It is bounded
in time and in requests, and every answer to a request that was sent is waited for.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

from benchmarks.wire import Template

LOOPBACK = "127.0.0.1"
ANSWER_SECONDS = 15.0
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True)
class LoadPlan:
    """What to send: the same request again and again, ``{number}`` in it replaced by ever new numbers."""

    port: int
    clients: int
    seconds: float
    first_number: int
    requests_max: int
    head: str
    body: str = ""
    secret: str = ""
    """That of a partner's key, when the requests are to be signed."""


@dataclass
class LoadResult:
    """What came back: statuses as text, with how often; latencies in milliseconds."""

    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    """Requests that got no answer."""
    latencies_ms: list[float] = field(default_factory=list)
    odd_answer: str = ""
    """The first answer that was no success."""


class _Generator:
    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._template = Template(head=plan.head, body=plan.body, host=f"{LOOPBACK}:{plan.port}", secret=plan.secret)
        self._selector = selectors.DefaultSelector()
        self._sent_at: dict[socket.socket, float] = {}
        self._received: dict[socket.socket, bytes] = {}
        self._sent = 0
        self._deadline = 0.0
        self._statuses: Counter[str] = Counter()
        self._result = LoadResult()

    def run(self) -> LoadResult:
        connections = [socket.create_connection((LOOPBACK, self._plan.port)) for _ in range(self._plan.clients)]
        started_at = time.perf_counter()
        self._deadline = started_at + self._plan.seconds
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(connection, selectors.EVENT_READ)
            self._send(connection)
        while self._sent_at and time.perf_counter() < self._deadline + ANSWER_SECONDS:
            for key, _ in self._selector.select(0.5):
                assert isinstance(key.fileobj, socket.socket)
                self._receive(key.fileobj)
        self._result.seconds = time.perf_counter() - started_at
        self._result.lost += len(self._sent_at)
        self._result.statuses = dict(self._statuses)
        for connection in connections:
            connection.close()
        return self._result

    def _send(self, connection: socket.socket) -> None:
        now = time.perf_counter()
        if now >= self._deadline or self._sent >= self._plan.requests_max:
            self._sent_at.pop(connection, None)
            return
        request = self._template.request(self._plan.first_number + self._sent)
        self._sent += 1
        self._sent_at[connection] = now
        connection.sendall(request)

    def _receive(self, connection: socket.socket) -> None:
        try:
            chunk = connection.recv(65536)
        except OSError:
            chunk = b""
        answer = self._received.pop(connection, b"") + chunk
        if not chunk:
            self._result.lost += 1 if self._sent_at.pop(connection, None) else 0
            self._selector.unregister(connection)
        elif is_complete(answer):
            self._note(answer, connection)
            self._send(connection)
        else:
            self._received[connection] = answer

    def _note(self, answer: bytes, connection: socket.socket) -> None:
        self._result.latencies_ms.append((time.perf_counter() - self._sent_at[connection]) * 1000)
        status = answer[9:12].decode()
        self._statuses[status] += 1
        if not status.startswith("2") and not self._result.odd_answer:
            self._result.odd_answer = answer[-400:].decode(errors="replace")


def is_complete(answer: bytes) -> bool:
    """Tell whether an answer with a Content-Length has arrived as a whole."""
    head, end, body = answer.partition(_END_OF_HEAD)
    if not end:
        return False
    _, named, rest = head.lower().partition(_LENGTH)
    return not named or len(body) >= int(rest.partition(b"\r\n")[0])


def main() -> None:
    """Send the load of the plan on standard input."""
    result = _Generator(LoadPlan(**json.load(sys.stdin))).run()
    json.dump(asdict(result), sys.stdout)


if __name__ == "__main__":
    main()
