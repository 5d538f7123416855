"""Key rotation: everything sealed opens under the new key alone, whatever happens meanwhile."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from loyalty.adjustments.service.checking import write_file
from loyalty.channels import queries as pushes
from loyalty.channels import service as channels
from loyalty.channels.models import StoredPush
from loyalty.coupons.service import issue_jobs as issue_job_files
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import SealBroken, Vault
from loyalty.kernel.database import Database
from loyalty.members import keys, queries, service
from loyalty.members.models import BindingReview, Member
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.members.service import reviews
from loyalty.partners.service.authentication import authenticate
from loyalty.payouts.queries.payees import find_payee_name
from loyalty.payouts.service.payees import save_payee
from loyalty.privacy.service import count_by_key, rotate_keys
from loyalty.privacy.service.rotation import KeyUse, sealed_columns
from loyalty.staff import service as staff
from loyalty.tiers.queries import list_changes
from loyalty.tiers.service import set_manual_level
from tests.factories import adjustments, issue_jobs
from tests.factories.coupons import make_template
from tests.factories.members import make_consents, make_identity, make_member, unused_phone
from tests.factories.partners import make_key
from tests.factories.staff import make_caller, make_staff
from tests.factories.stores import make_store
from tests.factories.tiers import make_ladder
from tests.partners.test_authentication import signed
from tests.support.settings import INDEX_KEY, OA_APPID, VAULT

NEW_KEY = b"\x09" * 32
BOTH = Vault(ring={"k2": NEW_KEY, **VAULT.ring}, index_key=INDEX_KEY)
NEW_ALONE = Vault(ring={"k2": NEW_KEY}, index_key=INDEX_KEY)
LONG_SILENT = datetime(2024, 1, 1, tzinfo=UTC)


def rotate(database: Database, vault: Vault = BOTH, *, page_rows: int = 500) -> dict[str, tuple[int, int]]:
    """Return (sealed anew, unreadable) of each column that had something to do."""
    rotated = rotate_keys(database, vault=vault, page_rows=page_rows)
    return {
        column.name: (column.resealed, column.unreadable) for column in rotated if column.resealed or column.unreadable
    }


class TestRotation:
    def test_leaves_everything_readable_without_the_old_key(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        phone = unused_phone()
        member = make_member(session, phone=phone, nickname="小明", last_active_at=LONG_SILENT)
        member.birthday_sealed = VAULT.seal("1990-05-17", context="members.birthday")
        review = service.bind_by_wechat_phone(
            session, vault=VAULT, identity_id=make_identity(session).id, phone=phone, consents=make_consents(), at=at
        )
        word = keys.seal_for_member(session, vault=VAULT, member_id=member.id, plain="核对过", context="c", at=at)
        caller = make_caller(session, make_staff(session), at=at)
        secret = staff.begin_totp(session, vault=VAULT, caller=caller)
        channels.store_push(
            session, VAULT, appid=OA_APPID, mode="safe", reply_text=None, at=at,
            fields={"FromUserName": "oSomebody", "CreateTime": 1, "MsgType": "event", "Event": "subscribe"},
        )  # fmt: skip
        make_ladder(session, at=at)
        set_manual_level(
            session, VAULT, member_id=member.id, level=2, until_at=at + timedelta(days=9), reason="大使",
            actor=Actor("staff:1"), at=at,
        )  # fmt: skip
        till = make_key(session, [make_store(session)])
        batch_id = adjustments.upload(session, b"a file")
        job_id = issue_jobs.upload(session, make_template(session), b"a list")
        purpose = Purpose.PAYEE_IDENTITY
        service.give_consent(session, member_id=member.id, purpose=purpose, version="1.0", door=Door.H5, at=at)
        save_payee(
            session, vault=VAULT, member_id=member.id, name="王小明", id_number="11010519491231002X",
            actor=Actor("staff:1"), at=at,
        )  # fmt: skip
        session.commit()

        assert set(rotate(database)) == {str(column) for column in sealed_columns()}

        session.expire_all()
        view = queries.get_member(session, vault=NEW_ALONE, member_id=member.id)
        assert find_payee_name(session, vault=NEW_ALONE, member_id=member.id) == "王小明"
        (change,) = list_changes(session, vault=NEW_ALONE, member_ids=[member.id])
        assert change.reason == "大使"
        assert (view.phone_masked, view.nickname, view.birthday) == (
            f"{phone[3:6]}****{phone[-4:]}", "小明", date(1990, 5, 17),
        )  # fmt: skip
        claimed = reviews.claim_of(session, vault=NEW_ALONE, review=session.get_one(BindingReview, review.review_id))
        assert claimed.phone == phone
        assert keys.open_for_member(session, vault=NEW_ALONE, member_id=member.id, sealed=word, context="c") == "核对过"
        assert staff.begin_totp(session, vault=NEW_ALONE, caller=caller) == secret
        assert authenticate(database, vault=NEW_ALONE, request=signed(*till, at), at=at).id == till[0].id
        file = io.BytesIO()
        write_file(session, vault=NEW_ALONE, batch_id=batch_id, into=file)
        issue_job_files.write_file(session, vault=NEW_ALONE, job_id=job_id, into=file)
        assert file.getvalue() == b"a filea list"
        push_id = session.scalars(select(StoredPush.id)).one()
        assert pushes.read_push(session, NEW_ALONE, push_id).content.openid == "oSomebody"

    def test_goes_page_by_page_and_finds_nothing_the_second_time(self, session: Session, database: Database) -> None:
        for _ in range(5):
            make_member(session)
        session.commit()

        assert rotate(database, page_rows=2) == {"members.phone_sealed": (5, 0)}
        assert rotate(database, page_rows=2) == {}

    def test_never_overwrites_what_somebody_wrote_meanwhile(
        self, session: Session, database: Database, connection: Connection
    ) -> None:
        member, quiet = make_member(session, nickname="旧名"), make_member(session, nickname="别人")
        session.commit()

        class Meddler(Vault):
            """Lets the member change the nickname between the reading and the writing of a page."""

            def open(self, sealed: bytes, *, context: str) -> str:
                if context == "members.nickname":
                    newer = VAULT.seal("新名", context=context)
                    connection.execute(update(Member).where(Member.id == member.id).values(nickname_sealed=newer))
                return super().open(sealed, context=context)

        done = rotate(database, Meddler(ring=BOTH.ring, index_key=INDEX_KEY))

        assert done["members.nickname_sealed"] == (1, 0)
        session.expire_all()
        assert queries.get_member(session, vault=BOTH, member_id=member.id).nickname == "新名"
        assert queries.get_member(session, vault=NEW_ALONE, member_id=quiet.id).nickname == "别人"
        assert rotate(database)["members.nickname_sealed"] == (1, 0)

    def test_tells_what_no_key_opens_and_goes_on(self, session: Session, database: Database) -> None:
        lost = Vault(ring={"k0": b"\x07" * 32}, index_key=INDEX_KEY)
        broken = make_member(session, vault=lost)
        whole = make_member(session)
        before = broken.phone_sealed
        session.commit()

        assert rotate(database, page_rows=1) == {"members.phone_sealed": (1, 1)}

        session.expire_all()
        assert session.get_one(Member, broken.id).phone_sealed == before
        assert queries.get_member(session, vault=NEW_ALONE, member_id=whole.id).phone_masked is not None

    def test_is_needed_before_the_old_key_goes(self, session: Session) -> None:
        member = make_member(session)

        with pytest.raises(SealBroken):
            queries.get_member(session, vault=NEW_ALONE, member_id=member.id)


class TestCounts:
    def test_tell_how_many_values_are_under_each_key(self, session: Session) -> None:
        make_member(session, nickname="甲")
        make_member(session, vault=BOTH)
        session.flush()

        assert count_by_key(session) == [
            KeyUse("members.phone_sealed", "k1", 1),
            KeyUse("members.phone_sealed", "k2", 1),
            KeyUse("members.nickname_sealed", "k1", 1),
        ]
