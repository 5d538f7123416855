"""Rules that ask for a tag: chosen by id, paid or missed with the reason, told by the tag's name of today."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.checkout.service import PurchaseOutcome
from loyalty.earning.evaluations import find_evaluation
from loyalty.earning.queries import get_revisions
from loyalty.earning.rules import Conditions, Fixed
from loyalty.earning.rules.errors import EarningRuleTagUnknown
from loyalty.earning.rules.keeping import evaluate_again
from loyalty.merging.service import merge
from loyalty.orders.rules import RefundLine
from loyalty.tags import service as tags
from tests.earning.drafts import draft
from tests.factories.checkout import buy, give_back
from tests.factories.earning import BASE, make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import balance_of
from tests.factories.tags import MARKETER, make_tag, put_tag
from tests.support.statements import StatementCounter

GIFT = replace(BASE, points=Fixed(30))


def _asking_for(*tag_ids: int) -> Conditions:
    return Conditions(tags=frozenset(tag_ids))


def _bought(session: Session, member_id: int) -> PurchaseOutcome:
    return buy(session, make_purchase(member_id, line(amount_fen=10_000)))


def test_a_rule_pays_who_has_one_of_its_tags_and_tells_others_what_they_lack(session: Session) -> None:
    wanted, also_wanted, other = (make_tag(session) for _ in range(3))
    make_rule(session, replace(GIFT, conditions=_asking_for(wanted, also_wanted)), name="茶友礼")
    tagged, otherwise, without = (make_member(session) for _ in range(3))
    put_tag(session, also_wanted, tagged.id)
    put_tag(session, other, otherwise.id)

    assert [_bought(session, one.id).points for one in (tagged, otherwise, without)] == [30, 0, 0]
    assert _bought(session, otherwise.id).sentences == ["茶友礼：没有要求的会员标签"]


def test_a_renamed_or_archived_tag_is_paid_on(session: Session, at: datetime) -> None:
    tag_id, member = make_tag(session), make_member(session)
    make_rule(session, replace(GIFT, conditions=_asking_for(tag_id)))
    put_tag(session, tag_id, member.id)

    tags.rename_tag(session, tag_id=tag_id, name="换了名字", note=None, actor=MARKETER, at=at)
    tags.archive_tag(session, tag_id=tag_id, actor=MARKETER, at=at)

    assert _bought(session, member.id).points == 30


def test_who_was_merged_earns_by_the_tags_of_both(session: Session, at: datetime) -> None:
    tag_id, survivor, other = make_tag(session), make_member(session), make_member(session)
    make_rule(session, replace(GIFT, conditions=_asking_for(tag_id)))
    put_tag(session, tag_id, other.id)

    merge(session, survivor_id=survivor.id, other_id=other.id, actor=MARKETER, at=at)

    assert _bought(session, survivor.id).points == 30


def test_a_refund_is_reckoned_with_the_tags_of_the_purchase(session: Session, at: datetime) -> None:
    tag_id, member = make_tag(session), make_member(session)
    make_rule(session, replace(BASE, conditions=_asking_for(tag_id)))
    put_tag(session, tag_id, member.id)
    purchase = make_purchase(member.id, line(amount_fen=10_000))
    outcome = buy(session, purchase)
    tags.untag_member(session, tag_id=tag_id, member_id=member.id, actor=MARKETER, at=at)

    give_back(session, make_refund(purchase.order_number, RefundLine(1, 1, 4_000)))

    assert (outcome.points, balance_of(session, member.id)) == (100, 60)
    kept = find_evaluation(session, member_id=member.id, reference=f"order:{outcome.order_id}")
    assert kept is not None
    assert kept.inputs["facts"]["tags"] == [tag_id]
    again = evaluate_again(kept.inputs, get_revisions(session, revision_ids=kept.inputs["revision_ids"]))
    assert again.points == 100


def test_a_draft_that_asks_for_an_unknown_tag_is_refused(session: Session, at: datetime) -> None:
    tag_id, rule_id = make_tag(session), make_rule(session, at=at)

    with pytest.raises(EarningRuleTagUnknown) as refused:
        draft(session, rule_id, at, replace(BASE, conditions=_asking_for(tag_id, 2**40)))

    assert [problem.field for problem in refused.value.problems] == ["tags"]


def test_asking_for_tags_costs_no_statement_more(session: Session, statements: StatementCounter) -> None:
    tag_id, member = make_tag(session), make_member(session)
    put_tag(session, tag_id, member.id)
    make_rule(session)
    _bought(session, member.id)  # opens the account
    statements.clear()
    _bought(session, member.id)
    without = statements.count
    make_rule(session, replace(GIFT, conditions=_asking_for(tag_id)))

    statements.clear()
    outcome = _bought(session, member.id)

    assert (outcome.points, statements.count) == (130, without)
