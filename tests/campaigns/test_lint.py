"""Lawful and unlawful campaigns, labelled by people: see ``corpus/campaigns.json``. Each says why it is what it is."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from loyalty.campaigns.rules.documents import parse
from loyalty.campaigns.rules.findings import Finding, Severity
from loyalty.campaigns.rules.lint import LintFacts, lint
from loyalty.campaigns.rules.templates import TEMPLATES, with_coupon
from loyalty.campaigns.rules.terms import SendMessage
from loyalty.coupons.rules.terms import CashOff, DaysFromIssue, FixedDates
from loyalty.coupons.rules.terms import Terms as CouponTerms
from tests.factories.campaigns import SHANGHAI

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "corpus" / "campaigns.json").read_text("utf-8"))
TODAY = date(2026, 3, 10)


def coupon_of(given: dict[str, Any]) -> CouponTerms:
    validity = FixedDates(date(2026, 1, 1), date.fromisoformat(given["until"])) if "until" in given else None
    return CouponTerms(title=given["title"], worth=CashOff(500), validity=validity or DaysFromIssue(given["days"]))


def found_in(case: dict[str, Any]) -> list[Finding]:
    told = case.get("facts", {})
    coupons = {int(key): coupon_of(given) for key, given in told.get("coupons", {}).items()}
    return list(
        lint(parse(case["terms"]), LintFacts(on=TODAY, zone=SHANGHAI, coupons=coupons, levels=told.get("levels", 1)))
    )


def codes(findings: list[Finding], severity: Severity) -> list[str]:
    return sorted({finding.code for finding in findings if finding.severity is severity})


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_campaign_of_the_corpus_is_judged_as_people_labelled_it(case: dict[str, Any]) -> None:
    findings = found_in(case)

    assert codes(findings, Severity.MUST_FIX) == case["must"], case["why"]
    if "warn" in case:
        assert codes(findings, Severity.WARNING) == case["warn"]
    assert all(finding.source and finding.message and finding.where for finding in findings)


def test_the_corpus_as_a_whole_misses_nothing_and_blocks_nobody_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    blocked = {case["name"]: bool(codes(found_in(case), Severity.MUST_FIX)) for case in CASES}
    lawful = {case["name"] for case in CASES if case["lawful"]}
    missed = [name for name, is_blocked in blocked.items() if name not in lawful and not is_blocked]
    wrongly = [name for name in lawful if blocked[name]]
    by_code = Counter(code for case in CASES for code in case["must"])

    with capsys.disabled():
        print(f"\nlint corpus: {len(CASES)} campaigns, {len(lawful)} lawful; missed {missed}, false blocks {wrongly}")
    assert (missed, wrongly) == ([], [])
    assert len(CASES) >= 60
    assert min(len(lawful), len(CASES) - len(lawful)) >= 30
    assert len(by_code) >= 15


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_ready_campaign_may_be_launched_as_it_stands_and_with_a_coupon(name: str) -> None:
    terms, coupons = TEMPLATES[name].start(), {5: coupon_of({"title": "满减券", "days": 3})}

    assert lint(terms, LintFacts(on=TODAY, zone=SHANGHAI)) == []
    assert lint(with_coupon(terms, 5), LintFacts(on=TODAY, zone=SHANGHAI, coupons=coupons)) == []


def test_a_ready_campaign_with_a_coupon_gives_as_often_and_says_so() -> None:
    terms = with_coupon(TEMPLATES["birthdays"].start(), 5)

    assert (terms.caps.points, terms.caps.coupons) == (None, 5_000)
    assert terms.rules_text == "填写了生日的会员，每年生日前 3 天可得优惠券一张，券的有效期以券面为准。"
    assert "送您优惠券一张作为生日礼，有效期以券面为准。" in next(
        action.body for action in terms.actions if isinstance(action, SendMessage)
    )


def test_figures_beyond_the_calendar_are_read_as_very_long() -> None:
    text = "积分 999999 年内有效，有效期至 9999-99-99，大奖 " + "9" * 500 + " 元，抽奖。"
    terms = parse(CASES[0]["terms"] | {"trigger": {"kind": "now"}, "rules_text": text})

    found = lint(terms, LintFacts(on=TODAY, zone=SHANGHAI))

    assert {"expiry_shorter", "prize_too_high"} <= {finding.code for finding in found}


def test_a_finding_names_the_words_and_the_place() -> None:
    case = next(case for case in CASES if case["name"] == "消息里说得更长")

    (finding,) = found_in(case)

    assert (finding.where, finding.excerpt) == ("actions[1].body", "60 天内有效")
    assert "积分只到 2026-04-08" in finding.message
