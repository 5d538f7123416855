"""A rule that gives a coupon in the console: chosen by name, tried out, and what went out is counted."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.coupons.service.templates import pause
from loyalty.earning.queries import get_rule, list_rules
from tests.factories.checkout import buy
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.orders import make_purchase
from tests.factories.tags import MARKETER
from tests.portal.console.conftest import Browser

HERE = "/console/earning-rules"
FILLED = {"event": "purchase", "name": "首单礼送券", "is_first_purchase": "yes"}


def test_the_coupon_is_chosen_by_name_and_kept(admin: Browser, session: Session, at: datetime) -> None:
    template_id = make_template(session, terms_of(title="满100减20"))
    session.commit()

    assert f'<option value="{template_id}">满100减20</option>' in admin.text(f"{HERE}/new?template=first_order_coupon")
    page = admin.submit(HERE, **FILLED | {"coupon_template_id": str(template_id)})

    assert "首次消费，送 满100减20。" in page
    (rule,) = list_rules(session, at=at)
    definition = get_rule(session, rule_id=rule.id, at=at).shown.definition
    assert definition is not None
    assert definition.coupon_template_id == template_id
    pause(session, template_id=template_id, actor=MARKETER, at=at)
    session.commit()
    assert f'<option value="{template_id}" selected>' in admin.text(f"{HERE}/{rule.id}/edit")


def test_trying_out_names_the_coupon(admin: Browser, session: Session) -> None:
    template_id = make_template(session, terms_of(title="早餐券"))
    session.commit()

    page = admin.post(f"{HERE}/preview", **FILLED | {"coupon_template_id": str(template_id)}).text

    assert "送 <strong>早餐券</strong>" in page
    assert "首单礼送券：送 早餐券" in page


def test_a_coupon_that_does_not_exist_is_refused(admin: Browser, session: Session, at: datetime) -> None:
    for unknown, reason in (("987654321", "所送的优惠券不存在"), ("满减券", "送优惠券须为整数")):
        response = admin.post(HERE, **FILLED | {"coupon_template_id": unknown})
        assert (response.status_code, reason in response.text) == (422, True)
    assert list_rules(session, at=at) == []


def test_the_rules_page_counts_what_it_gave_and_what_it_could_not(
    admin: Browser, session: Session, at: datetime
) -> None:
    template_id = make_template(session, stock=1)
    session.commit()
    admin.submit(HERE, **FILLED | {"coupon_template_id": str(template_id)})
    rule_id = list_rules(session, at=at)[0].id
    admin.submit(f"{HERE}/{rule_id}/publish")
    for _ in range(2):
        buy(session, make_purchase(make_member(session).id, paid_at=at), at=at)
    session.commit()

    page = admin.text(f"{HERE}/{rule_id}/outcomes")

    assert "1 次，共 0 积分、1 张优惠券" in page
    assert "优惠券没有送出" in page
