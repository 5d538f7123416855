"""A commission plan as a form and back: what was typed is kept as it is until it stands for a plan."""

from collections.abc import Iterator

from loyalty.commissions.rules.plan import CAP_LABELS, RATES_MAX, InvalidCommissionPlan, Plan, Rate
from portal.console.figures import shown_money
from portal.console.form_fields import Form, FormReader, shown

ROWS = range(1, RATES_MAX + 1)
LEVEL_NAMES = {"first": "一级", "second": "二级"}
CAPS = {name.removesuffix("_fen"): label for name, label in CAP_LABELS.items()}
LABELS = {
    "title": "方案名称",
    "months": "有效月数",
    "pending_days": "待结算天数",
    **CAPS,
    **{
        f"{level}_{field}_{row}": f"{name}第 {row} 条{label}"
        for level, name in LEVEL_NAMES.items()
        for field, label in (("percent", "比例"), ("fixed", "固定金额"), ("categories", "品类"), ("skus", "商品编码"))
        for row in ROWS
    },
}


def form_of(plan: Plan) -> dict[str, list[str]]:
    """Return a plan as the form shows it."""
    form = {
        "title": [plan.title],
        "months": [shown(plan.months)],
        "pending_days": [str(plan.pending_days)],
        "is_first_order_only": ["yes"] if plan.is_first_order_only else [],
        "is_open": ["yes"] if plan.is_open else [],
    }
    for name in CAPS:
        fen = getattr(plan, f"{name}_fen")
        form[name] = ["" if fen is None else shown_money(fen)]
    for level in LEVEL_NAMES:
        for row, rate in enumerate(getattr(plan, level), start=1):
            form |= _shown_rate(f"{level}_{{}}_{row}", rate)
    return form


def plan_of(form: Form) -> Plan:
    """Return the plan that a form stands for; whether it makes sense is not seen here.

    Raises:
        InvalidCommissionPlan: with every field that cannot be read, and why.
    """
    reader = FormReader(form, LABELS)
    plan = Plan(
        title=reader.text("title"),
        first=tuple(_rates(reader, "first")),
        second=tuple(_rates(reader, "second")),
        is_first_order_only=reader.text("is_first_order_only") == "yes",
        months=reader.whole("months"),
        pending_days=reader.whole("pending_days") or 0,
        order_cap_fen=reader.money("order_cap"),
        day_cap_fen=reader.money("day_cap"),
        month_cap_fen=reader.money("month_cap"),
        is_open=reader.text("is_open") == "yes",
    )
    if reader.problems:
        raise InvalidCommissionPlan(reader.problems)
    return plan


def _rates(reader: FormReader, level: str) -> Iterator[Rate]:
    """Yield the rows that were filled in; an amount of 0 leaves goods out."""
    for row in ROWS:
        percent = reader.money(f"{level}_percent_{row}", example="5 或 2.5")
        fixed = reader.money(f"{level}_fixed_{row}")
        if percent is None and fixed is None:
            continue
        goods = (frozenset(reader.listed(f"{level}_{field}_{row}", str, "")) for field in ("categories", "skus"))
        yield Rate(percent or 0, fixed or 0, *goods)


def _shown_rate(name: str, rate: Rate) -> dict[str, list[str]]:
    is_fixed = bool(rate.fixed_fen)
    return {
        name.format("percent"): ["" if is_fixed else f"{rate.basis_points / 100:g}"],
        name.format("fixed"): [shown_money(rate.fixed_fen) if is_fixed else ""],
        name.format("categories"): ["、".join(sorted(rate.categories))],
        name.format("skus"): ["、".join(sorted(rate.skus))],
    }
