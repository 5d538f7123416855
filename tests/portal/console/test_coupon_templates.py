import io
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.queries.templates import get_template, list_templates
from loyalty.coupons.rules.starts import STARTS
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.rules.terms import (
    Terms,
)
from loyalty.kernel import audit
from loyalty.staff.rules import Role
from loyalty.tiers.queries import list_tiers
from portal.console.coupon_template_form import form_of
from tests.coupons.samples import FULL
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.factories.tags import make_tag
from tests.portal.console.conftest import Browser, LogIn
from tests.portal.console.test_coupon_template_form import FILLED, SHANGHAI
from tests.support.pictures import PNG

HERE = "/console/coupons"


def only_template(session: Session) -> int:
    return list_templates(session).items[0].id


def fields_of(terms: Terms) -> dict[str, Any]:
    """A form as a browser sends it."""
    return {name: texts for name, texts in form_of(terms, SHANGHAI).items() if texts}


class TestMakingATemplate:
    def test_starts_from_a_common_coupon(self, admin: Browser) -> None:
        offered = re.findall(r"start=(\w+)", admin.text(f"{HERE}/new"))

        assert set(offered) == set(STARTS)
        for key in offered:
            title = STARTS[key].begin(date(2026, 3, 10)).title
            assert f'value="{title}"' in admin.text(f"{HERE}/new?start={key}")

    def test_keeps_every_field_through_draft_and_editor(self, admin: Browser, session: Session) -> None:
        store, elsewhere, tags = make_store(session), make_store(session), [make_tag(session) for _ in range(2)]
        session.commit()
        levels = [tier.level for tier in list_tiers(session)]
        scope = replace(FULL.scope, included_nodes=frozenset({store.id}), excluded_nodes=frozenset({elsewhere.id}))
        wanted = replace(
            FULL,
            scope=scope,
            eligibility=replace(FULL.eligibility, tags=frozenset(tags), tier_levels=frozenset(levels)),
            picture=None,
        )

        admin.submit(HERE, **fields_of(wanted), stock="77")
        template_id = only_template(session)
        assert get_template(session, template_id=template_id).draft == wanted
        assert get_template(session, template_id=template_id).stock == 77

        editor = admin.text(f"{HERE}/{template_id}/edit")
        assert re.findall(r'name="tags" value="(\d+)" checked', editor) == [str(tag) for tag in sorted(tags)]
        assert 'name="stock"' not in editor, "the stock is set beside the revisions"
        assert re.findall(r'name="included_nodes" value="(\d+)" checked', editor) == [str(store.id)]

    def test_publishes_edits_pauses_resumes_and_stops(self, admin: Browser, session: Session) -> None:
        page = admin.submit(HERE, **FILLED)
        here = f"{HERE}/{only_template(session)}"
        assert "草稿已保存" in page
        assert "满 100 减 20" in page

        def state() -> TemplateState:
            return get_template(session, template_id=only_template(session)).state

        assert "已发布" in admin.submit(f"{here}/publish")
        page = admin.submit(f"{here}/draft", **FILLED | {"amount_fen": "30"})
        assert "待发布的草稿" in page
        assert "满 100 减 30" in page
        admin.submit(f"{here}/publish")
        assert [row for row in ("满 100 减 30", "满 100 减 20") if row in admin.text(here)] == [
            "满 100 减 30",
            "满 100 减 20",
        ]
        assert "已暂停发放" in admin.submit(f"{here}/pause")
        assert state() is TemplateState.PAUSED
        assert "已恢复发放" in admin.submit(f"{here}/resume")
        assert "已停止发放" in admin.submit(f"{here}/stop")
        assert state() is TemplateState.STOPPED
        assert "券模板当前状态下不能进行此操作" in admin.submit(f"{here}/resume")
        assert f"{here}/edit" not in admin.text(here)

    def test_tops_the_stock_up_with_an_audit(self, admin: Browser, session: Session) -> None:
        template_id = make_template(session, stock=10)
        session.commit()

        stock = f"{HERE}/{template_id}/stock"
        assert "请填写调整库存的原因" in admin.submit(stock, stock="25", reason=" ")
        assert "请填写调整库存的原因" in admin.submit(stock, stock="25", reason="长" * 201)
        assert "库存已调整" in admin.submit(stock, stock="25", reason="周末加量 <急>")
        assert "优惠券设置不正确" in admin.submit(stock, stock="0", reason="周末加量")

        assert get_template(session, template_id=template_id).stock == 25
        last = audit.list_entries(session, subject=f"coupon_template:{template_id}")[0]
        assert (last.action, last.before, last.after) == (
            "coupons.set_stock", {"stock": 10}, {"stock": 25, "reason": "周末加量 <急>"}
        )  # fmt: skip
        page = admin.text(f"{HERE}/{template_id}")
        assert "库存调整记录" in page
        assert "周末加量 &lt;急&gt;" in page

    @pytest.mark.parametrize(
        ("fields", "name", "reason"),
        [
            ({"title": ""}, "title", "名称须为 1–20 个字"),
            ({"amount_fen": ""}, "amount_fen", "减免金额须为"),
            ({"worth": "percent_off", "percent": "0"}, "percent", "折扣须为 0.1–9.9 折"),
            ({"worth": "fixed_price", "price_fen": "9.9"}, "skus", "特价券须指定商品或品类"),
            ({"worth": "gift"}, "gift_name", "礼品名称须为"),
            ({"days": "0"}, "days", "有效天数须为"),
            ({"member_total": "2", "member_per_day": "3"}, "member_per_day", "高于每人限领"),
            ({"group": "甲"}, "group", "不需要叠加分组"),
            ({"bonus_days_1": "40", "bonus_points_1": "5"}, "bonus", "有效期的 30 天之内"),
            ({"reminder_days": "31"}, "reminder_days", "提前 1–30 天"),
            ({"refund_grace_days": "999"}, "refund_grace_days", "0–365"),
            ({"opens_at": "2026-03-12T08:00", "closes_at": "2026-03-11T08:00"}, "closes_at", "须晚于开始时间"),
            ({"stock": "0"}, "stock", "总库存须为"),
            ({"stock": "x"}, "stock", "总库存须为整数"),
            ({"included_nodes": "987654321"}, "included_nodes", "适用的门店里有已不存在的门店"),
            ({"tags": "987654321"}, "tags", "会员标签里有已不存在的标签"),
            ({"tier_levels": "19"}, "tier_levels", "会员等级里有已不存在的等级"),
            ({"picture": "0" * 64}, "picture", "没有这张图片"),
        ],
    )
    def test_refuses_at_the_field_and_keeps_what_was_typed(
        self, admin: Browser, session: Session, fields: dict[str, str], name: str, reason: str
    ) -> None:
        answer = admin.post(HERE, **FILLED | {"description": "请勿外传"} | fields)

        problems = re.findall(rf'id="{name}-problem-1">([^<]+)<', answer.text)
        assert answer.status_code == 422
        assert len(problems) == 1
        assert reason in problems[0]
        assert "请勿外传</textarea>" in answer.text
        assert list_templates(session).items == []

    @pytest.mark.parametrize(
        ("wrong", "names"),
        [
            ({"title": "", "days": "0", "stock": "0"}, {"title", "days", "stock"}),
            ({"days": "x", "stock": "x"}, {"days", "stock"}),
        ],
    )
    def test_tells_everything_wrong_at_once(self, admin: Browser, wrong: dict[str, str], names: set[str]) -> None:
        for path in (HERE, f"{HERE}/preview"):
            page = admin.post(path, **FILLED | wrong).text
            assert set(re.findall(r'id="(\w+)-problem-1"', page)) == names

    def test_refuses_value_for_sharing(self, admin: Browser) -> None:
        assert "微信" in admin.post(HERE, **FILLED | {"description": "转发朋友圈即可领取"}).text

    def test_throws_a_draft_away(self, admin: Browser, session: Session) -> None:
        admin.submit(HERE, **FILLED)

        assert "草稿已删除" in admin.submit(f"{HERE}/{only_template(session)}/discard")
        assert list_templates(session).items == []

    def test_is_for_those_who_see_the_whole_chain(self, log_in: LogIn, session: Session) -> None:
        template_id = make_template(session)
        browser = log_in(Role.MARKETER, stores=[make_store(session)])

        assert browser.get(f"{HERE}/{template_id}").status_code == 200
        refused = [browser.post(path, **FILLED) for path in (HERE, f"{HERE}/preview", f"{HERE}/{template_id}/draft")]
        refused += [browser.post(f"{HERE}/{template_id}/{step}") for step in ("publish", "pause", "stop", "stock")]
        assert {answer.status_code for answer in refused} == {403}

    @pytest.mark.parametrize("path", ["", "/edit", "/issued", "/codes", "/qr.svg"])
    def test_finds_no_template_that_does_not_exist(self, admin: Browser, path: str) -> None:
        assert admin.get(f"{HERE}/{2**62}{path}").status_code == 404


