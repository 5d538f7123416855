"""One push that WeChat sends three times at once, over HTTP and with real commits."""

import time
from datetime import datetime
from uuid import uuid4

from sqlalchemy import func, select

from app import create_app
from loyalty.channels.models import StoredPush
from loyalty.channels.rules.replies import ReplyTrigger
from loyalty.channels.service import save_reply
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from tests.portal.callbacks.conftest import Wechat, text_message
from tests.support import settings
from tests.support.containers import null_container
from tests.support.races import at_once
from tests.support.settings import OA_APPID


def test_every_try_of_one_push_is_answered_alike_and_counts_once(
    committed_database: Database, redis_url: str, at: datetime
) -> None:
    app = create_app(null_container(committed_database, redis_url=redis_url, at=at))
    save = {"appid": OA_APPID, "trigger": ReplyTrigger.DEFAULT, "text": "您好🎉", "actor": Actor("staff:1"), "at": at}
    run(committed_database, lambda session: save_reply(session, **save))
    wechat = Wechat(app.test_client(), settings.ACCOUNTS[0], at)
    query, body = wechat.sealed(text_message("在吗", message_id=uuid4().int >> 66, openid=f"o{uuid4().hex}"))
    count = select(func.count()).select_from(StoredPush)
    before = run(committed_database, lambda session: session.scalar(count)) or 0
    began = time.monotonic()

    answers = at_once([lambda: app.test_client().post(wechat.url, query_string=query, data=body)] * 3)

    assert time.monotonic() - began < 5
    assert [wechat.opened(answer)["Content"] for answer in answers] == ["您好🎉"] * 3
    assert run(committed_database, lambda session: session.scalar(count)) == before + 1
