"""The books of a sale: what must be true of coupons, limits, points and answers when all is over."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.coupons.rules.issuing import PRICED
from loyalty.coupons.rules.states import IssuePath
from loyalty.kernel.database import AnyRow
from loyalty.points.service import verify
from tests.kill.conftest import Installation
from tests.kill.coupon_wishes import PRICE, Offer, Wish
from tests.support.settings import SEAL_KEY

_COUPONS = text("SELECT id, member_id, path, reference, points_paid FROM coupons WHERE template_id = :id")
_COUNTED = text(
    "SELECT entity = 'all' AS is_stock, sum(used)::bigint AS used, max(used) AS most"
    " FROM limit_counters WHERE subject = 'coupon_template:' || :id GROUP BY 1"
)
_CODES = text("SELECT count(*) FROM coupon_code_uses JOIN coupons ON coupons.id = coupon_id WHERE template_id = :id")
_BY_JOBS = text(
    "SELECT coalesce(sum((figures ->> 'issued')::bigint), 0)::bigint FROM bulk_runs"
    " JOIN coupon_issue_jobs ON subject = 'coupon_issue_job:' || coupon_issue_jobs.id"
    " WHERE kind = 'coupon_issues.issue' AND template_id = :id"
)
_SPENT = text(
    "SELECT coalesce(-sum(points), 0)::bigint FROM ledger_entries"
    " WHERE kind = 'spend' AND explanation ->> 'template_id' = cast(:id AS text)"
)


def assert_exact(session: Session, offer: Offer, answers: Mapping[Wish, set[int]]) -> None:
    """An offer's stock is issued to the last coupon, and everything that tells of its coupons agrees with them."""
    found = session.execute(_COUPONS, {"id": offer.template_id}).all()
    counted = {row.is_stock: row for row in session.execute(_COUNTED, {"id": offer.template_id})}
    assert len(found) == offer.stock
    assert (counted[True].used, counted[False].used, counted[False].most) == (offer.stock, offer.stock, 1)
    assert len({coupon.member_id for coupon in found}) == offer.stock
    assert len({(coupon.member_id, coupon.reference) for coupon in found}) == offer.stock
    _assert_answers(offer, {coupon.id: coupon.member_id for coupon in found}, answers)
    _assert_paid(session, offer, found)
    of_path = [coupon.path for coupon in found]
    assert session.scalar(_CODES, {"id": offer.template_id}) == of_path.count(IssuePath.CODE)
    assert session.scalar(_BY_JOBS, {"id": offer.template_id}) == of_path.count(IssuePath.BULK)


def _assert_answers(offer: Offer, owners: Mapping[int, int], answers: Mapping[Wish, set[int]]) -> None:
    """Every answer names a coupon that its member has, and each wish was ever answered with the same."""
    for wish, told in answers.items():
        if wish.offer == offer:
            assert len(told) <= 1
            assert {owners[coupon_id] for coupon_id in told} <= {wish.member_id}


def _assert_paid(session: Session, offer: Offer, found: Sequence[AnyRow]) -> None:
    """Who helped himself has paid, once, and nobody else."""
    prices = {path: PRICE if path in PRICED else 0 for path in IssuePath}
    assert [coupon.points_paid for coupon in found] == [prices[coupon.path] for coupon in found]
    assert session.scalar(_SPENT, {"id": offer.template_id}) == sum(coupon.points_paid for coupon in found)


def assert_proved(session: Session, site: Installation) -> None:
    """The ledger proves itself."""
    assert verify(session, seal_key=SEAL_KEY, at=site.now()).discrepancies == []
