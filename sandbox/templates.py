"""Message templates (消息模板) of the accounts, and the public library from which an account adds its own."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox.config import KEY_NAME, LibraryTemplate, Template
from sandbox.errors import ApiError
from sandbox.world import World

MOST = 25
LABEL = re.compile(r"([^:：\n]*)[:：]?\s*\{\{\s*(\w+)\.DATA\s*\}\}")


@dataclass(frozen=True, kw_only=True)
class StoredTemplate:
    """A template an account may send; ``choices`` are the reviewed values of enum and const keys."""

    template_id: str
    title: str
    content: str
    keys: tuple[str, ...]
    choices: dict[str, list[str]]

    def label(self, key: str) -> str:
        """The Chinese words before a key in the content."""
        return next((label.strip() for label, name in LABEL.findall(self.content) if name == key), "")


def seed_templates(world: World) -> None:
    """Puts the configured templates into the state; ones added through the API stay."""
    with world.store.transaction():
        for template in world.config.templates:
            put(world, template)


def find(world: World, *, appid: str, template_id: str, kind: str) -> StoredTemplate:
    """A template of this account and kind. Raises ApiError 40037."""
    row = world.store.row(
        "SELECT * FROM templates WHERE appid = ? AND template_id = ? AND kind = ?", appid, template_id, kind
    )
    if row is None:
        raise ApiError(40037)
    return StoredTemplate(
        template_id=row["template_id"],
        title=row["title"],
        content=row["content"],
        keys=tuple(json.loads(row["keys"])),
        choices=json.loads(row["choices"]),
    )


def listed(world: World, *, appid: str, kind: str | None = None) -> list[dict[str, Any]]:
    """All templates of an account, with kind, keys and the reviewed values of keys."""
    rows = world.store.rows("SELECT * FROM templates WHERE appid = ? ORDER BY rowid", appid)
    return [
        {
            **{name: row[name] for name in ("template_id", "kind", "title", "content")},
            **{name: json.loads(row[name]) for name in ("keys", "choices")},
        }
        for row in rows
        if kind in (None, row["kind"])
    ]


def add(world: World, *, appid: str, short_id: str, names: list[str]) -> str:
    """Adds a template from the library with the chosen keywords and returns its id.

    Raises ApiError 40037 (unknown, no keywords chosen), 45026 (25 reached).
    """
    entry = next((one for one in world.config.template_library if one.template_id_short == short_id), None)
    if entry is None or not names or any(name not in entry.keywords for name in names):
        raise ApiError(40037)
    if len(listed(world, appid=appid, kind="template")) >= MOST:
        raise ApiError(45026)
    template = _from_library(appid, entry, names, template_id=world.random.text(43))
    put(world, template)
    return template.template_id


def put(world: World, template: Template) -> None:
    """Lets an account have a template, in place of the one with the same id."""
    world.store.run(
        "INSERT OR REPLACE INTO templates VALUES (?, ?, ?, ?, ?, ?, ?)",
        template.appid, template.template_id, template.kind, template.title, template.content,
        json.dumps(template.keys), json.dumps(dict(template.choices)),
    )  # fmt: skip


def delete(world: World, *, appid: str, template_id: str, kind: str) -> None:
    """Removes a template of an account. Raises ApiError 40037."""
    if not world.store.changed(
        "DELETE FROM templates WHERE appid = ? AND template_id = ? AND kind = ?", appid, template_id, kind
    ):
        raise ApiError(40037)


def _from_library(appid: str, entry: LibraryTemplate, names: list[str], *, template_id: str) -> Template:
    content = "\n".join(f"{name}:{{{{{entry.keywords[name]}.DATA}}}}" for name in names)
    return Template(
        appid=appid, template_id=template_id, kind="template", title=entry.title, content=content,
        keys=tuple(KEY_NAME.findall(content)), choices={},
    )  # fmt: skip
