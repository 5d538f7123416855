"""The editor of campaigns: from a ready one to the draft, checked while it is written, with nothing lost."""

import html
import re
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import list_campaigns
from loyalty.campaigns.rules.checking import gives_value
from loyalty.campaigns.rules.templates import TEMPLATES
from loyalty.campaigns.rules.terms import Caps, GivePoints, SendMessage, Sleeping, Visit
from loyalty.kernel.audit import Actor
from loyalty.segments.rules.conditions import All
from loyalty.segments.rules.fact_types import Tags
from loyalty.segments.service import save_segment
from tests.factories.campaigns import campaign_of, draft_campaign, make_campaign
from tests.portal.console.campaign_pages import HERE, NOBODY, newest, path_of, typed
from tests.portal.console.conftest import Browser

WRONG: dict[str, tuple[dict[str, object], str]] = {
    "title": ({"title": ""}, "活动名称须为 1–30 个字"),
    "actions[0].points": ({"actions[0].points": "x"}, "积分须为整数"),
    "sleeping.days": ({"trigger": "sleeping", "sleeping.days": ""}, "未消费天数须为"),
    "recurring.weekdays": ({"trigger": "recurring", "recurring.repetition": "weekly"}, "每周活动须选择"),
    "holdout_percent": ({"holdout_percent": "99"}, "对照组比例须为"),
    "caps.points": ({"caps.points": "5"}, "积分上限不够发放一次"),
    "segment_id": ({"source": "segment", "segment_id": "999999"}, "没有找到该分群"),
}
"""Changes to a form that could be saved, by the field at which they are told, and what is told there."""


class TestStartingACampaign:
    def test_is_offered_from_every_ready_one_and_from_nothing(self, marketer: Browser) -> None:
        offered = re.findall(r'href="/console/campaigns/new\?template=(\w+)"', marketer.text(f"{HERE}/new"))

        assert offered == [*TEMPLATES, "empty"]
        for key, template in TEMPLATES.items():
            assert f'value="{template.start().title}"' in marketer.text(f"{HERE}/new?template={key}")
        assert 'id="title" name="title" type="text" value=""' in marketer.text(f"{HERE}/new?template=empty")

    def test_may_give_a_coupon_instead_of_the_points(
        self, marketer: Browser, session: Session, template_id: int
    ) -> None:
        session.commit()

        offers = marketer.text(f"{HERE}/new").split("<li>")
        page = marketer.text(f"{HERE}/new?template=store_visits&coupon={template_id}")

        for template in TEMPLATES.values():
            (offer,) = (one for one in offers if template.hint in one)
            assert (f'<option value="{template_id}">早鸟券' in offer) == gives_value(template.start())
        assert f'<option value="{template_id}" selected>早鸟券' in page
        assert "actions[0].points" not in page

    def test_is_kept_as_a_draft_that_remembers_where_it_began(self, marketer: Browser, session: Session) -> None:
        terms = TEMPLATES["sleepers"].start()

        page = marketer.submit(HERE, **typed(terms), template="sleepers")

        campaign = newest(session)
        assert "上线前检查" in page
        assert (campaign.template, campaign.title) == ("sleepers", "沉睡唤醒")
        assert campaign.terms == terms