class TestPictures:
    def test_are_kept_by_their_bytes_and_shown_to_everybody(
        self, admin: Browser, stranger: Browser, session: Session
    ) -> None:
        admin.submit(HERE, **FILLED, picture_file=(io.BytesIO(PNG), "photo.svg"))
        template = get_template(session, template_id=only_template(session))
        assert template.draft is not None
        address = f"/h5/coupon-pictures/{template.draft.picture}"

        answer = stranger.get(address)

        assert (answer.data, answer.mimetype) == (PNG, "image/png")
        assert "immutable" in answer.headers["Cache-Control"]
        assert address in admin.text(f"{HERE}/{template.id}")

        admin.submit(f"{HERE}/{template.id}/draft", **FILLED | {"picture": template.draft.picture})
        kept = get_template(session, template_id=template.id).draft
        admin.submit(f"{HERE}/{template.id}/draft", **FILLED | {"picture": template.draft.picture}, drop_picture="yes")
        dropped = get_template(session, template_id=template.id).draft
        assert (kept and kept.picture, dropped and dropped.picture) == (template.draft.picture, None)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"<script>alert(1)</script>", "图片须为完整的 PNG、JPEG 或 WebP 文件"),
            (PNG + b"\0" * 300 * 1024, "图片不能超过 300 KB"),
        ],
    )
    def test_are_refused_at_their_field(self, admin: Browser, session: Session, content: bytes, reason: str) -> None:
        answer = admin.post(HERE, **FILLED, picture_file=(io.BytesIO(content), "photo.png"))

        assert answer.status_code == 422
        assert re.findall(r'id="picture-problem-1">([^<]+)<', answer.text) == [reason]
        assert list_templates(session).items == []


