"""Keeping pictures of templates: each under the digest of its bytes, once."""

import hashlib
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponPicture
from loyalty.coupons.rules.pictures import media_type_of
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor


def keep_picture(session: Session, *, content: bytes, actor: Actor, at: datetime) -> str:
    """Keep an uploaded picture; return the digest that terms name it by. The same bytes again change nothing.

    Raises:
        InvalidCouponTerms: it is no PNG, JPEG or WebP, or too large.
    """
    media_type, digest = media_type_of(content), hashlib.sha256(content).hexdigest()
    values = {
        "digest": digest,
        "media_type": media_type,
        "content": content,
        "uploaded_by": actor.name,
        "uploaded_at": at,
    }
    kept = insert(CouponPicture).values(values).on_conflict_do_nothing().returning(CouponPicture.digest)
    if session.execute(kept).first() is not None:
        after = {"media_type": media_type, "bytes": len(content)}
        subject = f"coupon_picture:{digest}"
        audit.write(session, actor=actor, action="coupons.keep_picture", subject=subject, after=after, at=at)
    return digest
