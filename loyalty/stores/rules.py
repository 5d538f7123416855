"""Store rules: which node may stand under which, and what a scope lets its holder see."""

import re
from dataclasses import dataclass
from enum import StrEnum

from loyalty.kernel.errors import InvalidInput

NAME_LENGTH_MAX = 60
ADDRESS_LENGTH_MAX = 200
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


class StoreKind(StrEnum):
    """What a node of the tree is."""

    HEADQUARTERS = "headquarters"
    REGION = "region"
    STORE = "store"


KIND_NAMES = {
    StoreKind.HEADQUARTERS: "总部",
    StoreKind.REGION: "区域",
    StoreKind.STORE: "门店",
}

_PARENTS = {
    StoreKind.REGION: frozenset({StoreKind.HEADQUARTERS}),
    StoreKind.STORE: frozenset({StoreKind.HEADQUARTERS, StoreKind.REGION}),
}


class InvalidStore(InvalidInput):
    """The code, the name or the place in the tree does not fit."""

    code = "invalid_store"
    message = "门店信息不正确：编码只能用字母、数字、- 和 _，名称必填"


class WrongParent(InvalidInput):
    """A region stands under headquarters, a store under headquarters or a region."""

    code = "wrong_store_parent"
    message = "上级不正确：区域属于总部，门店属于总部或区域，且上级须在营业"


@dataclass(frozen=True, slots=True)
class StoreScope:
    """The part of the tree somebody may see (数据范围).

    ``is_chain_wide`` also covers what belongs to no store, such as members enrolled online.
    """

    is_chain_wide: bool
    store_ids: frozenset[int]

    def covers(self, store_id: int | None) -> bool:
        """Tell whether what belongs to ``store_id`` may be seen."""
        return self.is_chain_wide or (store_id is not None and store_id in self.store_ids)


EVERYTHING = StoreScope(is_chain_wide=True, store_ids=frozenset())
NOTHING = StoreScope(is_chain_wide=False, store_ids=frozenset())


def check_details(*, code: str, name: str, address: str | None) -> None:
    """Refuse a code or texts that could not be stored or read.

    Raises:
        InvalidStore: the code has other characters, or a text is empty or too long.
    """
    if not _CODE.fullmatch(code):
        raise InvalidStore(field="code")
    if not 0 < len(name) <= NAME_LENGTH_MAX:
        raise InvalidStore(field="name")
    if address is not None and len(address) > ADDRESS_LENGTH_MAX:
        raise InvalidStore(field="address")


def check_parent(*, kind: StoreKind, parent_kind: StoreKind | None) -> None:
    """Refuse a place in the tree that the kinds do not allow.

    Raises:
        WrongParent: such a node may not stand there.
    """
    if kind is StoreKind.HEADQUARTERS:
        if parent_kind is not None:
            raise WrongParent
    elif parent_kind not in _PARENTS[kind]:
        raise WrongParent
