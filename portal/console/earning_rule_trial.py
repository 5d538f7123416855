"""Trying a rule out: what a sample basket would earn by it, reckoned by the very code that awards."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from loyalty.earning import queries
from loyalty.earning.queries import TRIED_ID
from loyalty.earning.rules import Definition, EarningEvent, EventFacts, FactLine
from loyalty.earning.rules.coupons import TITLE
from loyalty.earning.rules.errors import InvalidEarningRule
from loyalty.earning.rules.explaining import explain
from loyalty.earning.rules.samples import sample_of
from loyalty.kernel.local_time import local_time
from loyalty.stores.queries import get_store
from loyalty.tiers.queries import list_tiers
from portal.console.earning_rule_fields import Reader
from portal.console.form_fields import Form

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

DEFAULT_AMOUNT_FEN = 100_00


@dataclass(frozen=True, slots=True)
class Trial:
    """The rule in words, what the sample would earn, and why: of the rule itself, and of the others in force."""

    says: str
    points: int
    growth: int
    own: tuple[str, ...]
    others: tuple[str, ...]
    coupons: tuple[str, ...]
    """What the coupons are called that it would get."""


def try_out(
    session: "Session",
    *,
    form: Form,
    definition: Definition,
    rule_id: int | None,
    says: str,
    zone: ZoneInfo,
    at: datetime,
) -> Trial:
    """Reckon the sample that a form describes; what it leaves open is as the rule asks for.

    Raises:
        InvalidEarningRule: the sample cannot be read.
        StoreNotFound: its store does not exist.
    """
    facts = _sample(session, form, definition, zone)
    name = next(iter(form.get("name", ())), "") or "本规则"
    result = queries.try_out(session, name=name, definition=definition, rule_id=rule_id, facts=facts, at=at)
    told = [(one.revision_id, explain(one.explanation)) for one in result.awards]
    told += [(one.revision_id, explain(one.explanation)) for one in result.misses]
    return Trial(
        says=says,
        points=result.points,
        growth=result.growth,
        coupons=tuple(one.explanation[TITLE] for one in result.awards if TITLE in one.explanation),
        own=tuple(text for revision_id, text in told if revision_id == TRIED_ID),
        others=tuple(text for revision_id, text in told if revision_id != TRIED_ID),
    )


def _sample(session: "Session", form: Form, definition: Definition, zone: ZoneInfo) -> EventFacts:
    reader, facts = Reader(form), sample_of(definition)
    moment = reader.moment("sample_at", zone)
    if moment is not None:
        facts = replace(facts, occurred_at=moment, local=local_time(moment, zone))
    facts = _bought(reader, _who_and_where(session, reader, facts))
    if reader.problems:
        raise InvalidEarningRule(reader.problems)
    return facts


def _who_and_where(session: "Session", reader: Reader, facts: EventFacts) -> EventFacts:
    level, store_id = reader.whole("sample_tier"), reader.whole("sample_store")
    if level is not None:
        benefits = {tier.level: tier.benefits for tier in list_tiers(session)}
        multiplier = benefits[level].points_multiplier if level in benefits else facts.tier_multiplier_bp
        facts = replace(facts, tier_level=level, tier_multiplier_bp=multiplier)
    if store_id is not None:
        store = get_store(session, store_id=store_id)
        facts = replace(facts, store_id=store.id, region_id=store.parent_id)
    return facts


def _bought(reader: Reader, facts: EventFacts) -> EventFacts:
    if facts.event is not EarningEvent.PURCHASE:
        return facts
    wanted = facts.lines[0]
    amount_fen = reader.money("sample_amount", example="100 或 99.50")
    quantity = reader.whole("sample_quantity")
    line = FactLine(
        line_number=1,
        sku=reader.text("sample_sku") or wanted.sku,
        category=reader.text("sample_category") or wanted.category,
        quantity=wanted.quantity if quantity is None else quantity,
        amount_fen=DEFAULT_AMOUNT_FEN if amount_fen is None else amount_fen,
    )
    return replace(facts, lines=(line,))
