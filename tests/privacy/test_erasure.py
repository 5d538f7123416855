"""Canaries (pitfall of accounts "deleted" by a flag): planted everywhere, erased, and nowhere to be found."""

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.channels import service as channels
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Base, Database
from loyalty.members import keys, queries, service
from loyalty.members.models import Member
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.merging.service import merge
from loyalty.notices.models import InboxMessage, Notice
from loyalty.notices.rules import NoticeState
from loyalty.points import service as points
from loyalty.privacy.belongings import declared_tables, personal_columns
from loyalty.privacy.rules import WAITING_PERIOD
from loyalty.privacy.service import ask_to_close, erase_due, export_data
from tests.factories.members import make_consents, make_identity, make_member, unused_phone
from tests.factories.points import earn
from tests.support.settings import MP_APPID, OA_APPID, SEAL_KEY
from tests.support.traces import traces_of

OPENID, OPENID_MP, UNIONID = "oCANARYopenid", "oCANARYminiprogram", "uCANARYunionid"
NICKNAME, MERGED_NICKNAME = "金丝雀", "另一只金丝雀"
NOTE, IP, DEVICE = "CANARY-note", "198.51.100.77", "CANARY-device"
BIRTHDAY = date(1987, 6, 5)


def _plant(
    session: Session, database: Database, vault: Vault, zone: ZoneInfo, at: datetime
) -> Mapping[str, str | bytes]:
    """Live a life that leaves a trace in every personal field there is."""
    phone, old_phone = unused_phone(), unused_phone()
    identity = service.note_follow(
        session, appid=OA_APPID, openid=OPENID, unionid=UNIONID, scene="ADD_SCENE_SEARCH", at=at
    )
    channels.store_push(
        session, vault, appid=OA_APPID, mode="safe", reply_text=None, at=at,
        fields={"FromUserName": OPENID, "ToUserName": "gh", "CreateTime": "1", "MsgType": "text", "MsgId": "7",
                "Content": NOTE},
    )  # fmt: skip
    request = service.request_sms_code(
        session,
        vault=vault,
        identity_id=identity.id,
        phone=phone,
        purpose=CodePurpose.BIND,
        device=DEVICE,
        ip=IP,
        at=at,
    )
    session.commit()
    outcome = service.bind_by_sms_code(
        database, vault=vault, identity_id=identity.id, phone=phone, code=request.code, consents=make_consents(),
        door=Door.H5, at=at,
    )  # fmt: skip
    member_id = outcome.member_id or 0
    session.expire_all()
    token = service.open_session(session, identity_id=identity.id, door=Door.H5, at=at)
    number = session.get_one(Member, member_id).number
    service.set_nickname(session, vault=vault, member_id=member_id, nickname=NICKNAME, at=at)
    service.set_birthday(session, vault=vault, member_id=member_id, birthday=BIRTHDAY, zone=zone, at=at)
    notice = Notice(
        member_id=member_id, kind="points_changed", subject="entry:1", facts={"note": NOTE},
        state=NoticeState.QUEUED, requested_at=at,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    session.add(InboxMessage(
        member_id=member_id, notice_id=notice.id, kind="points_changed", title="t", body=NOTE, created_at=at
    ))  # fmt: skip
    earn(session, member_id, 100, at=at)
    points.spend(
        session, member_id=member_id, points=30, reference="exchange:canary", explanation={"rule": "exchange"},
        occurred_at=at, at=at,
    )  # fmt: skip
    _merge_another(session, vault, member_id, old_phone, at)
    _contest_the_phone(session, vault, phone, at)
    service.reveal_phone(session, vault=vault, member_id=member_id, actor=Actor(f"member:{member_id}", ip=IP), at=at)
    session.flush()
    return {
        "phone": phone, "national phone": phone.removeprefix("+86"), "last digits": phone[-8:], "old phone": old_phone,
        "phone index": vault.index(phone, context="members.phone"),
        "openid": OPENID, "mini-program openid": OPENID_MP, "unionid": UNIONID, "nickname": NICKNAME,
        "merged nickname": MERGED_NICKNAME, "birthday": BIRTHDAY.isoformat(), "note": NOTE, "ip": IP,
        "ip index": vault.index(IP, context="sms_codes.ip"),
        "device index": vault.index(DEVICE, context="sms_codes.device"), "token": token, "number": number,
    }  # fmt: skip


def _merge_another(session: Session, vault: Vault, member_id: int, phone: str, at: datetime) -> None:
    other = make_member(session, phone=phone, nickname=MERGED_NICKNAME)
    make_identity(session, member=other, kind=IdentityKind.MINI_PROGRAM, openid=OPENID_MP)
    earn(session, other.id, 5, at=at)
    merge(session, survivor_id=member_id, other_id=other.id, actor=Actor(f"member:{member_id}", ip=IP), at=at)


def _contest_the_phone(session: Session, vault: Vault, phone: str, at: datetime) -> None:
    """Somebody else proves the phone; staff find it is the same person after all."""
    claimant = make_identity(session, openid="oCANARYsecond", appid=OA_APPID)
    review = service.bind_by_wechat_phone(
        session, vault=vault, identity_id=claimant.id, phone=phone, consents=make_consents(), at=at
    ).review_id
    service.decide_by_staff(
        session, vault=vault, review_id=review or 0, is_same_person=True, reason=NOTE, actor=Actor("staff:1"), at=at
    )


def test_after_erasure_no_canary_is_found_anywhere_and_the_books_still_fit(
    session: Session, database: Database, vault: Vault, zone: ZoneInfo, at: datetime
) -> None:
    canaries = _plant(session, database, vault, zone, at)
    member = queries.find_by_phone(session, vault=vault, phone=str(canaries["phone"]))
    assert member is not None
    planted = {name for _table, name in traces_of(session, canaries, vault=vault)}
    assert planted >= {"phone", "phone index", "openid", "mini-program openid", "unionid", "nickname", "birthday",
                       "note", "ip", "ip index", "device index", "number"}  # fmt: skip

    ask_to_close(session, member_id=member.id, at=at)
    erase_due(session, vault=vault, at=at + WAITING_PERIOD)

    assert traces_of(session, canaries, vault=vault) == set()
    proof = points.verify(session, seal_key=SEAL_KEY, at=at + WAITING_PERIOD)
    assert proof.is_green
    assert proof.entries_count >= 5


def test_the_reason_of_staff_cannot_be_opened_any_more(
    session: Session, database: Database, vault: Vault, zone: ZoneInfo, at: datetime
) -> None:
    canaries = _plant(session, database, vault, zone, at)
    member = queries.find_by_phone(session, vault=vault, phone=str(canaries["phone"]))
    assert member is not None
    entry = audit.list_entries(session, subject=f"member:{member.id}", action="members.decide_binding")[0]
    assert entry.after is not None
    sealed = base64.b64decode(entry.after["reason_sealed"])

    def reason() -> str | None:
        return keys.open_for_member(session, vault=vault, member_id=member.id, sealed=sealed, context="audit.reason")

    assert reason() == NOTE
    ask_to_close(session, member_id=member.id, at=at)
    erase_due(session, vault=vault, at=at + WAITING_PERIOD)

    assert reason() is None


def test_other_people_lose_nothing(
    session: Session, database: Database, vault: Vault, zone: ZoneInfo, at: datetime
) -> None:
    canaries = _plant(session, database, vault, zone, at)
    phone = unused_phone()
    neighbour = make_member(session, phone=phone, nickname="邻居")
    identity = make_identity(session, member=neighbour, appid=MP_APPID, kind=IdentityKind.MINI_PROGRAM)
    openid = identity.openid
    member = queries.find_by_phone(session, vault=vault, phone=str(canaries["phone"]))
    assert member is not None

    ask_to_close(session, member_id=member.id, at=at)
    erase_due(session, vault=vault, at=at + WAITING_PERIOD)

    view = queries.find_by_phone(session, vault=vault, phone=phone)
    assert view is not None
    assert view.nickname == "邻居"
    assert [row.openid for row in queries.identities_of(session, member_id=neighbour.id)] == [openid]


class TestExport:
    def test_holds_what_is_held_on_the_person_in_readable_form(
        self, session: Session, database: Database, vault: Vault, zone: ZoneInfo, at: datetime
    ) -> None:
        canaries = _plant(session, database, vault, zone, at)
        member = queries.find_by_phone(session, vault=vault, phone=str(canaries["phone"]))
        assert member is not None

        export = export_data(session, vault=vault, member_id=member.id, at=at)

        told = json.dumps(export, ensure_ascii=False)
        for name in ("phone", "openid", "mini-program openid", "unionid", "nickname", "birthday", "note", "number"):
            assert str(canaries[name]) in told, name
        assert [row["points"] for row in export["data"]["ledger_entries"]] == [100, -30, 5, 5, -5]
        assert {row["purpose"] for row in export["data"]["consents"]} == {"service_terms", "privacy"}

    def test_holds_nothing_of_anybody_else(self, session: Session, vault: Vault, at: datetime) -> None:
        member, other = make_member(session, nickname="我"), make_member(session, nickname="别人")
        make_identity(session, member=other, unionid="uSOMEBODYelse", appid="wx_other")

        export = export_data(session, vault=vault, member_id=member.id, at=at)

        assert "别人" not in str(export)
        assert "uSOMEBODYelse" not in str(export)


class TestDeclarations:
    def test_every_table_that_names_a_person_declares_what_happens_to_its_rows(self) -> None:
        names = {
            "members",
            "identities",
            "member_sessions",
            "sms_codes",
            "binding_reviews",
            "points_accounts",
            "notices",
        }

        assert names <= {table.name for table in declared_tables()}

    def test_rows_that_stay_have_no_personal_column_and_anonymised_ones_do(self) -> None:
        for table in Base.metadata.sorted_tables:
            rule = table.info.get("member_data", {}).get("erase")
            if rule in ("keep", None):
                assert personal_columns(table) == [], table.name
            if rule == "anonymise":
                assert personal_columns(table), table.name

    def test_every_sealed_column_is_personal(self) -> None:
        for table in declared_tables():
            for column in table.columns:
                if column.name.endswith("_sealed"):
                    assert column.info.get("personal"), str(column)


def test_a_person_who_is_not_due_keeps_everything(session: Session, vault: Vault, at: datetime) -> None:
    phone = unused_phone()
    make_member(session, phone=phone)

    assert erase_due(session, vault=vault, at=at + timedelta(days=999)) == 0
    assert queries.find_by_phone(session, vault=vault, phone=phone) is not None
