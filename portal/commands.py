"""The commands of this door, as ``flask`` offers them."""

from portal.callbacks.commands import group as menu
from portal.console.commands import group as staff
from portal.demo.commands import group as demo
from portal.keys_commands import keys
from portal.ledger_commands import ledger
from portal.texts_commands import texts

groups = (demo, keys, ledger, menu, staff, texts)
