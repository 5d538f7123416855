"""Payouts (打款) for the bench: a platform in its own process, people it knows, and payouts that wait to be sent."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg
import requests
from sqlalchemy.orm import Session

from benchmarks.failures import BenchFailed
from benchmarks.stand import Shop, Stand
from loyalty.container import Container, build
from loyalty.earnings import service as earnings
from loyalty.earnings.service import Earned
from loyalty.gateways.pay_protocols import TransferOrder
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from loyalty.payouts.rules.settings import PayoutProgramme, TransferScene
from loyalty.payouts.service import configuring
from loyalty.payouts.service.requesting import Wish, request
from trial.environment import LOCAL, MP_APPID, plan_trial, sandbox_config
from trial.keys import load_keys
from trial.paths import PROJECT

PEOPLE = 50
EARNED_FEN = 100_000_000
A_DAY_SECONDS = 86_401
_ACTOR = Actor("system:bench")
_SCENE = TransferScene("1005", "佣金结算", "劳务报酬", (("岗位类型", "推广员"), ("报酬说明", "推广佣金")))
_PROGRAMME = PayoutProgramme(member_day_fen=100_000_000, day_fen=1_000_000_000, approval_above_fen=100_000_000)
_numbers = count(1)


@dataclass(frozen=True)
class Platform:
    """A sandbox that answers as fast as it can, and a container that speaks to it."""

    url: str
    container: Container
    openids: Sequence[str]

    def close_bills(self) -> None:
        """Let a day pass, so that no bill waits any more: each call looks at those that do."""
        self._control("/clock", {"advance_seconds": A_DAY_SECONDS})
        self._control("/pay/top-up", {"amount_fen": 0})

    def _control(self, path: str, body: dict[str, Any]) -> None:
        requests.post(f"{self.url}/_sim{path}", json=body, timeout=60).raise_for_status()


@contextmanager
def platform_for(stand: Stand, shop: Shop) -> Iterator[Platform]:
    """Start a sandbox whose people are the shop's members, and open payouts.

    Raises:
        BenchFailed: it does not answer.
    """
    offset_file = stand.paths.var / "pay-clock-offset"
    offset_file.unlink(missing_ok=True)
    keys = load_keys(stand.paths.keys)
    world = sandbox_config(plan_trial({}, keys=keys, paths=stand.paths), keys=keys)
    merchant = {**world["merchant"], "per_second": 1_000_000, "balance_fen": 10**12}  # type: ignore[dict-item]
    accounts = [{**account, "push_url": ""} for account in world["accounts"]]  # type: ignore[attr-defined]  # nobody listens
    file = stand.paths.var / "pay-sandbox.json"
    file.write_text(json.dumps(world | {"merchant": merchant, "accounts": accounts}), encoding="utf-8")
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--config", str(file)]
    command += ["--clock-offset-file", str(offset_file)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            url = _address_of(sandbox)
            settings = replace(shop.settings, wechat_sandbox_url=url, clock_offset_file=offset_file)
            container = build(settings)
            yield Platform(url, container, _people(url, shop, container))
            container.database.engine.dispose()
        finally:
            sandbox.terminate()


def orders_of(platform: Platform, how_many: int) -> Sequence[TransferOrder]:
    """Return orders that nobody has sent."""
    return [
        TransferOrder(
            out_bill_no=f"BENCH{number:020d}",
            appid=MP_APPID,
            openid=platform.openids[number % PEOPLE],
            amount_fen=1_000 + number,
            scene_id=_SCENE.scene_id,
            remark=_SCENE.remark,
            perception=_SCENE.perception,
            report=_SCENE.report,
        )
        for number in (next(_numbers) for _ in range(how_many))
    ]


def ask_for(platform: Platform, how_many: int) -> Sequence[int]:
    """Let members ask for payouts, and return them."""
    container, asked = platform.container, []
    for _ in range(how_many):
        number = next(_numbers)
        member_id = number % PEOPLE + 1
        wish = Wish(member_id, 1_000 + number, MP_APPID, platform.openids[member_id - 1], f"bench-{number}")

        def ask(session: Session, wish: Wish = wish) -> int:
            return request(
                session,
                vault=container.vault,
                wish=wish,
                is_tax_required=False,
                zone=container.zone,
                at=container.clock.now(),
                actor=_ACTOR,
            ).id

        asked.append(run(container.database, ask))
    return asked


def require_offered(shop: Shop, payout_ids: Sequence[int]) -> None:
    """See that each was sent once and waits for its owner.

    Raises:
        BenchFailed: some do not.
    """
    query = "SELECT count(*) FROM payouts WHERE id = ANY(%s) AND state = 'waiting_confirm' AND step_number = 1"
    with psycopg.connect(shop.conninfo) as connection:
        row = connection.execute(query, (list(payout_ids),)).fetchone()
    if row != (len(payout_ids),):
        raise BenchFailed(f"of {len(payout_ids)} payouts only {row} wait for their owners after one call")


def _address_of(sandbox: "subprocess.Popen[str]") -> str:
    assert sandbox.stdout is not None
    line = sandbox.stdout.readline()
    if LOCAL not in line:
        raise BenchFailed(f"the sandbox does not start: {line}")
    return line.split()[-1]


def _people(url: str, shop: Shop, container: Container) -> Sequence[str]:
    people = [requests.post(f"{url}/_sim/users", json={}, timeout=20).json() for _ in range(PEOPLE)]
    openids = [str(person["openids"][MP_APPID]) for person in people]
    with psycopg.connect(shop.conninfo) as connection:
        connection.cursor().executemany(
            "UPDATE identities SET openid = %s WHERE id = %s", [(one, n) for n, one in enumerate(openids, start=1)]
        )
    run(container.database, _open_payouts)
    return openids


def _open_payouts(session: Session) -> None:
    at = datetime.now(UTC)
    configuring.save_programme(session, programme=_PROGRAMME, actor=_ACTOR, at=at)
    configuring.save_scene(session, scene=_SCENE, actor=_ACTOR, at=at)
    earned = [Earned(member_id, EARNED_FEN, f"bench:{member_id}", {}, at) for member_id in range(1, PEOPLE + 1)]
    earnings.accrue_many(session, earned=earned, at=at)
    earnings.approve_many(session, earned=earned, at=at)
