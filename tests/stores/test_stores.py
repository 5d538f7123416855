from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.stores import queries, rules, service
from loyalty.stores.rules import EVERYTHING, StoreKind, StoreScope
from tests.factories.stores import make_headquarters, make_region, make_store

ACTOR = Actor("staff:1", "10.0.0.1", "r1")


def create(session: Session, at: datetime, **changes: object) -> object:
    values: dict[str, object] = {
        "kind": StoreKind.STORE,
        "parent_id": make_headquarters(session).id,
        "code": "BJ-001",
        "name": "王府井店",
        "actor": ACTOR,
        "at": at,
    }
    return service.create_store(session, **(values | changes))  # type: ignore[arg-type]


class TestTheTree:
    def test_lists_each_parent_before_its_children(self, session: Session) -> None:
        east = make_region(session, name="华东区")
        south = make_region(session, name="华南区")
        in_south = make_store(session, parent=south)
        in_east = make_store(session, parent=east)

        nodes = queries.list_tree(session, scope=EVERYTHING)

        order = [node.id for node in nodes]
        assert order == [make_headquarters(session).id, east.id, in_east.id, south.id, in_south.id]
        assert [node.depth for node in nodes] == [0, 1, 2, 1, 2]

    @pytest.mark.parametrize(
        ("kind", "parent_kind"),
        [
            (StoreKind.HEADQUARTERS, StoreKind.REGION),
            (StoreKind.REGION, None),
            (StoreKind.REGION, StoreKind.STORE),
            (StoreKind.STORE, None),
            (StoreKind.STORE, StoreKind.STORE),
        ],
    )
    def test_refuses_a_place_that_the_kinds_do_not_allow(self, kind: StoreKind, parent_kind: StoreKind | None) -> None:
        with pytest.raises(rules.WrongParent):
            rules.check_parent(kind=kind, parent_kind=parent_kind)

    def test_has_one_headquarters(self, session: Session, at: datetime) -> None:
        make_headquarters(session)

        with pytest.raises(service.StoreCodeTaken):
            create(session, at, kind=StoreKind.HEADQUARTERS, parent_id=None, code="HQ-2")

    def test_uses_a_code_once(self, session: Session, at: datetime) -> None:
        create(session, at)

        with pytest.raises(service.StoreCodeTaken):
            create(session, at)

    @pytest.mark.parametrize(
        "changes",
        [{"code": "有空格"}, {"code": ""}, {"name": "  "}, {"name": "店" * 61}, {"address": "号" * 201}],
    )
    def test_refuses_what_could_not_be_read(self, session: Session, at: datetime, changes: dict[str, str]) -> None:
        with pytest.raises(rules.InvalidStore):
            create(session, at, **changes)

    def test_refuses_a_parent_that_does_not_exist(self, session: Session, at: datetime) -> None:
        with pytest.raises(queries.StoreNotFound):
            create(session, at, parent_id=999_999)


class TestScope:
    def test_covers_all_below_its_nodes_and_nothing_beside(self, session: Session) -> None:
        east, south = make_region(session), make_region(session)
        mine, other = make_store(session, parent=east), make_store(session, parent=south)

        scope = queries.scope_of(session, roots=[east.id])

        assert scope == StoreScope(is_chain_wide=False, store_ids=frozenset({east.id, mine.id}))
        assert not scope.covers(other.id)
        assert not scope.covers(None)

    def test_of_headquarters_covers_what_belongs_to_no_store(self, session: Session) -> None:
        headquarters = make_headquarters(session)

        assert queries.scope_of(session, roots=[headquarters.id]).covers(None)

    def test_without_a_node_sees_nothing(self, session: Session) -> None:
        make_store(session)

        scope = queries.scope_of(session, roots=[])

        assert queries.list_tree(session, scope=scope) == []


class TestChanges:
    def test_are_audited_with_before_and_after(self, session: Session, at: datetime) -> None:
        store = make_store(session, name="旧名")

        service.rename_store(session, store_id=store.id, name=" 新名 ", address="人民路 1 号", actor=ACTOR, at=at)

        entry = audit.list_entries(session, subject=f"store:{store.id}")[0]
        assert (entry.actor, entry.action, entry.ip) == ("staff:1", "stores.rename", "10.0.0.1")
        assert entry.before is not None
        assert entry.after is not None
        assert (entry.before["name"], entry.after["name"]) == ("旧名", "新名")

    def test_a_region_closes_only_after_its_stores(self, session: Session, at: datetime) -> None:
        region = make_region(session)
        store = make_store(session, parent=region)

        with pytest.raises(service.HasOpenChildren):
            service.close_store(session, store_id=region.id, actor=ACTOR, at=at)
        service.close_store(session, store_id=store.id, actor=ACTOR, at=at)
        service.close_store(session, store_id=region.id, actor=ACTOR, at=at)

        assert not queries.get_store(session, store_id=region.id).is_open

    def test_closing_twice_is_audited_once(self, session: Session, at: datetime) -> None:
        store = make_store(session)

        for _ in range(2):
            service.close_store(session, store_id=store.id, actor=ACTOR, at=at)

        closings = audit.list_entries(session, subject=f"store:{store.id}", action="stores.close")
        assert len(closings) == 1

    def test_a_store_does_not_open_under_a_closed_region(self, session: Session, at: datetime) -> None:
        region = make_region(session)
        store = make_store(session, parent=region)
        for node in (store, region):
            service.close_store(session, store_id=node.id, actor=ACTOR, at=at)

        with pytest.raises(rules.WrongParent):
            service.reopen_store(session, store_id=store.id, actor=ACTOR, at=at)

        service.reopen_store(session, store_id=region.id, actor=ACTOR, at=at)
        service.reopen_store(session, store_id=store.id, actor=ACTOR, at=at)
        assert queries.get_store(session, store_id=store.id).is_open
