"""Promises that every table keeps."""

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Integer, LargeBinary, UniqueConstraint

from loyalty.models import Base

TABLES = list(Base.metadata.tables.values())


def test_every_table_about_a_member_declares_its_merge_export_and_erase_rule() -> None:
    about_members = [table for table in TABLES if "member_id" in table.c or table.name == "members"]

    undeclared = [
        table.name for table in about_members if set(table.info.get("member_data", {})) != {"merge", "export", "erase"}
    ]

    assert about_members
    assert undeclared == []


def test_every_instant_is_aware() -> None:
    naive = [
        f"{column}" for table in TABLES for column in table.c
        if isinstance(column.type, DateTime) and not column.type.timezone
    ]  # fmt: skip

    assert naive == []


def test_instants_end_in_at_and_identities_are_bigint() -> None:
    odd = [
        str(column) for table in TABLES for column in table.c
        if isinstance(column.type, DateTime) and not (column.name.endswith("_at") or column.name == "until")
    ]  # fmt: skip
    small = [
        str(column) for table in TABLES for column in table.primary_key
        if isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)
    ]  # fmt: skip

    assert odd == []
    assert small == []


def test_every_sealed_column_declares_its_context_and_has_one_row_id_so_that_keys_can_be_rotated() -> None:
    sealed = [
        column for table in TABLES for column in table.c
        if column.name.endswith("_sealed") and isinstance(column.type, LargeBinary)
    ]  # fmt: skip
    declared = [column for table in TABLES for column in table.c if "sealed" in column.info]

    assert sealed
    assert {str(column) for column in declared} == {str(column) for column in sealed}
    assert [str(column) for column in sealed if not column.info["sealed"]] == []
    assert [str(column) for column in sealed if len(column.table.primary_key) != 1] == []
    assert [
        str(column) for column in sealed if not isinstance(next(iter(column.table.primary_key)).type, Integer)
    ] == []


def test_every_constraint_has_a_name() -> None:
    unnamed = [
        f"{table.name}: {constraint}" for table in TABLES for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint | UniqueConstraint) and not constraint.name
    ]  # fmt: skip

    assert unnamed == []
