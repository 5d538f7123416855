from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.staff import passwords, queries, rules, service
from loyalty.staff.queries import StaffView
from loyalty.staff.rules import Role
from loyalty.staff.service.accounts import LastAdministrator, OwnAccount, UsernameTaken
from loyalty.staff.service.own_account import SamePassword, WrongPassword
from loyalty.stores.queries import StoreNotFound
from tests.factories.staff import PASSWORD, make_caller, make_session, make_staff
from tests.factories.stores import make_headquarters, make_store

ACTOR = Actor("staff:0", "10.0.0.9", "r1")


def create(session: Session, at: datetime, **changes: object) -> StaffView:
    values: dict[str, object] = {
        "username": "wang.min",
        "name": "王敏",
        "password": "tall-green-tree",
        "roles": [Role.STORE_MANAGER],
        "store_ids": [make_headquarters(session).id],
        "actor": ACTOR,
        "at": at,
    }
    return service.create_staff(session, **(values | changes))  # type: ignore[arg-type]


class TestCreateStaff:
    def test_makes_an_account_that_must_change_its_password(self, session: Session, at: datetime) -> None:
        view = create(session, at, username=" Wang.Min ")

        assert view.username == "wang.min"
        assert view.roles == (Role.STORE_MANAGER,)
        assert view.must_change_password

    def test_uses_a_name_once(self, session: Session, at: datetime) -> None:
        create(session, at)

        with pytest.raises(UsernameTaken):
            create(session, at, username="WANG.MIN")

    @pytest.mark.parametrize("changes", [{"roles": []}, {"store_ids": []}])
    def test_needs_a_role_and_a_scope(self, session: Session, at: datetime, changes: dict[str, object]) -> None:
        with pytest.raises(rules.RoleRequired):
            create(session, at, **changes)

    def test_refuses_a_store_that_does_not_exist(self, session: Session, at: datetime) -> None:
        with pytest.raises(StoreNotFound):
            create(session, at, store_ids=[999_999])

    def test_is_audited_without_the_password(self, session: Session, at: datetime) -> None:
        view = create(session, at)

        entry = audit.list_entries(session, subject=f"staff:{view.id}")[0]
        assert entry.action == "staff.create"
        assert entry.after is not None
        assert entry.after["roles"] == ["store_manager"]
        assert "tall-green-tree" not in str(entry.after)
        assert "argon2" not in str(entry.after)


class TestUpdateStaff:
    def update(
        self, session: Session, staff_id: int, at: datetime, *, roles: list[Role], actor: Actor = ACTOR
    ) -> StaffView:
        return service.update_staff(
            session,
            staff_id=staff_id,
            name="新名字",
            roles=roles,
            store_ids=[make_headquarters(session).id],
            actor=actor,
            at=at,
        )

    def test_replaces_roles_and_scope_and_tells_before_and_after(self, session: Session, at: datetime) -> None:
        make_staff(session)
        view = create(session, at)

        changed = self.update(session, view.id, at, roles=[Role.FINANCE, Role.RISK])

        assert changed.roles == (Role.FINANCE, Role.RISK)
        entry = audit.list_entries(session, subject=f"staff:{view.id}", action="staff.update")[0]
        assert entry.before is not None
        assert entry.before["roles"] == ["store_manager"]

    def test_refuses_to_change_ones_own_roles(self, session: Session, at: datetime) -> None:
        account = make_staff(session, Role.MARKETER)
        actor = Actor(rules.actor_name(account.id))

        with pytest.raises(OwnAccount):
            self.update(session, account.id, at, roles=[Role.MARKETER, Role.HEADQUARTERS_ADMIN], actor=actor)

    def test_keeps_the_last_administrator(self, session: Session, at: datetime) -> None:
        account = make_staff(session)

        with pytest.raises(LastAdministrator):
            self.update(session, account.id, at, roles=[Role.FINANCE])
        make_staff(session)
        self.update(session, account.id, at, roles=[Role.FINANCE])


class TestSwitchingOff:
    def test_keeps_the_last_administrator(self, session: Session, at: datetime) -> None:
        account = make_staff(session)
        make_staff(session, is_active=False)

        with pytest.raises(LastAdministrator):
            service.set_active(session, staff_id=account.id, is_active=False, actor=ACTOR, at=at)

    def test_is_not_for_oneself(self, session: Session, at: datetime) -> None:
        account = make_staff(session)
        make_staff(session)
        actor = Actor(rules.actor_name(account.id))

        with pytest.raises(OwnAccount):
            service.set_active(session, staff_id=account.id, is_active=False, actor=actor, at=at)


class TestPasswords:
    def test_a_reset_ends_sessions_and_is_changed_at_log_in(self, session: Session, at: datetime) -> None:
        account = make_staff(session)
        token = make_session(session, account, at=at)

        password = service.reset_password(session, staff_id=account.id, actor=ACTOR, at=at)

        assert passwords.matches(account.password_hash, password)
        assert account.must_change_password
        with pytest.raises(queries.StaffSessionInvalid):
            queries.caller_of(session, token=token, at=at)

    def test_a_change_ends_other_sessions_and_keeps_this_one(self, session: Session, at: datetime) -> None:
        account = make_staff(session, must_change_password=True)
        elsewhere = make_session(session, account, at=at)
        here = make_session(session, account, at=at)
        caller = queries.caller_of(session, token=here, at=at)

        service.change_password(session, caller=caller, current=PASSWORD, new="tall-green-tree", actor=ACTOR, at=at)

        assert not queries.caller_of(session, token=here, at=at).must_change_password
        with pytest.raises(queries.StaffSessionInvalid):
            queries.caller_of(session, token=elsewhere, at=at)

    @pytest.mark.parametrize(
        ("current", "new", "error"),
        [
            ("wrong", "tall-green-tree", WrongPassword),
            (PASSWORD, PASSWORD, SamePassword),
            (PASSWORD, "short", rules.WeakPassword),
        ],
    )
    def test_a_change_needs_the_present_one_and_a_good_new_one(
        self, session: Session, at: datetime, current: str, new: str, error: type[Exception]
    ) -> None:
        caller = make_caller(session, make_staff(session), at=at)

        with pytest.raises(error):
            service.change_password(session, caller=caller, current=current, new=new, actor=ACTOR, at=at)


class TestListStaff:
    def test_narrows_by_text_role_and_state(self, session: Session, at: datetime) -> None:
        store = make_store(session)
        manager = create(session, at, username="zhao.yun", store_ids=[store.id])
        create(session, at, username="li_lei", roles=[Role.AUDITOR])
        off = make_staff(session, Role.RISK, username="off.duty", is_active=False)

        def found(**filters: object) -> list[str]:
            return [view.username for view in queries.list_staff(session, **filters)]  # type: ignore[arg-type]

        assert found() == ["li_lei", "off.duty", "zhao.yun"]
        assert found(text="zhao") == ["zhao.yun"]
        assert found(text="_") == ["li_lei"]
        assert found(role=Role.AUDITOR) == ["li_lei"]
        assert found(is_active=False) == [off.username]
        assert queries.get_staff(session, staff_id=manager.id).scope_names == (store.name,)
