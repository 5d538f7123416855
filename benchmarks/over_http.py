"""Requests over HTTP, with the processor time that the web and database servers spend on each."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, percentile
from benchmarks.load import ANSWER_SECONDS, LoadPlan, LoadResult
from benchmarks.seed import token_of
from benchmarks.stand import Shop
from benchmarks.usage import processor_seconds
from benchmarks.web import WebServer
from trial.paths import PROJECT


@dataclass(frozen=True)
class Request:
    """What each client sends; ``{number}`` in it is the member's number."""

    method: str
    path: str
    status: int
    body: str = ""
    headers: tuple[str, ...] = ()
    authorization: str = f"Authorization: Bearer {token_of('{number}')}"
    """As a mini program sends it; a partner's system signs with ``secret``."""
    secret: str = field(default="", repr=False)

    @property
    def head(self) -> str:
        """The request line and headers."""
        content = ("Content-Type: application/json",) if self.body else ()
        lines = (f"{self.method} {self.path} HTTP/1.1", self.authorization, *self.headers, *content)
        return "".join(f"{line}\r\n" for line in lines)


@dataclass
class MemberNumbers:
    """Members to send for: each once where every request needs another, else from the first again each round."""

    count: int
    is_each_once: bool
    _next: int = field(default=1, init=False)

    def take(self) -> int:
        """Return the first number of the next round.

        Raises:
            BenchFailed: all members are used up.
        """
        if self._next > self.count:
            raise BenchFailed(f"all {self.count} members are used up: seed more, or measure for shorter")
        return self._next

    def use(self, sent: int) -> None:
        """Note how many were sent for."""
        self._next += sent if self.is_each_once else 0

    @property
    def left(self) -> int:
        """How many there are still."""
        return self.count - self._next + 1


@dataclass(frozen=True)
class HttpSide:
    """Sends one request again and again to a web server; ``check`` sees the result of each round."""

    web: WebServer
    shop: Shop
    request: Request
    numbers: MemberNumbers
    clients: int
    check: Callable[[LoadResult], None] = lambda _result: None

    def measure(self, seconds: float) -> Sample:
        """Send for so many seconds."""
        plan = LoadPlan(
            port=self.web.port,
            clients=self.clients,
            seconds=seconds,
            first_number=self.numbers.take(),
            requests_max=self.numbers.left,
            head=self.request.head,
            body=self.request.body,
            secret=self.request.secret,
        )
        before = self._spent()
        result = send(plan)
        after = self._spent()
        self.numbers.use(sum(result.statuses.values()) + result.lost)
        self.check(result)
        return self._sample(result, [end - start for start, end in zip(before, after, strict=True)])

    def _spent(self) -> list[float]:
        leaders = self.web.pid, self.shop.postgres.pid
        return [processor_seconds(leader) or 0.0 for leader in leaders]

    def _sample(self, result: LoadResult, spent: list[float]) -> Sample:
        answered = sum(result.statuses.values())
        done = result.statuses.get(str(self.request.status), 0)
        if not done:
            raise BenchFailed(f"{self.request.path} answers {result.statuses}: {result.odd_answer}")
        ordered = sorted(result.latencies_ms)
        python, postgres = (seconds * 1e6 / answered for seconds in spent)
        return Sample(
            per_second=done / result.seconds,
            done=done,
            errors=answered - done + result.lost,
            p50_ms=percentile(ordered, 0.50),
            p99_ms=percentile(ordered, 0.99),
            python_us=python,
            postgres_us=postgres,
        )


def send(plan: LoadPlan) -> LoadResult:
    """Send a load from a process of its own.

    Raises:
        BenchFailed: the generator did not come to its end.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(plan)),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=plan.seconds + ANSWER_SECONDS * 2,
        check=False,
    )
    if done.returncode != 0:
        raise BenchFailed(f"the load generator failed: {done.stderr.strip()[-400:]}")
    return LoadResult(**json.loads(done.stdout))