class TestTheEditor:
    def test_without_script_changes_rows_of_actions_and_conditions_and_loses_nothing(
        self, marketer: Browser, session: Session
    ) -> None:
        form = typed(campaign_of(NOBODY), title="还没写完", **{"actions[0].points": "一百", "caps.fen": "abc"})

        for edit, chosen, shown in (
            ("action-add", {"new_action": "message"}, 'name="actions[1].body"'),
            ("action-remove:0", {}, "还没有动作"),
            ("add:c", {"c.new": "recency"}, 'name="c-2.fact"'),
        ):
            page = marketer.submit(HERE, **form | chosen | {"edit": edit})
            assert shown in page or edit.startswith("add:")
            assert 'value="还没写完"' in page
            assert 'value="abc"' in page
            assert ('value="一百"' in page) == (edit != "action-remove:0")
        assert list_campaigns(session).items == []

    def test_with_script_sends_back_only_the_rows(self, marketer: Browser) -> None:
        page = marketer.submit(f"{HERE}/actions", **typed(campaign_of(NOBODY), edit="action-add", new_action="coupon"))

        assert 'name="actions[1].template_id"' in page
        assert "<form" not in page

    def test_tells_what_is_wrong_at_its_field_and_keeps_what_was_typed(
        self, marketer: Browser, session: Session
    ) -> None:
        form = typed(campaign_of(NOBODY), rules_text="原样保留")

        for field, (changes, told) in WRONG.items():
            answer = marketer.post(HERE, **form | changes)

            assert answer.status_code == 422, field
            at_field = re.search(rf'id="{re.escape(field)}-problem-1">([^<]*)<', answer.text)
            assert at_field is not None, field
            assert told in at_field[1]
            assert "原样保留" in answer.text
        assert list_campaigns(session).items == []

    def test_refuses_to_pay_for_following(self, marketer: Browser, session: Session) -> None:
        answer = marketer.post(
            HERE, **typed(campaign_of(NOBODY), **{"trigger": "event", "event.event": "followed", "event.unit": "days"})
        )

        assert answer.status_code == 422
        assert "微信禁止奖励关注、订阅或分享行为" in answer.text
        assert list_campaigns(session).items == []

    def test_copies_the_condition_of_a_saved_segment(
        self, marketer: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        condition = All((Tags(frozenset({tag_id})),))
        segment_id = save_segment(session, title="两位会员", condition=condition, actor=Actor("cli"), at=at)
        session.commit()

        marketer.submit(HERE, **typed(campaign_of(NOBODY), source="segment", segment_id=str(segment_id)))

        terms = newest(session).terms
        assert (terms.segment_id, terms.audience) == (segment_id, condition)


class TestTheCheck:
    def test_says_reach_cost_and_debt_while_editing_and_keeps_nothing(
        self, marketer: Browser, session: Session, tag_id: int
    ) -> None:
        message = SendMessage("会员日", "今天有礼。退订请到消息设置", ("subscription", "customer", "inbox"))
        terms = campaign_of(tag_id, actions=(GivePoints(300, 30), message))
        session.commit()

        page = html.unescape(marketer.submit(f"{HERE}/preview", **typed(terms)))

        assert "<strong>2</strong> 位会员" in page
        assert "2 人：订阅消息 0，客服窗口 0，站内消息 2；模板消息 0（营销内容不可用）；未推送 2，因为" in page
        assert "2 人，600 积分" in page
        assert "欠会员 600 积分（¥6.00）" in page
        assert "不超过 ¥1,000.00，提交后直接生效" in page
        assert list_campaigns(session).items == []

    def test_names_the_campaigns_that_share_members(
        self, marketer: Browser, session: Session, tag_id: int, at: datetime
    ) -> None:
        make_campaign(session, campaign_of(tag_id, title="先来的", trigger=Visit()), at=at)
        session.commit()

        page = html.unescape(marketer.submit(f"{HERE}/preview", **typed(campaign_of(tag_id))))

        assert re.search(r"2 人也在“<a href=\"/console/campaigns/\d+\">先来的", page)

    def test_asks_for_a_cap_where_nothing_bounds_the_cost(self, marketer: Browser) -> None:
        terms = campaign_of(NOBODY, trigger=Sleeping(30), caps=Caps(times_a_member=3))

        page = marketer.submit(f"{HERE}/preview", **typed(terms))

        assert "没有封顶" in page
        assert "需要另一位同事复核（成本没有封顶）" in page

    def test_must_be_clean_before_the_button_and_before_the_server(
        self, marketer: Browser, session: Session, at: datetime
    ) -> None:
        draft_campaign(session, campaign_of(NOBODY, rules_text=""), at=at)
        session.commit()
        here = path_of(session)

        page = marketer.text(f"{here}/check")
        answer = marketer.post(f"{here}/submit")

        assert "须修改后才能提交" in page
        assert "依据：" in page
        assert f'action="{here}/submit"' not in page
        assert answer.status_code == 422
        assert "不符合平台规则或法律" in answer.text
        assert newest(session).revision is None
