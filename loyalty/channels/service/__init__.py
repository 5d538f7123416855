"""Use cases of channels, one file each."""

from loyalty.channels.service.menus import publish_menu, restore_menu, save_menu_draft
from loyalty.channels.service.pushes import forget_pushes, purge_pushes, store_push
from loyalty.channels.service.replies import delete_reply, save_reply
from loyalty.channels.service.scenes import create_scene
from loyalty.channels.service.templates import delete_template, save_template

__all__ = [
    "create_scene",
    "delete_reply",
    "delete_template",
    "forget_pushes",
    "publish_menu",
    "purge_pushes",
    "restore_menu",
    "save_menu_draft",
    "save_reply",
    "save_template",
    "store_push",
]
