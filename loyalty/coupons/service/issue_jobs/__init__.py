"""Issue jobs service: coupons for many members at once, approved by another person, issued and undone in pages."""

from loyalty.coupons.service.issue_jobs.checking import check_lines, check_tag_page, give_up_check, write_file
from loyalty.coupons.service.issue_jobs.issuing import issue_page
from loyalty.coupons.service.issue_jobs.life import (
    create_for_file,
    create_for_tag,
    decide,
    discard,
    pause,
    resume,
    stop,
    submit,
    undo,
)
from loyalty.coupons.service.issue_jobs.telling import tell_page
from loyalty.coupons.service.issue_jobs.undoing import UndoPreview, preview_undo, undo_page

__all__ = [
    "UndoPreview",
    "check_lines",
    "check_tag_page",
    "create_for_file",
    "create_for_tag",
    "decide",
    "discard",
    "give_up_check",
    "issue_page",
    "pause",
    "preview_undo",
    "resume",
    "stop",
    "submit",
    "tell_page",
    "undo",
    "undo_page",
    "write_file",
]
