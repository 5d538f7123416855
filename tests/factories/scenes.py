"""QR codes for tests, written straight into their table."""

from datetime import UTC, datetime
from itertools import count

from sqlalchemy.orm import Session

from loyalty.channels.models import Scene
from tests.support.settings import OA_APPID

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count(1)


def make_scene(
    session: Session,
    *,
    store_id: int | None = None,
    kind: str = "",
    subject_id: int = 0,
    label: str = "收银台",
    key: str = "",
    expires_at: datetime | None = None,
) -> Scene:
    """A code that WeChat has made, of a store or of a poster."""
    key = key or f"scene-key-{next(_numbers)}"
    scene = Scene(
        appid=OA_APPID,
        key=key,
        subject_kind=kind or ("store" if store_id else "poster"),
        subject_id=store_id or subject_id,
        label=label,
        ticket=f"ticket-{key}",
        url=f"http://weixin.qq.com/q/{key}",
        expires_at=expires_at,
        created_at=_AT,
    )
    session.add(scene)
    session.flush()
    return scene
