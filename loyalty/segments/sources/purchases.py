"""What members bought, by the narrow tables of purchases; what was returned whole is not there."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from loyalty.segments.models import MemberPurchase, MemberPurchaseLine, MemberPurchaseTotal
from loyalty.segments.rules import fact_types as types
from loyalty.segments.sources.parts import Asked, Who, in_range
from loyalty.stores.queries import subtree


def recency(fact: types.Recency, asked: Asked) -> Who:
    """Whose last purchase lies so many days back."""
    last, bounds = MemberPurchaseTotal.last_bought_on, []
    if fact.days_least is not None:
        bounds.append(last <= asked.days_ago(fact.days_least))
    if fact.days_most is not None:
        bounds.append(last >= asked.days_ago(fact.days_most))
    return Who(select(MemberPurchaseTotal.member_id).where(*bounds))


def never_bought(fact: types.NeverBought, _asked: Asked) -> Who:
    """Who has no purchase, or has any."""
    return Who(select(MemberPurchaseTotal.member_id), is_absent=fact.is_never)


def frequency(fact: types.Frequency, asked: Asked) -> Who:
    """Who bought so many times."""
    if fact.within_days is None:
        return in_range(MemberPurchaseTotal.member_id, MemberPurchaseTotal.purchases, fact.least, fact.most)
    bought = _by_member(func.count(), asked, fact.within_days)
    return in_range(bought.c.member_id, bought.c.figure, fact.least, fact.most)


def money(fact: types.Money, asked: Asked) -> Who:
    """Who spent so much."""
    if fact.within_days is None:
        return in_range(MemberPurchaseTotal.member_id, MemberPurchaseTotal.net_fen, fact.least_fen, fact.most_fen)
    bought = _by_member(func.sum(MemberPurchase.net_fen), asked, fact.within_days)
    return in_range(bought.c.member_id, bought.c.figure, fact.least_fen, fact.most_fen)


def bought_at(fact: types.BoughtAt, asked: Asked) -> Who:
    """Who bought at one of these stores, or below one of these regions."""
    bought = select(MemberPurchase.member_id).where(MemberPurchase.store_id.in_(subtree(fact.store_ids)))
    return Who(_lately(bought, MemberPurchase.bought_on.expression, asked, fact.within_days))


def bought_through(fact: types.BoughtThrough, asked: Asked) -> Who:
    """Who bought through one of these channels."""
    bought = select(MemberPurchase.member_id).where(MemberPurchase.channel.in_(sorted(fact.channels)))
    return Who(_lately(bought, MemberPurchase.bought_on.expression, asked, fact.within_days))


def bought_goods(fact: types.BoughtGoods, asked: Asked) -> Who:
    """Who bought goods of these categories or articles, in so many purchases and for so much."""
    line = MemberPurchaseLine
    wanted = []
    if fact.categories:
        wanted.append(line.category.in_(sorted(fact.categories)))
    if fact.skus:
        wanted.append(line.sku.in_(sorted(fact.skus)))
    bought = _lately(select(line.member_id).where(or_(*wanted)), line.bought_on.expression, asked, fact.within_days)
    enough = []
    if fact.times_least > 1:
        enough.append(func.count(line.order_id.distinct()) >= fact.times_least)
    if fact.fen_least is not None:
        enough.append(func.sum(line.net_fen) >= fact.fen_least)
    return Who(bought.group_by(line.member_id).having(*enough) if enough else bought)


def _lately(
    statement: Select[Any], bought_on: ColumnElement[date], asked: Asked, within_days: int | None
) -> Select[Any]:
    """Narrow to the last days. A purchase ahead of the clock of ours, as tills' clocks may be, counts as today's."""
    return statement if within_days is None else statement.where(bought_on >= asked.first_of(within_days))


def _by_member(figure: ColumnElement[Any], asked: Asked, within_days: int) -> Any:
    bought = select(MemberPurchase.member_id, figure.label("figure"))
    lately = _lately(bought, MemberPurchase.bought_on.expression, asked, within_days)
    return lately.group_by(MemberPurchase.member_id).subquery()
