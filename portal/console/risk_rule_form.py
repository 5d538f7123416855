"""A risk rule as a form and back: what was typed is kept as it is until it stands for a rule."""

from collections.abc import Iterator

from loyalty.risk.rules.deciding import CONDITIONS_MAX, Bound, Condition, InvalidRiskRules, Rule
from loyalty.risk.rules.signals import Signal, named
from loyalty.risk.rules.subjects import Occasion, Verdict
from portal.console.form_fields import Form, FormReader, shown

ROWS = range(1, CONDITIONS_MAX + 1)
LABELS = {
    "name": "规则代码",
    "title": "规则名称",
    "verdict": "结论",
    "occasions": "适用场景",
    **{f"measured_{row}": f"第 {row} 个条件的信号" for row in ROWS},
    **{f"bound_{row}": f"第 {row} 个条件的比较" for row in ROWS},
    **{f"value_{row}": f"第 {row} 个条件的数值" for row in ROWS},
    **{f"hours_{row}": f"第 {row} 个条件的小时" for row in ROWS},
}


def form_of(rule: Rule) -> dict[str, list[str]]:
    """Return a rule as the form shows it."""
    form: dict[str, list[str]] = {
        "name": [rule.name],
        "title": [rule.title],
        "verdict": [rule.verdict.value],
        "occasions": [occasion.value for occasion in sorted(rule.occasions)],
        "is_on": ["yes"] if rule.is_on else [],
    }
    for row, condition in enumerate(rule.conditions, start=1):
        form |= {
            f"measured_{row}": [condition.measured.value],
            f"bound_{row}": [condition.bound.value],
            f"value_{row}": [str(condition.value)],
            f"hours_{row}": [shown(condition.within_hours)],
        }
    return form


def rule_of(form: Form) -> Rule:
    """Return the rule that a form stands for; whether it makes sense beside the others is not seen here.

    Raises:
        InvalidRiskRules: with every field that cannot be read, and why.
    """
    reader = FormReader(form, LABELS)
    occasions = [value for value in form.get("occasions", ()) if value in list(Occasion)]
    rule = Rule(
        name=reader.text("name"),
        title=reader.text("title"),
        occasions=frozenset(map(Occasion, occasions)),
        conditions=tuple(_conditions(reader)),
        verdict=reader.choice("verdict", Verdict) or Verdict.REVIEW,
        is_on=reader.text("is_on") == "yes",
    )
    if reader.problems:
        raise InvalidRiskRules(reader.problems)
    return rule


def _conditions(reader: FormReader) -> Iterator[Condition]:
    """Yield the rows that were filled in; one without a signal is left out. Facts have no hours."""
    for row in ROWS:
        measured = reader.choice(f"measured_{row}", named)
        if measured is None:
            continue
        value, hours = reader.whole(f"value_{row}"), reader.whole(f"hours_{row}")
        if value is None:
            reader.refuse(f"value_{row}", "不能为空")
        yield Condition(
            measured=measured,
            value=value or 0,
            bound=reader.choice(f"bound_{row}", Bound) or Bound.AT_LEAST,
            within_hours=hours if isinstance(measured, Signal) else None,
        )
