"""A tiny backend that receives pushes: it keeps what came and answers as told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, bytes]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: str
    content_type: str


@dataclass
class Receiver:
    """Where the pushes go; ``answers`` decides what is said to each."""

    url: str = ""
    answers: Callable[[Received], Answer] = lambda received: (200, b"success")
    received: list[Received] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, received: Received) -> Answer:
        with self.changed:
            self.received.append(received)
            self.changed.notify_all()
        return self.answers(received)

    def wait_for(self, count: int, *, seconds: float = 10) -> list[Received]:
        """What came, as soon as there are ``count`` of them."""
        end = monotonic() + seconds
        with self.changed:
            while len(self.received) < count and monotonic() < end:
                self.changed.wait(end - monotonic())
            assert len(self.received) >= count, f"{len(self.received)} of {count} pushes came"
            return list(self.received)


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        kind = self.headers.get("Content-Type", "")
        status, answer = self.receiver.keep(Received(self.command, parts.path, query, body, kind))
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            """The sandbox gave up waiting."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def start() -> tuple[Receiver, Callable[[], None]]:
    """A receiver on a free port, and how to stop it."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"receiver": receiver}))
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/push"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return receiver, stop
