"""Where on the store tree a board stands (总部 → 区域 → 门店): the chosen node, the way to it, what is below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loyalty.reports.rollups.figures import Figures
from loyalty.stores.queries import StoreNode, StoreNotFound
from loyalty.stores.rules import StoreKind, StoreScope


@dataclass(frozen=True, slots=True)
class Place:
    """What a board shows: of a node all that is below it, or everything that the caller sees."""

    node: StoreNode | None
    """Nothing for those who see several branches and have chosen none."""
    trail: Sequence[StoreNode]
    """From the highest visible node down to this one, itself left out."""
    scope: StoreScope
    nodes: Sequence[StoreNode]

    def below(self, by_store: Mapping[int | None, Figures]) -> list[tuple[StoreNode | None, Figures]]:
        """Return the nodes right below with the figures of their branches; None for what belongs to no store."""
        parents = {node.id: node.parent_id for node in self.nodes}
        here = self.node.id if self.node else None
        sums: dict[int, list[Figures]] = {}
        for store_id in parents:
            child, parent = store_id, parents[store_id]
            while parent != here and parent in parents:
                child, parent = parent, parents[parent]
            if store_id != here and (here is None or parent == here):
                sums.setdefault(child, []).append(by_store.get(store_id, Figures()))
        rows: list[tuple[StoreNode | None, Figures]] = [
            (node, Figures.sum_of(sums[node.id])) for node in self.nodes if node.id in sums
        ]
        return [*rows, *((None, figures) for store_id, figures in by_store.items() if store_id is None)]


def place_of(nodes: Sequence[StoreNode], *, chosen: int | None, scope: StoreScope) -> Place:
    """Return where a board stands, within what the caller sees.

    Raises:
        StoreNotFound: the chosen node is not there.
    """
    known = {node.id: node for node in nodes}
    if chosen is None:
        roots = [node for node in nodes if node.parent_id not in known]
        node = roots[0] if len(roots) == 1 else None
        return Place(node, (), scope, nodes)
    if chosen not in known:
        raise StoreNotFound
    node = known[chosen]
    if node.kind is StoreKind.HEADQUARTERS:
        return Place(node, (), scope, nodes)
    trail = _above(node, known)
    branch = frozenset(one.id for one in nodes if node in (one, *_above(one, known)))
    return Place(node, trail, StoreScope(is_chain_wide=False, store_ids=branch), nodes)


def _above(node: StoreNode, known: Mapping[int, StoreNode]) -> list[StoreNode]:
    trail: list[StoreNode] = []
    while (above := known.get(node.parent_id or 0)) is not None:
        node = above
        trail.insert(0, node)
    return trail
