"""Tags (标签) that demo staff put on some members."""

from collections.abc import Sequence
from datetime import datetime

from loyalty.container import Container
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Session
from loyalty.stores.rules import EVERYTHING
from loyalty.tags.queries import list_tags
from loyalty.tags.service import create_tag, tag_many
from portal.demo.people import DemoMember

TAGS = (
    ("企业客户", "公司团购、月结的会员", slice(None, None, 40)),
    ("咖啡爱好者", "每周都买咖啡的会员", slice(None, None, 15)),
)
"""Each with its note, and which of the members have it."""


def seed_tags(
    session: Session, container: Container, *, members: Sequence[DemoMember], actor: Actor, at: datetime
) -> bool:
    """Make the tags and put them on members, where there are none."""
    if not members or list_tags(session):
        return False
    for name, note, tagged in TAGS:
        tag_id = create_tag(session, name=name, note=note, actor=actor, at=at)
        phones = "\n".join(member.phone for member in members[tagged])
        tag_many(session, container.vault, tag_id=tag_id, text=phones, scope=EVERYTHING, actor=actor, at=at)
    return True
