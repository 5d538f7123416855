"""What risk forgets: where people were seen, and blocks of what has long passed to somebody else."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from loyalty.risk.models import TRACES_KEPT, Block, Sighting


def forget_old_sightings(session: Session, *, at: datetime, limit: int = 10_000) -> int:
    """Delete sightings and blind indexes of blocks older than 90 days, up to ``limit`` each; return how many."""
    before = at - TRACES_KEPT
    old = select(Sighting.id).where(Sighting.seen_at < before).limit(limit)
    over = select(Block.id).where(Block.member_id.is_(None), Block.expires_at < before).limit(limit)
    sightings = session.scalars(delete(Sighting).where(Sighting.id.in_(old)).returning(Sighting.id))
    blocks = session.scalars(delete(Block).where(Block.id.in_(over)).returning(Block.id))
    return len(sightings.all()) + len(blocks.all())
