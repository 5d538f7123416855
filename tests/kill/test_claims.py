"""Killing a web process in a flash sale: who was cut off asks again, and the stock is issued exactly."""

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
import requests
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.coupons.rules.terms import MemberLimits
from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.service import open_session
from tests.browser.system import free_port
from tests.factories.coupons import issue_to, issued_of, make_template, terms_of
from tests.factories.members import make_identity, make_member
from tests.kill.conftest import RECOVERY_SECONDS, Installation, children_of
from tests.support.races import one_who_waits
from trial.environment import LOCAL
from trial.processes import wait_until

pytestmark = pytest.mark.kill

STOCK, CLIENTS = 9, 12
_HOLD_THE_STOCK = text(
    "SELECT FROM limit_counters WHERE subject = 'coupon_template:' || :id AND entity = 'all' FOR NO KEY UPDATE"
)
_WORST = text(
    "SELECT max(count) FROM (SELECT count(*) FROM coupons WHERE template_id = :id GROUP BY member_id) AS held"
)


class Shopper:
    """Somebody at a phone who taps, and taps again with the same key when the answer is lost."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "the-same-tap-again"}
        self.status = 0
        self.was_cut_off = Event()

    def claim(self) -> None:
        assert wait_until(self._is_answered, within_seconds=RECOVERY_SECONDS)

    def _is_answered(self) -> bool:
        try:
            answer = requests.post(self._address, json={}, headers=self._headers, timeout=20)
        except requests.ConnectionError:
            self.was_cut_off.set()
            return False
        self.status = answer.status_code
        return self.status != 503


def open_sale(installation: Installation, port: int) -> tuple[int, Sequence[Shopper]]:
    """A template with a stock, of which somebody has a coupon already, and people who want the others."""
    at = installation.now()

    def make(session: Session) -> tuple[int, list[str]]:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)), stock=STOCK + 1, at=at)
        issue_to(session, make_member(session).id, template_id, at=at)
        identities = [
            make_identity(session, member=make_member(session), kind=IdentityKind.MINI_PROGRAM) for _ in range(CLIENTS)
        ]
        return template_id, [
            open_session(session, identity_id=one.id, door=Door.MINI_PROGRAM, at=at) for one in identities
        ]

    template_id, tokens = run(installation.database, make)
    address = f"http://{LOCAL}:{port}/miniprogram/v1/coupon-centre/{template_id}/claims"
    return template_id, [Shopper(address, token) for token in tokens]


@contextmanager
def held_up(installation: Installation, template_id: int) -> Iterator[Session]:
    """Let nobody finish a claim meanwhile: however quick a web process is, it is claiming when it is killed."""
    with installation.database.session() as session:
        session.execute(_HOLD_THE_STOCK, {"id": template_id})
        yield session
        session.rollback()


def test_shoppers_whose_web_process_is_killed_lose_and_double_nothing(installation: Installation) -> None:
    port = free_port()
    server = installation.serve(port)
    template_id, shoppers = open_sale(installation, port)

    with ThreadPoolExecutor(CLIENTS) as pool:
        with held_up(installation, template_id) as session:
            done = [pool.submit(one.claim) for one in shoppers]
            one_who_waits(session)
            assert any(_is_missed(pid, shoppers) for pid in children_of(server.pid)), "nobody was cut off"
            assert issued_of(installation.database, template_id) == (1, 1)
        for each in done:
            each.result()

    assert server.poll() is None
    assert sorted(one.status for one in shoppers) == [201] * STOCK + [429] * (CLIENTS - STOCK)
    assert issued_of(installation.database, template_id) == (STOCK + 1, STOCK + 1)
    assert installation.value(str(_WORST), id=template_id) == 1


def _is_missed(pid: int, shoppers: Sequence[Shopper]) -> bool:
    """Kill a web process and tell whether it was at work for somebody; the one beside it may have taken everybody."""
    os.kill(pid, signal.SIGKILL)
    return wait_until(lambda: any(one.was_cut_off.is_set() for one in shoppers), within_seconds=1)
