"""Uploads (上传文件): a file that waits to be read, in sealed parts, a row of its owner's table each.

The table has ``content_sealed`` and the owner's id; its rows are deleted once the file has been read.
"""

import base64
from collections.abc import Sequence
from typing import IO, Any

from sqlalchemy import insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from loyalty.kernel.crypto import Vault


def keep_file(
    session: Session,
    *,
    owner: InstrumentedAttribute[int],
    owner_id: int,
    parts: Sequence[str],
    vault: Vault,
    context: str,
) -> None:
    """Keep a file that was sent as texts in base64; ``owner`` is the column that names whose it is."""
    for part in parts:
        sealed = vault.seal(part, context=context)
        session.execute(insert(owner.class_).values({owner.key: owner_id, "content_sealed": sealed}))


def write_out(
    session: Session, *, owner: InstrumentedAttribute[int], owner_id: int, vault: Vault, context: str, into: IO[bytes]
) -> None:
    """Write out a file that was kept, one part in memory at a time."""
    table: Any = owner.class_
    for part_id in session.scalars(select(table.id).where(owner == owner_id).order_by(table.id)).all():
        sealed = session.scalars(select(table.content_sealed).where(table.id == part_id)).one()
        into.write(base64.b64decode(vault.open(sealed, context=context)))
