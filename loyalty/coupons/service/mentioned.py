"""What terms mention must exist: stores, tiers, tags and the picture; what is gone would hold for nobody."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from loyalty.coupons.queries.pictures import has_picture
from loyalty.coupons.rules.errors import InvalidCouponTerms, Problem
from loyalty.coupons.rules.terms import Terms
from loyalty.stores import queries as stores
from loyalty.tags import queries as tags
from loyalty.tiers import queries as tiers


def check_mentioned(session: Session, *, terms: Terms) -> None:
    """Refuse terms that mention what does not exist.

    Raises:
        InvalidCouponTerms: with everything that is not there.
    """
    problems = [*_unknown(session, terms)]
    if problems:
        raise InvalidCouponTerms(problems)


def _unknown(session: Session, terms: Terms) -> Iterator[Problem]:
    scope, wanted = terms.scope, terms.eligibility
    for name, label, ids in (
        ("included_nodes", "适用的门店", scope.included_nodes),
        ("excluded_nodes", "不适用的门店", scope.excluded_nodes),
    ):
        if ids and len(stores.names(session, ids)) != len(ids):
            yield Problem(name, f"{label}里有已不存在的门店")
    if wanted.tier_levels and not wanted.tier_levels <= {tier.level for tier in tiers.list_tiers(session)}:
        yield Problem("tier_levels", "会员等级里有已不存在的等级")
    if wanted.tags and len(tags.names(session, wanted.tags)) != len(wanted.tags):
        yield Problem("tags", "会员标签里有已不存在的标签")
    if terms.picture is not None and not has_picture(session, digest=terms.picture):
        yield Problem("picture", "没有这张图片，请重新上传")
