"""Missions in the console: started from a template, read as a sentence, published, paused, and told in figures."""

import re
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.check_ins.cards import rules_in_force
from loyalty.check_ins.rules import MakeUpRules
from loyalty.kernel import audit
from loyalty.missions.listed import MissionListed, list_missions
from loyalty.missions.rules.templates import TEMPLATES
from loyalty.missions.rules.terms import CouponReward, MissionState, Period, Step
from loyalty.staff.rules import Role
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.missions import do, make_mission, mission_of, steps
from tests.portal.console.conftest import Browser, LogIn

HERE = "/console/missions"
FILLED = {
    "event": "review",
    "title": "每日评价",
    "measure": "times",
    "period": "daily",
    "target_1": "1",
    "reward_1": "points",
    "count_1": "5",
    "target_2": "3",
    "reward_2": "cards",
    "count_2": "1",
    "member_rewards": "30",
    "is_claimed_by_hand": "yes",
}
SAYS = "每天评价 1 次 得 5 积分，3 次 得 1 张补签卡；完成后手动领取；每人累计奖励次数 30。"


def only_mission(session: Session) -> MissionListed:
    session.expire_all()
    (mission,) = list_missions(session).items
    return mission


class TestMakingAMission:
    def test_starts_from_a_template(self, admin: Browser) -> None:
        offered = re.findall(r"template=(\w+)", admin.text(f"{HERE}/new"))

        assert set(offered) == set(TEMPLATES)
        for key in offered:
            page = admin.text(f"{HERE}/new?template={key}")
            assert f'value="{TEMPLATES[key].start().title}"' in page
            assert ('name="minimum_amount"' in page) == (key == "monthly_purchases")

    @pytest.mark.parametrize("key", TEMPLATES)
    def test_saves_what_a_template_says_unchanged(self, admin: Browser, session: Session, key: str) -> None:
        terms = TEMPLATES[key].start()
        page = admin.text(f"{HERE}/new?template={key}")
        fields = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page))
        fields |= dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', page, re.DOTALL):
            fields[name] = next(iter(re.findall(r'value="([^"]*)" selected', options)), "")
        fields.pop("csrf_token")
        fields.pop("is_claimed_by_hand")
        fields |= {"is_claimed_by_hand": "yes"} if terms.is_claimed_by_hand else {}
        fields.pop("tier_levels", None)

        admin.submit(HERE, **fields)

        assert only_mission(session).draft == terms

    def test_is_drafted_published_paused_resumed_and_stopped_and_each_step_is_audited(
        self, admin: Browser, session: Session
    ) -> None:
        assert "草稿已保存" in admin.submit(HERE, **FILLED)
        mission = only_mission(session)
        assert (mission.state, mission.terms.period) == (MissionState.DRAFT, Period.DAILY)
        here = f"{HERE}/{mission.id}"

        assert "已发布" in admin.submit(f"{here}/publish")
        admin.submit(f"{here}/draft", **FILLED, description="认真写评价")
        assert "待发布的草稿" in admin.text(here)
        admin.submit(f"{here}/discard")
        states = []
        for step in ("pause", "resume", "stop"):
            admin.submit(f"{here}/{step}")
            states.append(only_mission(session).state)

        assert states == [MissionState.PAUSED, MissionState.LIVE, MissionState.STOPPED]
        actions = [entry.action for entry in audit.list_entries(session, subject=f"mission:{mission.id}")]
        assert sorted(actions) == sorted(
            f"missions.{one}"
            for one in ("save_draft", "publish", "save_draft", "discard_draft", "pause", "resume", "stop")
        )

    def test_is_previewed_as_a_sentence_by_the_checks_of_saving_and_nothing_is_kept(
        self, admin: Browser, session: Session
    ) -> None:
        assert SAYS in admin.submit(f"{HERE}/preview", **FILLED)
        assert "达不到" in admin.submit(f"{HERE}/preview", **FILLED | {"event": "check_in"})

        assert list_missions(session).items == []

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"title": "分享海报得积分"}, "微信禁止奖励关注、订阅或分享行为"),
            ({"event": "custom", "custom_kind": "sharedPoster"}, "微信禁止奖励关注、订阅或分享行为"),
            ({"count_1": ""}, "奖励积分须为"),
            ({"target_1": "x"}, "第 1 档目标须为整数"),
            ({"reward_2": "gold"}, "第 2 档奖励请从列表中选择"),
            ({"target_1": "", "target_2": ""}, "奖励须为 1–5 档"),
            ({"reward_1": "coupon", "coupon_1": ""}, "奖励的优惠券不正确"),
            ({"reward_1": "coupon", "coupon_1": "999999"}, "所送的优惠券不存在"),
            ({"starts_at": "2026-03-12T10:00", "ends_at": "2026-03-12T10:00"}, "结束时间须晚于开始时间"),
            ({"points_budget": "3"}, "不够发放一次奖励"),
        ],
    )
    def test_that_makes_no_sense_is_refused_and_what_was_typed_stays(
        self, admin: Browser, session: Session, changes: dict[str, str], told: str
    ) -> None:
        response = admin.post(HERE, **FILLED | {"description": "原样保留"} | changes)

        assert response.status_code in (400, 422)
        assert told in response.text
        assert "原样保留" in response.text
        assert list_missions(session).items == []

    def test_may_give_a_coupon_that_is_issued(self, admin: Browser, session: Session) -> None:
        template_id = make_template(session, terms_of(title="满减券"))
        session.commit()

        page = admin.submit(HERE, **FILLED | {"reward_1": "coupon", "coupon_1": str(template_id)})

        assert "得 满减券" in page
        assert only_mission(session).terms.steps[0] == Step(1, CouponReward(template_id))


