"""Points as the member sees them."""

from marshmallow import Schema, fields, validate

from loyalty.earning.rules import EarningEvent
from loyalty.points.rules import EntryKind
from loyalty.points.statement import LotState
from miniprogram_api.v1.schemas.base import CursorQuery
from miniprogram_api.v1.schemas.check_ins import MonthQuery

KINDS = [kind.value for kind in EntryKind]
EVENTS = [event.value for event in EarningEvent]


class SoonestExpiry(Schema):
    """The next points to lapse."""

    expires_at = fields.AwareDateTime(required=True)
    points = fields.Integer(required=True)


class Points(Schema):
    """The member's points account (积分账户) at this moment."""

    balance = fields.Integer(required=True, metadata={"description": "All points on the books.", "example": 120})
    available = fields.Integer(required=True, metadata={"description": "What can be spent now.", "example": 110})
    pending = fields.Integer(required=True, metadata={"description": "Credited, not yet spendable.", "example": 10})
    held = fields.Integer(required=True)
    debt = fields.Integer(required=True)
    soonest_expiry = fields.Nested(SoonestExpiry, required=True, allow_none=True)


class EntriesQuery(CursorQuery, MonthQuery):
    """Which entries: of one kind, of one month, from where on."""

    kind = fields.String(load_default=None, validate=validate.OneOf(KINDS), metadata={"example": "earn"})


class Entry(Schema):
    """One line of the statement (积分流水), with its reason."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"example": "earn"})
    points = fields.Integer(required=True, metadata={"description": "Signed.", "example": 10})
    balance_after = fields.Integer(required=True, metadata={"example": 120})
    occurred_at = fields.AwareDateTime(required=True)
    recorded_at = fields.AwareDateTime(
        required=True, metadata={"description": "When it was booked; a till that was offline reports late."}
    )
    store_name = fields.String(required=True, allow_none=True, metadata={"example": "人民路店"})
    reason = fields.String(required=True, metadata={"example": "连续签到第1天，签到奖励10积分"})
    explanation = fields.Dict(keys=fields.String(), required=True)


class Entries(Schema):
    """A page of the statement, newest first."""

    items = fields.List(fields.Nested(Entry), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Lot(Schema):
    """One credit (积分批次) and what is left of it."""

    id = fields.Integer(required=True)
    entry_id = fields.Integer(required=True, metadata={"description": "The entry that opened it."})
    points = fields.Integer(required=True, metadata={"example": 50})
    remaining = fields.Integer(required=True, metadata={"example": 20})
    held = fields.Integer(required=True, metadata={"description": "Of what remains, bound by holds.", "example": 0})
    opened_at = fields.AwareDateTime(required=True)
    available_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    idle_days = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Lives on with activity: days it outlasts without."}
    )
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in LotState]))
    reason = fields.String(required=True, metadata={"example": "消费获得50积分"})
    store_name = fields.String(required=True, allow_none=True, metadata={"description": "Who issued it."})


class ExpiringSoon(Schema):
    """How many points lapse within the coming days (即将过期)."""

    days = fields.Integer(required=True, metadata={"example": 30})
    points = fields.Integer(required=True, metadata={"example": 20})


class Lots(Schema):
    """A page of lots, the soonest to lapse first."""

    items = fields.List(fields.Nested(Lot), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    expiring_soon = fields.Nested(ExpiringSoon, required=True)


class DrawnLot(Schema):
    """What an entry took from a lot (批次扣减); negative where it put points back."""

    points = fields.Integer(required=True, metadata={"example": 30})
    lot = fields.Nested(Lot, required=True)


_AWARDS = {"description": "One sentence for each rule."}
_MISSES = {"example": ["满额送：差 ¥12.00 可得 10 积分"]}


class EvaluatedEvent(Schema):
    """What became of one event by the rules (规则评估)."""

    id = fields.Integer(required=True)
    event = fields.String(required=True, validate=validate.OneOf(EVENTS))
    occurred_at = fields.AwareDateTime(required=True)
    store_name = fields.String(required=True, allow_none=True, metadata={"example": "人民路店"})
    points = fields.Integer(required=True, metadata={"example": 0})
    growth = fields.Integer(required=True, metadata={"example": 0})
    awards = fields.List(fields.String(), required=True, metadata=_AWARDS)
    misses = fields.List(fields.String(), required=True, metadata=_MISSES)


class Evaluations(Schema):
    """A page of evaluated events, newest first."""

    items = fields.List(fields.Nested(EvaluatedEvent), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EntryDetail(Schema):
    """One entry with everything it touched."""

    entry = fields.Nested(Entry, required=True)
    awards = fields.List(fields.String(), required=True, metadata=_AWARDS)
    misses = fields.List(fields.String(), required=True, metadata=_MISSES)
    opened = fields.List(fields.Nested(Lot), required=True)
    draws = fields.List(fields.Nested(DrawnLot), required=True)
    lots_count = fields.Integer(
        required=True, metadata={"description": "All lots it touched; the first hundred are listed."}
    )
    reversed_entry = fields.Nested(Entry, required=True, allow_none=True)
    reversals = fields.List(fields.Nested(Entry), required=True)
