"""What arrives on the phones: chat, template, subscribe and custom messages, and SMS; newest last."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.clock import iso
from sandbox.world import World


def deliver(
    world: World,
    *,
    user_id: int,
    channel: str,
    appid: str = "",
    title: str = "",
    fields: Sequence[Mapping[str, str]] = (),
    text: str = "",
    url: str | None = None,
    page: str | None = None,
    stripped: Sequence[str] = (),
) -> int:
    """Puts a message on the person's phone and returns its id.

    ``channel`` is chat, template, subscribe, custom or sms; ``sent`` holds what the person wrote. ``stripped`` names
    what the platform silently removed.
    """
    return world.store.run(
        "INSERT INTO messages (user_id, channel, appid, title, fields, text, url, page, stripped, sent_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        user_id, channel, appid, title, json.dumps(list(fields), ensure_ascii=False), text, url, page,
        json.dumps(list(stripped)), world.clock.now(),
    )  # fmt: skip


def of_user(world: World, user_id: int, *, after: int = 0, with_sent: bool = False) -> list[dict[str, Any]]:
    """The messages of one phone with an id above ``after``; what the person wrote only ``with_sent``."""
    hidden = "" if with_sent else "sent"
    rows = world.store.rows(
        "SELECT * FROM messages WHERE user_id = ? AND id > ? AND channel <> ? ORDER BY id", user_id, after, hidden
    )
    return [
        {
            **{key: row[key] for key in ("id", "channel", "appid", "title", "text", "url", "page")},
            "fields": json.loads(row["fields"]),
            "stripped": json.loads(row["stripped"]),
            "sent_at": iso(row["sent_at"]),
        }
        for row in rows
    ]
