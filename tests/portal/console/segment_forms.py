"""Segments as their pages' tests save them, and the form of a condition as a browser sends it."""

import re
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.segments import service
from loyalty.segments.rules.conditions import Condition

HERE = "/console/segments"
STAFF = Actor("staff:7")


def saved(session: Session, at: datetime, condition: Condition, title: str = "西湖店会员") -> int:
    segment_id = service.save_segment(session, title=title, condition=condition, actor=STAFF, at=at)
    session.commit()
    return segment_id


def form_on(page: str) -> dict[str, list[str]]:
    """What a browser would send of the condition on a page: its lists, its texts and its boxes."""
    form: dict[str, list[str]] = {}
    for name, options in re.findall(r'<select[^>]* name="(c[-\d]*\.\w+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        form[name] = re.findall(r'<option value="(\w*)" selected', options)
    for tag in re.findall(r'<input[^>]* name="c[-\d]*\.\w+"[^>]*>', page):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if attributes["type"] != "checkbox" or tag.endswith("checked>"):
            form.setdefault(attributes["name"], []).append(attributes["value"])
    return form
