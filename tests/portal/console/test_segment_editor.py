"""The editor of segments: a condition is put together, counted and saved, with and without JavaScript."""

import re
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.segments import queries
from loyalty.segments.queries import SegmentView
from loyalty.segments.rules.conditions import All, AnyOf, Not
from loyalty.segments.rules.fact_types import Balance, EnrolledStore, HasBirthday, NeverBought
from loyalty.stores.models import Store
from tests.factories.members import make_member
from tests.portal.console.conftest import Browser
from tests.portal.console.segment_forms import HERE, form_on, saved

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ours(session: Session, store: Store) -> Member:
    return make_member(session, enrolled_store_id=store.id, phone="+8613912345678")


def only_segment(session: Session) -> SegmentView:
    session.expire_all()
    (segment,) = queries.list_segments(session)
    return segment


class TestBuildingWithoutScript:
    def test_rows_and_groups_come_and_go_by_the_server_and_nothing_typed_is_lost(
        self, marketer: Browser, session: Session, store: Store
    ) -> None:
        form = form_on(marketer.text(f"{HERE}/new"))

        def press(edit: str, **typed: object) -> None:
            nonlocal form
            page = marketer.submit(HERE, **form | {"title": "老客"} | typed, edit=edit)
            assert 'value="老客"' in page
            form = form_on(page)

        press("add:c", **{"c.new": "never_bought"})
        press("group:c", **{"c-1.not": "yes"})
        press("add:c-2", **{"c-2.new": "balance"})
        press("add:c-2", **{"c-2.new": "enrolled_store", "c-2-1.least": "500"})
        press("add:c", **{"c.new": "has_birthday", "c-2-2.store_ids": [str(store.id)]})
        press("remove:c-3")
        page = marketer.submit(HERE, **form, title="老客", edit="count")
        assert "不满足（从未消费），且（可用积分不少于 500，或入会门店：西湖店）" in page
        assert queries.list_segments(session) == []

        assert "已保存" in marketer.submit(HERE, **form, title="老客")

        group = AnyOf((Balance(least=500), EnrolledStore(frozenset({store.id}))))
        assert only_segment(session).condition == All((Not(NeverBought()), group))

    def test_what_is_wrong_is_told_at_its_row_and_the_form_stays(self, marketer: Browser, session: Session) -> None:
        form = {"c.join": "all", "c.not": "no", "c-1.fact": "balance", "c-1.not": "no", "c-1.least": "很多"}

        answer = marketer.post(HERE, title="测试", **form)

        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert '<div class="field-problem" id="problem-c-1">不少于须为整数</div>' in page
        assert 'value="很多"' in page
        assert queries.list_segments(session) == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"c.join": "none"},
            {"c.join": "all", "c.not": "no", "c-1.fact": "unheard_of", "c-1.not": "no"},
            {"c.join": "all", "c.not": "no", "edit": "remove:c"},
            {"c.join": "all", "c.not": "no", "edit": "add:c", "c.new": "x"},
            {"edit": "add:" + "c-1" * 200},
        ],
    )
    @pytest.mark.parametrize("address", [HERE, f"{HERE}/condition", f"{HERE}/count"])
    def test_a_form_that_no_page_offers_is_refused_in_words(
        self, marketer: Browser, fields: dict[str, str], address: str
    ) -> None:
        answer = marketer.post(address, title="测试", **fields)

        is_read = address.endswith("count") and "edit" in fields
        assert (answer.status_code == 200) if is_read else (answer.headers["X-Error-Code"] == "invalid_field")

    @pytest.mark.parametrize(("title", "told"), [("", "1–40 个字符"), ("x" * 41, "1–40 个字符"), ("老客", "已有同名")])
    def test_a_title_that_will_not_do_is_told(
        self, marketer: Browser, session: Session, at: datetime, title: str, told: str
    ) -> None:
        saved(session, at, HasBirthday(), "老客")

        assert told in marketer.post(HERE, title=title).get_data(as_text=True)


class TestBuildingWithScript:
    def test_a_part_of_the_page_comes_back_and_the_count_is_asked_to_follow(self, marketer: Browser) -> None:
        answer = marketer.post(
            f"{HERE}/condition", **{"c.join": "all", "c.not": "no", "c.new": "tags", "edit": "add:c"}
        )

        part = answer.get_data(as_text=True)
        assert "<html" not in part
        assert form_on(part)["c-1.match"] == ["any"]
        assert answer.headers["HX-Trigger-After-Settle"] == "condition-changed"

    def test_the_count_comes_with_the_sentence_some_members_and_how_long_it_took(
        self, marketer: Browser, ours: Member, store: Store, session: Session
    ) -> None:
        session.commit()
        form = {"c.join": "all", "c.not": "no", "c-1.fact": "enrolled_store", "c-1.not": "no"}

        page = marketer.post(f"{HERE}/count", **form, **{"c-1.store_ids": store.id}).get_data(as_text=True)

        assert "<strong>1</strong> 位会员" in page
        assert "入会门店：西湖店" in page
        assert re.search(r"统计用时 \d+\.\d\d 秒", page)
        assert ours.number in page
        assert "139****5678" in page

    def test_each_row_hears_what_is_wrong_with_it_while_it_is_filled_in(self, marketer: Browser) -> None:
        form = {"c.join": "all", "c.not": "no", "c-1.fact": "tier", "c-1.not": "no"}
        data = {"csrf_token": marketer._csrf_token(), **form}

        page = marketer.client.post(f"{HERE}/count", data=data, headers=HTMX).get_data(as_text=True)

        assert '<div class="field-problem" id="problem-c-1" hx-swap-oob="true">请选择等级</div>' in page
        assert '<div class="field-problem" id="problem-c" hx-swap-oob="true"></div>' in page
        assert "位会员" not in page
