"""The load generator against a server that counts for itself."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.load import LoadPlan, LoadResult, is_complete
from benchmarks.over_http import send

HEAD = "POST /{number} HTTP/1.1\r\nIdempotency-Key: tap-{number}\r\n"


class CountingServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["Idempotency-Key"], body))
        number = int(self.path[1:])
        if number == 13:
            self.close_connection = True
            return
        status, text = (500, b"broken") if number == 7 else (201, b"x" * 70_000)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def load(server: CountingServer, *, first: int, count: int, clients: int = 4) -> LoadResult:
    return send(
        LoadPlan(
            port=server.server_address[1], clients=clients, seconds=10, first_number=first, requests_max=count,
            head=HEAD, body="{}",
        )
    )  # fmt: skip


def test_every_request_has_another_number_and_is_answered_as_a_whole(server: CountingServer) -> None:
    result = load(server, first=100, count=40)

    assert result.statuses == {"201": 40}
    assert (result.lost, len(result.latencies_ms)) == (0, 40)
    assert sorted(server.seen) == [(f"/{n:010d}", f"tap-{n:010d}", b"{}") for n in range(100, 140)]


def test_statuses_are_told_apart_and_the_first_odd_answer_is_kept(server: CountingServer) -> None:
    result = load(server, first=1, count=10)

    assert result.statuses == {"201": 9, "500": 1}
    assert result.odd_answer.endswith("broken")


def test_a_request_without_an_answer_is_lost_not_forgotten(server: CountingServer) -> None:
    result = load(server, first=10, count=8)

    assert result.lost == 1
    assert sum(result.statuses.values()) + result.lost == len(server.seen) == 8


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", False),
        (b"HTTP/1.1 200 OK\r\nContent-Le", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
)
def test_an_answer_is_complete_when_all_of_its_body_is_there(answer: bytes, expected: bool) -> None:
    assert is_complete(answer) is expected
