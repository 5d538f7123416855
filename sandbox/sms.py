"""SMS that were sent: each lands on the phones of everybody with that number."""

import json
from typing import Any

from sandbox import messages
from sandbox.clock import iso
from sandbox.world import World


def listed(world: World, *, phone: str | None) -> list[dict[str, Any]]:
    """The SMS sent, all or to one number, oldest first."""
    rows = world.store.rows("SELECT * FROM sms WHERE phone = ?1 OR ?1 IS NULL ORDER BY id", phone)
    return [{**dict(row), "params": json.loads(row["params"]), "sent_at": iso(row["sent_at"])} for row in rows]


def deliver(world: World, *, phone: str, template: str, params: list[str]) -> str:
    """Sends a text and returns its id."""
    text = f"【{world.config.sms.sign}】{_filled(world, template, params)}"
    with world.store.transaction():
        number = world.store.run(
            "INSERT INTO sms (phone, template, params, text, sent_at) VALUES (?, ?, ?, ?, ?)",
            phone, template, json.dumps(params, ensure_ascii=False), text, world.clock.now(),
        )  # fmt: skip
        for row in world.store.rows("SELECT id FROM users WHERE phone = ? AND virtual_of IS NULL", phone):
            messages.deliver(world, user_id=row["id"], channel="sms", title=phone, text=text)
    return f"sms-{number}"


def _filled(world: World, template: str, params: list[str]) -> str:
    """The text of a known template with its parameters; an unknown one shows its name and the parameters."""
    text = world.config.sms.templates.get(template)
    if text is None:
        return " ".join([template, *params])
    for place, value in enumerate(params, start=1):
        text = text.replace(f"{{{place}}}", value)
    return text