class TestTheList:
    def test_is_filtered_and_exported(self, admin: Browser, session: Session) -> None:
        make_mission(session, title="甲任务")
        make_mission(session, mission_of(title="乙任务", steps=steps((2, 7))))
        session.commit()

        page = admin.text(f"{HERE}?text=乙&state=live&event=review")
        export = admin.get(f"{HERE}.csv?text=乙").text

        assert "乙任务" in page
        assert "甲任务" not in page
        assert export.splitlines()[1].startswith(
            f"{list_missions(session).items[0].id},乙任务,评价,评价 2 次 得 7 积分"
        )
        assert "没有符合条件的任务" in admin.text(f"{HERE}?state=paused")


def test_figures_are_shown_and_exported_to_those_who_see_the_chain(
    log_in: LogIn, session: Session, at: datetime
) -> None:
    mission_id = make_mission(session)
    do(session, make_member(session).id, at)
    session.commit()
    marketer = log_in(Role.MARKETER)

    page = marketer.text(f"{HERE}/{mission_id}")

    assert "1 人" in page
    assert marketer.get(f"{HERE}/{mission_id}/days.csv").text.splitlines()[1] == "2026-03-10,1,10,0,0"


def test_a_mission_that_does_not_exist_is_not_found(admin: Browser) -> None:
    assert admin.get(f"{HERE}/999999").status_code == 404
    assert admin.get(f"{HERE}/999999/days.csv").status_code == 404


def test_the_rules_of_making_up_are_set_beside_the_check_in_plan(admin: Browser, session: Session) -> None:
    here = "/console/check-in-plan"

    assert "未开放" in admin.text(here)
    page = admin.submit(f"{here}/make-ups", days_back="7", month_limit="3", card_price="50")
    assert "立即生效" in page
    assert rules_in_force(session) == MakeUpRules(7, 3, 50)
    assert "可补签的天数须为 0 到 31" in admin.submit(f"{here}/make-ups", days_back="32", month_limit="3")
    assert "补签已关闭" in admin.submit(f"{here}/make-ups", days_back="0", month_limit="3")
    assert rules_in_force(session) is None
