"""The rooms of the house and what they import from each other, read from the code without running it."""

import ast
from collections import Counter, defaultdict
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "liveseq"
Edges = Counter[tuple[str, str]]
"""Imports from one room by another, (importing, imported) -> pairs of modules."""
Node = tuple[str, int]
"""A room and its floor, or with another floor the place where the arrows to that room pass it."""


@dataclass
class Room:
    """A folder of the package, or a module beside them."""

    files: Counter[str] = field(default_factory=Counter)
    """Number of files by the folder inside the room; "" has its own."""
    n_lines: int = 0

    @property
    def has_folders(self) -> bool:
        return self.files.keys() != {""}


@dataclass(frozen=True)
class House:
    """The rooms by name, what they import from each other, and the floor of each, 0 on the ground."""

    rooms: dict[str, Room]
    edges: Edges
    floor: dict[str, int]

    def is_room(self, node: Node) -> bool:
        return self.floor[node[0]] == node[1]

    def leads_up(self, above: str, under: str) -> bool:
        """Whether a room imports from one that does not lie below it."""
        return self.floor[above] <= self.floor[under]


def read_house(repo: Path) -> House:
    """The house as the code has it. A file of the package itself, such as its __init__, is in no room."""
    package = repo / PACKAGE
    paths = {_module(path, package): path.relative_to(package) for path in sorted(package.rglob("*.py"))}
    rooms: dict[str, Room] = defaultdict(Room)
    edges: Edges = Counter()
    for path in paths.values():
        name, text = _room(path), (package / path).read_text()
        if not name:
            continue
        rooms[name].files["/".join(path.parts[1:-1])] += 1
        rooms[name].n_lines += text.count("\n")
        others = [_room(paths[module]) for module in _imported(text, paths.keys())]
        edges.update((name, other) for other in others if other not in ("", name))
    return House(dict(rooms), edges, _floors(rooms.keys(), edges))


def _module(path: Path, package: Path) -> str:
    parts = (PACKAGE, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def _room(path: Path) -> str:
    return path.parts[0].removesuffix(".py").replace("__init__", "")


def _imported(text: str, modules: Set[str]) -> set[str]:
    """Modules of the package that a file imports; `from package import module` is the module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & modules or {node.module}
    return found & modules


def _floors(names: Set[str], edges: Edges) -> dict[str, int]:
    """Floors by name. One import of each circle is left out: it will lead up."""
    below: dict[str, list[str]] = defaultdict(list)
    for above, under in sorted(edges):
        below[above].append(under)
    found: dict[str, int] = {}

    def floor(name: str, above: tuple[str, ...] = ()) -> int:
        if name not in found:
            others = [other for other in below[name] if other not in (*above, name)]
            found[name] = max((floor(other, (*above, name)) + 1 for other in others), default=0)
        return found[name]

    for name in sorted(names):
        floor(name)
    return found