class TestThePreview:
    def test_shows_what_members_will_read_and_a_sample(self, admin: Browser, session: Session) -> None:
        page = admin.post(f"{HERE}/preview", **FILLED, description="每桌一张").text

        for text in ("满 100 减 20", "领取当日起 30 天内有效", "每人限领 1 张", "每桌一张"):
            assert text in page
        assert "买 ¥100.00：优惠 ¥20.00，应付 ¥80.00" in page
        assert 'name="amount_fen"' in page, "without scripts the whole form comes back"
        assert list_templates(session).items == []

    def test_says_why_a_sample_of_ones_own_does_not_pay(self, admin: Browser) -> None:
        page = admin.post(f"{HERE}/preview", **FILLED, sample_amount="88").text

        assert "买 ¥88.00：不可用，再买 ¥12.00 可用" in page

    def test_answers_scripts_with_the_result_alone_and_shows_a_new_picture(self, admin: Browser) -> None:
        admin.client.environ_base["HTTP_HX_REQUEST"] = "true"

        page = admin.post(f"{HERE}/preview", **FILLED, picture_file=(io.BytesIO(PNG), "x")).text

        assert "/h5/coupon-pictures/" in page
        assert "<form" not in page

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"sample_amount": "-1"}, "样例金额须为金额"),
            ({"sample_amount": "0"}, "样例金额须为 ¥0.01"),
            ({"amount_fen": "0"}, "减免金额须为"),
        ],
    )
    def test_tells_what_stands_in_the_way(self, admin: Browser, fields: dict[str, str], reason: str) -> None:
        page = admin.post(f"{HERE}/preview", **FILLED | fields).text

        assert "还不能保存" in page
        assert reason in page


class TestTheList:
    def test_is_filtered_by_state_and_name_and_says_what_is_left(self, admin: Browser, session: Session) -> None:
        template_id = make_template(session, terms_of(title="早鸟券"), stock=5)
        make_template(session, terms_of(title="午市券"), stock=None)
        issue_to(session, make_member(session).id, template_id)
        session.commit()

        for query in ("text=早鸟", "state=live&text=早"):
            page = admin.text(f"{HERE}?{query}")
            assert ("早鸟券" in page, "午市券" in page) == (True, False)
        assert "没有符合条件的券模板" in admin.text(f"{HERE}?state=paused")
        assert f"{template_id},早鸟券,满 100 减 20,发放中,5,1,4," in admin.text(f"{HERE}.csv?text=早鸟")
        assert ",不限,0,不限," in admin.text(f"{HERE}.csv?text=午市")


class TestTheClaimLink:
    def test_is_shown_and_drawn_once_it_was_published(self, admin: Browser, session: Session) -> None:
        admin.submit(HERE, **FILLED)
        template = get_template(session, template_id=only_template(session))
        assert admin.get(f"{HERE}/{template.id}/qr.png").status_code == 404
        admin.submit(f"{HERE}/{template.id}/publish")

        assert f"http://localhost/h5/c/{template.link_token}" in admin.text(f"{HERE}/{template.id}")
        png, svg = (admin.get(f"{HERE}/{template.id}/qr.{ending}") for ending in ("png", "svg"))
        assert png.data.startswith(b"\x89PNG")
        assert b"<svg" in svg.data
        assert "attachment" in svg.headers["Content-Disposition"]
