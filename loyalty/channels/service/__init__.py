"""Use cases of channels, one file each."""

from loyalty.channels.service.library import keep_library, sync_library
from loyalty.channels.service.menus import publish_menu, restore_menu, save_menu_draft
from loyalty.channels.service.pushes import forget_pushes, purge_pushes, store_push
from loyalty.channels.service.replies import (
    add_reply,
    change_reply,
    delete_reply,
    raise_reply,
    save_reply,
    switch_reply,
)
from loyalty.channels.service.scenes import create_scene, finish_scene
from loyalty.channels.service.templates import delete_template, save_template

__all__ = [
    "add_reply",
    "change_reply",
    "create_scene",
    "delete_reply",
    "delete_template",
    "finish_scene",
    "forget_pushes",
    "keep_library",
    "publish_menu",
    "purge_pushes",
    "raise_reply",
    "restore_menu",
    "save_menu_draft",
    "save_reply",
    "save_template",
    "store_push",
    "switch_reply",
    "sync_library",
]
