"""Titles of coupons (券名): looked up for the explanations of an evaluation, and only where it tells of any."""

from dataclasses import replace

from sqlalchemy.orm import Session

from loyalty.coupons.queries.titles import titles
from loyalty.earning.rules import Evaluation
from loyalty.earning.rules.coupons import templates_in, with_title


def with_titles(session: Session, evaluation: Evaluation) -> Evaluation:
    """Return an evaluation whose explanations say what their coupons are called now."""
    told = [one.explanation for one in evaluation.awards] + [one.explanation for one in evaluation.misses]
    found = templates_in(told)
    if not found:
        return evaluation
    named = titles(session, found)
    return Evaluation(
        awards=tuple(replace(one, explanation=with_title(one.explanation, named)) for one in evaluation.awards),
        misses=tuple(replace(one, explanation=with_title(one.explanation, named)) for one in evaluation.misses),
    )
