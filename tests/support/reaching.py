"""Which functions lead to another, read from the source: whatever names a function, however far down, leads to it.

A name stands for what a module defines at its top or imports. Methods count as their class, tables of functions as
whoever looks into them.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("loyalty", "portal", "miniprogram_api", "jobs")


@dataclass
class _Module:
    defined: dict[str, ast.AST] = field(default_factory=dict)
    imported: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """A name, and the module it is, or what it is in that module."""


def leading_to(*targets: str) -> set[str]:
    """Return every ``module:name`` that leads to one of these, and these themselves."""
    callers: dict[str, set[str]] = {}
    for place, named in _edges():
        callers.setdefault(named, set()).add(place)
    found, open_ends = set(targets), list(targets)
    while open_ends:
        new = callers.get(open_ends.pop(), set()) - found
        found |= new
        open_ends += new
    return found


def naming(*targets: str) -> set[str]:
    """Return every module in which a function names one of these."""
    return {place.partition(":")[0] for place, named in _edges() if named in targets}


def calling(*targets: str) -> set[str]:
    """Return every ``module:name`` that names one of these itself."""
    return {place for place, named in _edges() if named in targets}


@cache
def _modules() -> dict[str, _Module]:
    return {_name_of(file): _read(file) for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")}


def _name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(file: Path) -> _Module:
    tree, module = ast.parse(file.read_text()), _Module()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module.imported |= {one.asname or one.name: (node.module, one.name) for one in node.names}
        elif isinstance(node, ast.Import):
            module.imported |= {one.asname: (one.name, None) for one in node.names if one.asname}
    for statement in tree.body:
        module.defined |= dict.fromkeys(_names_defined(statement), statement)
    return module


def _names_defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _edges() -> Iterator[tuple[str, str]]:
    for name, module in _modules().items():
        for defined, body in module.defined.items():
            given = {node.arg for node in ast.walk(body) if isinstance(node, ast.arg)}
            for node in ast.walk(body):
                chain = _chain(node)
                named = _follow(name, chain) if chain and chain[0] not in given else None
                if named is not None:
                    yield f"{name}:{defined}", named


def _chain(node: ast.AST) -> list[str]:
    """The names of ``a.b.c``; nothing for what is no such chain."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (before := _chain(node.value)):
        return [*before, node.attr]
    return []


def _follow(module: str, chain: list[str]) -> str | None:
    """What a chain of names means in a module: the first of it that is defined somewhere."""
    here = module
    for name in chain:
        source = _modules().get(here, _Module())
        if name in source.defined:
            return f"{here}:{name}"
        if name in source.imported:
            origin, attribute = source.imported[name]
            if attribute is None:
                here = origin
                continue
            known = _follow(origin, [attribute]) if (origin, attribute) != (here, name) else None
            if known is not None:
                return known
            here = f"{origin}.{attribute}"
        else:
            here = f"{here}.{name}"
        if here not in _modules():
            return None
    return None
