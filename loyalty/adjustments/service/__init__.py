"""Adjustments service: points moved by staff, one member at a time or by a file that another person approves."""

from loyalty.adjustments.service.applying import apply_page
from loyalty.adjustments.service.batches import decide, discard, pause, resume, submit, undo, upload
from loyalty.adjustments.service.checking import check_lines, give_up_check, write_file
from loyalty.adjustments.service.single import adjust_one
from loyalty.adjustments.service.undoing import UndoPreview, preview_undo, undo_page

__all__ = [
    "UndoPreview",
    "adjust_one",
    "apply_page",
    "check_lines",
    "decide",
    "discard",
    "give_up_check",
    "pause",
    "preview_undo",
    "resume",
    "submit",
    "undo",
    "undo_page",
    "upload",
    "write_file",
]
