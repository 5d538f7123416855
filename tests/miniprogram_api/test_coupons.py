"""Coupons in the mini program: what can be claimed, what is held, and the code for the till."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponPicture
from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.rules.codes import read_code
from loyalty.coupons.rules.terms import Claiming, DaysFromIssue, Eligibility, MemberLimits, Stock, Terms, Windows
from loyalty.coupons.service.claiming import TRIES_PER_DAY
from loyalty.coupons.service.code_batches import make_batch
from loyalty.coupons.service.templates import pause
from loyalty.coupons.service.voiding import void
from loyalty.kernel.local_time import Hours
from loyalty.members.models import Member
from tests.factories.coupon_uses import undo, use_up
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.factories.tags import make_tag, put_tag
from tests.factories.tiers import grow, make_ladder
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.containers import NullContainer, StandingClock
from tests.support.statements import StatementCounter

HOUR = timedelta(hours=1)
ONCE = MemberLimits(total=1)


@pytest.fixture
def member_id(member: Member) -> int:
    return member.id


def offered(mini_program: MiniProgram) -> dict[int, Any]:
    return {one["template_id"]: one for one in mini_program.get("/coupon-centre").json["items"]}  # type: ignore[index]


def state_of(mini_program: MiniProgram, template_id: int) -> tuple[str, str | None]:
    offer = mini_program.get(f"/coupon-centre/{template_id}").json
    assert offer is not None
    return offer["state"], offer["reason"]


def wait(container: NullContainer, **parts: float) -> None:
    assert isinstance(container.clock, StandingClock)
    container.clock.advance(**parts)


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
        assert state_of(mini_program, tagged) == ("not_for_member", "限有 老朋友 标签之一的会员领取")
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


class TestWallet:
    def test_has_three_shelves(
        self, mini_program: MiniProgram, session: Session, container: NullContainer, member_id: int, at: datetime
    ) -> None:
        template_id = make_template(session, terms_of(validity=DaysFromIssue(1)))
        kept, gone = (issue_to(session, member_id, template_id).coupon_id for _ in range(2))
        void(session, coupon_ids=[gone], reason="错发", actor=ACTOR, at=at)
        session.commit()

        def shelf(name: str) -> list[tuple[int, str]]:
            items = mini_program.get(f"/coupons?shelf={name}").json["items"]  # type: ignore[index]
            return [(one["id"], one["standing"]) for one in items]

        assert (shelf("usable"), shelf("used")) == ([(kept, "usable")], [])
        assert shelf("lapsed") == [(gone, "voided")]
        assert mini_program.get("/me").json["member"]["usable_coupons"] == 1  # type: ignore[index]
        wait(container, days=1)
        assert shelf("lapsed") == [(gone, "voided"), (kept, "lapsed")]
        assert mini_program.get("/coupons?shelf=stolen").status_code == 422

    def test_keeps_others_out(self, mini_program: MiniProgram, session: Session) -> None:
        coupon_id = issue_to(session, make_member(session).id, make_template(session)).coupon_id
        session.commit()

        for path in (f"/coupons/{coupon_id}", f"/coupons/{coupon_id}/code"):
            assert mini_program.get(path).status_code == 404


class TestCoupon:
    def hold(self, session: Session, member_id: int, terms: Terms | None = None) -> str:
        coupon_id = issue_to(session, member_id, make_template(session, terms)).coupon_id
        session.commit()
        return f"/coupons/{coupon_id}"

    def test_shows_a_code_that_rotates(
        self, mini_program: MiniProgram, session: Session, container: NullContainer, member_id: int
    ) -> None:
        path = self.hold(session, member_id)
        first = mini_program.get(f"{path}/code").json
        wait(container, minutes=1)
        second = mini_program.get(f"{path}/code").json

        assert first is not None
        assert second is not None
        assert (len(first["code"]), first["code"][:2], first["display"].replace(" ", "")) == (18, "66", first["code"])
        assert first["code"] != second["code"]
        assert first["qr_svg"].startswith("<svg")
        key = container.settings.member_code_key
        assert f"/coupons/{read_code(key, second['code'], container.clock.now())}" == path

    @pytest.mark.parametrize(
        ("windows", "unfit", "reason"),
        [
            (
                Windows(weekdays=frozenset({6, 7})),
                "weekday",
                "本券仅限 周六、周日 使用，下次可用时间 3月14日 00:00",
            ),
            (
                Windows(hours=(Hours(660, 840),)),
                "hours",
                "本券仅限 11:00–14:00 使用，下次可用时间 3月10日 11:00",
            ),
        ],
    )
    def test_says_why_it_cannot_be_used_now_and_shows_no_code(
        self, mini_program: MiniProgram, session: Session, member_id: int, windows: Windows, unfit: str, reason: str
    ) -> None:
        path = self.hold(session, member_id, terms_of(windows=windows))

        detail, code = mini_program.get(path).json, mini_program.get(f"{path}/code")

        assert detail is not None
        assert (detail["standing"], detail["unfit"], detail["reason"]) == ("usable", unfit, reason)
        assert code.status_code == 409
        assert code.json["error"]["details"]["coupons"][0]["message"] == reason  # type: ignore[index]

    def test_tells_its_terms_with_names(
        self, mini_program: MiniProgram, session: Session, member_id: int, at: datetime
    ) -> None:
        tag_id = make_tag(session, name="老朋友")
        put_tag(session, tag_id, member_id)
        terms = terms_of(eligibility=Eligibility(tags=frozenset({tag_id})), description="仅限堂食")

        detail = mini_program.get(self.hold(session, member_id, terms)).json

        assert detail is not None
        assert {"满 ¥100.00 减 ¥20.00", "限有 老朋友 标签之一的会员领取"} <= set(detail["lines"])
        assert (detail["description"], detail["unfit"], detail["redemption"]) == ("仅限堂食", None, None)

    def test_tells_where_it_was_used_until_that_is_reversed(
        self, mini_program: MiniProgram, session: Session, member_id: int
    ) -> None:
        path = self.hold(session, member_id)
        used = use_up(session, member_id, int(path.rpartition("/")[2]))
        session.commit()
        detail = mini_program.get(path).json

        assert detail is not None
        assert (detail["standing"], detail["unfit"]) == ("used", "used")
        assert (detail["redemption"]["discount_fen"], detail["redemption"]["store_name"]) == (2_000, None)
        assert [one["standing"] for one in mini_program.get("/coupons?shelf=used").json["items"]] == ["used"]  # type: ignore[index]

        undo(session, used.redemptions[0].id)
        session.commit()
        detail = mini_program.get(path).json
        assert detail is not None
        assert (detail["standing"], detail["redemption"]) == ("usable", None)


def test_a_picture_is_kept_for_ever_and_needs_no_session(
    mini_program: MiniProgram, session: Session, at: datetime
) -> None:
    digest = "a1" * 32
    picture = CouponPicture(
        digest=digest, media_type="image/png", content=b"\x89PNG", uploaded_by="staff:1", uploaded_at=at
    )
    session.add(picture)
    template_id = make_template(session, terms_of(picture=digest))
    session.commit()
    path = offered(mini_program)[template_id]["picture"]

    answer = mini_program.client.get(path)

    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"\x89PNG", "image/png")
    assert "immutable" in answer.headers["Cache-Control"]
    assert mini_program.client.get(path.replace("a1", "b2")).status_code == 404


class TestStatements:
    """Authentication included; BEGIN and COMMIT not."""

    @pytest.mark.parametrize(
        ("terms", "most"),
        [
            ({"member_limits": MemberLimits(total=2, per_day=1)}, 5),
            ({"member_limits": MemberLimits(total=2, per_day=1), "stock": Stock(per_day=50)}, 6),
        ],
    )
    def test_of_a_claim(
        self,
        mini_program: MiniProgram,
        session: Session,
        statements: StatementCounter,
        terms: dict[str, Any],
        most: int,
    ) -> None:
        template_id = make_template(session, terms_of(**terms))
        # The counters of the stock exist from the first coupon on.
        issue_to(session, make_member(session).id, template_id)
        session.commit()
        statements.clear()

        assert mini_program.post(f"/coupon-centre/{template_id}/claims", key="count-me").status_code == 201

        assert statements.count <= most, "\n".join(statements.sent)

    def test_of_a_sold_out_answer_reach_no_counter(
        self, mini_program: MiniProgram, session: Session, statements: StatementCounter
    ) -> None:
        template_id = make_template(session, stock=1)
        issue_to(session, make_member(session).id, template_id)
        session.commit()
        statements.clear()

        assert mini_program.post(f"/coupon-centre/{template_id}/claims", key="too-late").status_code == 429

        assert statements.count == 2, "\n".join(statements.sent)
        assert not any("UPDATE" in one or "INSERT" in one for one in statements.sent)

    def test_of_lists_are_two_with_many_coupons(
        self, mini_program: MiniProgram, session: Session, statements: StatementCounter, member_id: int
    ) -> None:
        templates = [make_template(session, terms_of(), stock=None) for _ in range(3)]
        for number in range(60):
            issue_to(session, member_id, templates[number % 3])
        session.commit()

        for path in ("/coupons", "/coupons?shelf=lapsed", "/coupon-centre", f"/coupon-centre/{templates[0]}", "/me"):
            statements.clear()
            assert mini_program.get(path).status_code == 200
            assert statements.count <= 2, "\n".join([path, *statements.sent])
