"""Pushes and menus under races, with real commits."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.channels import service
from loyalty.channels.models import Menu, StoredPush
from loyalty.channels.service.pushes import Stored
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run


def test_one_push_three_times_in_parallel_has_one_effect(
    committed_database: Database, vault: Vault, at: datetime
) -> None:
    appid = f"wx{uuid4().hex[:16]}"
    fields = {"FromUserName": "o", "ToUserName": "gh", "CreateTime": "1", "MsgType": "text", "MsgId": "7"}
    barrier = threading.Barrier(3)

    def push(number: int) -> Stored:
        barrier.wait(10)
        return run(
            committed_database,
            lambda session: service.store_push(
                session, vault, appid=appid, mode="safe", fields=fields, reply_text=f"reply {number}", at=at
            ),
        )

    with ThreadPoolExecutor(3) as pool:
        stored = list(pool.map(push, range(3)))

    ids = run(committed_database, lambda session: list(session.scalars(select(StoredPush.id).filter_by(appid=appid))))
    assert sorted(one.is_first for one in stored) == [False, False, True]
    assert len({one.reply_text for one in stored}) == 1
    assert len(ids) == 1
    assert run(committed_database, lambda session: _events_of(session, ids[0])) == 1


def test_drafts_saved_at_once_leave_one(committed_database: Database, at: datetime) -> None:
    appid = f"wx{uuid4().hex[:16]}"
    barrier = threading.Barrier(4)

    def save(number: int) -> int:
        buttons = [{"type": "click", "name": str(number), "key": "k"}]
        barrier.wait(10)
        return run(
            committed_database,
            lambda session: service.save_menu_draft(
                session, appid=appid, buttons=buttons, actor=Actor("staff:1"), at=at
            ),
        )

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(save, range(4)))

    count = select(func.count()).select_from(Menu).filter_by(appid=appid)
    assert (len(ids), run(committed_database, lambda session: session.scalar(count))) == (1, 1)


def _events_of(session: Session, push_id: int) -> int:
    event = (OutboxEvent.kind == "push.stored") & (OutboxEvent.payload["push_id"].as_integer() == push_id)
    return session.scalar(select(func.count()).select_from(OutboxEvent).where(event)) or 0
