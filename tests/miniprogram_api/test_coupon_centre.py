"""The coupon centre of the mini program: what can be claimed, and claiming it there, by a link or by a code."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.rules.terms import (
    Claiming,
    Eligibility,
    MemberLimits,
    Stock,
)
from loyalty.coupons.service.claiming import TRIES_PER_DAY
from loyalty.coupons.service.code_batches import make_batch
from loyalty.coupons.service.templates import pause
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.factories.tags import make_tag, put_tag
from tests.factories.tiers import grow, make_ladder
from tests.miniprogram_api.conftest import MiniProgram
from tests.miniprogram_api.coupons import offered, state_of, wait
from tests.support.containers import NullContainer

HOUR = timedelta(hours=1)
ONCE = MemberLimits(total=1)


class TestCentre:
    def test_shows_what_is_offered_and_leaves_out_what_is_over(
        self, mini_program: MiniProgram, session: Session, at: datetime
    ) -> None:
        shown, paused = make_template(session), make_template(session)
        hidden = make_template(session, terms_of(claiming=Claiming()))
        over = make_template(session, terms_of(claiming=Claiming(is_in_centre=True, closes_at=at)))
        pause(session, template_id=paused, actor=ACTOR, at=at)
        session.commit()

        found = offered(mini_program)

        assert found[shown]["state"] == "claimable"
        assert found[shown]["headline"] == "满 100 减 20"
        assert not found.keys() & {paused, hidden, over}
        assert mini_program.get(f"/coupon-centre/{hidden}").status_code == 404
        assert state_of(mini_program, paused) == ("closed", "该优惠券暂未发放")

    def test_opens_at_its_time(
        self, mini_program: MiniProgram, session: Session, container: NullContainer, at: datetime
    ) -> None:
        claiming = Claiming(is_in_centre=True, opens_at=at + HOUR)
        template_id = make_template(session, terms_of(claiming=claiming))
        session.commit()

        early = offered(mini_program)[template_id]
        refused = mini_program.post(f"/coupon-centre/{template_id}/claims", key="too-early")
        wait(container, hours=1)

        assert (early["state"], early["reason"]) == ("upcoming", "3月10日 11:00 开始领取")
        assert datetime.fromisoformat(early["opens_at"]) == at + HOUR
        assert (refused.status_code, refused.json["error"]["code"]) == (409, "coupon_not_open")  # type: ignore[index]
        assert offered(mini_program)[template_id]["state"] == "claimable"

    def test_tells_what_is_left_and_when_nothing_is(self, mini_program: MiniProgram, session: Session) -> None:
        template_id = make_template(session, stock=3)
        unlimited = make_template(session, stock=None)
        of_today = make_template(session, terms_of(stock=Stock(per_day=1)))
        issue_to(session, make_member(session).id, template_id)
        issue_to(session, make_member(session).id, of_today)
        session.commit()

        found = offered(mini_program)

        assert (found[template_id]["percent_left"], found[unlimited]["percent_left"]) == (67, None)
        assert (found[of_today]["state"], found[of_today]["reason"]) == ("sold_out", "今日已领完，明天可再来")
        assert found[of_today]["percent_left"] == 0

    def test_says_for_whom_a_coupon_is(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime
    ) -> None:
        make_ladder(session, at=at)
        tag_id = make_tag(session, name="老朋友")
        silver = make_template(session, terms_of(eligibility=Eligibility(tier_levels=frozenset({2, 3}))))
        tagged = make_template(session, terms_of(eligibility=Eligibility(tags=frozenset({tag_id}))))
        session.commit()

        assert state_of(mini_program, silver) == (
            "not_for_member",
            "限 银卡会员、金卡会员 领取，您目前是 普通会员",
        )
        assert state_of(mini_program, tagged) == ("not_for_member", "限指定会员领取")
        assert mini_program.post(f"/coupon-centre/{silver}/claims", key="not-for-me").status_code == 403

        grow(session, member_id, 500, at)
        put_tag(session, tag_id, member_id)
        session.commit()
        assert {state_of(mini_program, one) for one in (silver, tagged)} == {("claimable", None)}

    def test_says_how_many_points_are_missing(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime
    ) -> None:
        claiming = Claiming(is_in_centre=True, points_price=100)
        template_id = make_template(session, terms_of(claiming=claiming))
        earn(session, member_id, 70, at=at)
        session.commit()
        assert state_of(mini_program, template_id) == ("points_short", "还差 30 积分")
        assert mini_program.post(f"/coupon-centre/{template_id}/claims", key="too-poor").status_code == 409

        earn(session, member_id, 30, at=at)
        session.commit()
        assert mini_program.post(f"/coupon-centre/{template_id}/claims", key="rich-enough").status_code == 201
        assert mini_program.get("/points").json["available"] == 0  # type: ignore[index]

    def test_goes_on_by_cursor(self, mini_program: MiniProgram, session: Session) -> None:
        made = {make_template(session) for _ in range(3)}
        session.commit()

        first = mini_program.get("/coupon-centre?limit=2").json
        rest = mini_program.get(f"/coupon-centre?limit=2&cursor={first['next_cursor']}").json  # type: ignore[index]

        pages = [*first["items"], *rest["items"]]  # type: ignore[index]
        assert [one["template_id"] for one in pages] == sorted(made, reverse=True)
        assert rest["next_cursor"] is None  # type: ignore[index]


class TestClaim:
    def test_is_good_once_however_often_it_is_sent(self, mini_program: MiniProgram, session: Session) -> None:
        template_id = make_template(session)
        session.commit()

        first = mini_program.post(f"/coupon-centre/{template_id}/claims", key="same-key-1")
        again = mini_program.post(f"/coupon-centre/{template_id}/claims", key="same-key-1")

        assert first.status_code == 201
        assert (again.status_code, again.json) == (first.status_code, first.json)

    def test_by_a_second_tap_is_a_conflict_with_the_coupon_held(
        self, mini_program: MiniProgram, session: Session
    ) -> None:
        template_id = make_template(session, terms_of(member_limits=ONCE))
        session.commit()
        first = mini_program.post(f"/coupon-centre/{template_id}/claims", key="first-tap").json

        again = mini_program.post(f"/coupon-centre/{template_id}/claims", key="second-tap")

        assert again.status_code == 409
        assert again.json["error"]["code"] == "coupon_already_claimed"  # type: ignore[index]
        assert again.json["error"]["details"] == first | {"limit": "member_total"}  # type: ignore[index, operator]
        assert state_of(mini_program, template_id) == ("claimed", "已领取 1 张，达到每人上限")

    def test_without_a_key_is_refused(self, mini_program: MiniProgram, session: Session) -> None:
        template_id = make_template(session)
        session.commit()

        assert mini_program.post(f"/coupon-centre/{template_id}/claims").status_code == 422

    def test_after_the_last_is_told_to_stay_away(self, mini_program: MiniProgram, session: Session) -> None:
        template_id = make_template(session, stock=1)
        issue_to(session, make_member(session).id, template_id)
        session.commit()

        refused = mini_program.post(f"/coupon-centre/{template_id}/claims", key="too-late-1")

        assert (refused.status_code, refused.json["error"]["code"]) == (429, "coupon_sold_out")  # type: ignore[index]
        assert 60 <= int(refused.headers["Retry-After"]) <= 120

    def test_by_a_visitor_asks_for_a_phone(self, visitor: MiniProgram, session: Session) -> None:
        template_id = make_template(session)
        session.commit()

        refused = visitor.post(f"/coupon-centre/{template_id}/claims", key="who-am-i")

        assert (refused.status_code, refused.json["error"]["code"]) == (403, "membership_required")  # type: ignore[index]

    def test_by_a_link_gets_what_is_not_in_the_centre(self, mini_program: MiniProgram, session: Session) -> None:
        template_id = make_template(session, terms_of(claiming=Claiming(), member_limits=ONCE))
        token = get_template(session, template_id=template_id).link_token
        session.commit()

        shown = mini_program.get(f"/coupon-links/{token}")
        claimed = mini_program.post(f"/coupon-links/{token}/claims", key="by-link-1")
        again = mini_program.post(f"/coupon-links/{token}/claims", key="by-link-2")

        assert (shown.json["template_id"], shown.json["state"]) == (template_id, "claimable")  # type: ignore[index]
        assert (claimed.status_code, again.status_code) == (201, 409)
        assert again.json["error"]["details"]["coupon_id"] == claimed.json["coupon_id"]  # type: ignore[index]
        assert mini_program.post("/coupon-links/guessed/claims", key="by-link-3").status_code == 404

    def test_by_a_code_gets_one_coupon_and_guessing_ends(
        self, mini_program: MiniProgram, session: Session, container: NullContainer, at: datetime
    ) -> None:
        batch_id = make_batch(session, template_id=make_template(session), name="传单", count=1, actor=ACTOR, at=at)
        serial = get_batch(session, batch_id=batch_id).first_serial
        code = claim_code(container.settings.member_code_key, serial)
        session.commit()

        first = mini_program.post("/coupon-codes/claims", {"code": code})
        again = mini_program.post("/coupon-codes/claims", {"code": code.lower().replace("-", " ")})
        wrong = [mini_program.post("/coupon-codes/claims", {"code": "2" * 12}) for _ in range(TRIES_PER_DAY - 2)]
        refused = mini_program.post("/coupon-codes/claims", {"code": code})

        assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
        assert {one.json["error"]["code"] for one in wrong} == {"claim_code_invalid"}  # type: ignore[index]
        assert refused.json["error"]["code"] == "too_many_claim_codes"  # type: ignore[index]
