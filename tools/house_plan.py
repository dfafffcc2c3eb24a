"""A place for every room of the house and every arrow, in pixels.

After Sugiyama, Tagawa and Toda (1981): arrows are cut where they pass a floor, the nodes of each floor are ordered by
the middle of their neighbours, and then moved as near to it as they have room.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from house_rooms import House, Node, Room

ROOM_WIDTH, WIDE_WIDTH, PASSAGE_WIDTH = 172, 344, 13
"""Widths of a room, of one with folders inside, and of a place where arrows pass."""
LABEL_WIDTH = 128
"""Width of the names of the folders inside."""
GAP, MARGIN, TOP = 14, 60, 64
PADDING = 10
"""Room between a border and what is inside."""
STAIRS = 62
"""Height between two floors, for the arrows."""
PITCH, LINE = 10, 14
"""Steps from one file's window to the next, and from line to line."""
HEADER = 42
"""Height of a room's name and size."""
N_SWEEPS = 60


@dataclass(frozen=True)
class Box:
    """A room's walls."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True)
class Plan:
    """A house with the place of everything."""

    house: House
    boxes: dict[str, Box]
    arrows: Counter[tuple[Node, Node]]
    """Imports that lead down, from one node to one on the next floor."""
    x: dict[Node, float]
    """Middle of each node."""
    floors: list[tuple[float, float]]
    """Top and bottom of each floor."""
    width: float


def plan(house: House) -> Plan:
    """Finds a place for every room and every arrow."""
    arrows = _cut(house)
    near: dict[Node, list[Node]] = {node: [] for node in house.floor.items()}
    for upper, lower in arrows:
        near.setdefault(upper, []).append(lower)
        near.setdefault(lower, []).append(upper)
    rows = [sorted(node for node in near if node[1] == floor) for floor in range(max(house.floor.values()) + 1)]
    widths = {node: _width(house.rooms[node[0]]) if house.is_room(node) else PASSAGE_WIDTH for node in near}
    x = _places(rows, near, widths)
    left = min(x[node] - widths[node] / 2 for node in x) - MARGIN
    right = max(x[node] + widths[node] / 2 for node in x) + MARGIN
    x = {node: middle - left for node, middle in x.items()}
    heights = {name: _height(room) for name, room in house.rooms.items()}
    floors: list[tuple[float, float]] = []
    top = float(TOP)
    for row in reversed(rows):
        bottom = top + max(heights[name] for name, floor in row if house.is_room((name, floor)))
        floors.insert(0, (top, bottom))
        top = bottom + STAIRS
    boxes = {
        node[0]: Box(x[node] - widths[node] / 2, floors[node[1]][0], widths[node], heights[node[0]])
        for node in house.floor.items()
    }
    return Plan(house, boxes, arrows, x, floors, right - left)


def _cut(house: House) -> Counter[tuple[Node, Node]]:
    found: Counter[tuple[Node, Node]] = Counter()
    for (above, under), n in house.edges.items():
        way = [(above, house.floor[above])]
        way += [(under, floor) for floor in range(house.floor[above] - 1, house.floor[under] - 1, -1)]
        found.update(dict.fromkeys(pairwise(way), n))
    return found


def _places(rows: list[list[Node]], near: dict[Node, list[Node]], widths: dict[Node, float]) -> dict[Node, float]:
    """Middles of the nodes. It sorts the rows."""
    x = {node: float(place) for row in rows for place, node in enumerate(row)}

    def middle(node: Node) -> float:
        return sum(x[other] for other in near[node]) / len(near[node]) if near[node] else x[node]

    for sweep in range(N_SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            row.sort(key=lambda node: (middle(node), node))
            x |= {node: place - len(row) / 2 for place, node in enumerate(row)}
    for sweep in range(N_SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            x |= _spread(row, [middle(node) for node in row], widths)
    return x


def _spread(row: list[Node], wished: list[float], widths: dict[Node, float]) -> dict[Node, float]:
    """Places in this order without overlap, as near to the wished ones as can be (pool adjacent violators)."""
    offsets = [0.0]
    for left, right in pairwise(row):
        gap = GAP if max(widths[left], widths[right]) > PASSAGE_WIDTH else 0
        offsets.append(offsets[-1] + (widths[left] + widths[right]) / 2 + gap)
    pools: list[list[float]] = []
    for wish, offset in zip(wished, offsets, strict=True):
        pools.append([wish - offset])
        while len(pools) > 1 and sum(pools[-2]) / len(pools[-2]) > sum(pools[-1]) / len(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    places = [sum(pool) / len(pool) for pool in pools for _ in pool]
    return {node: place + offset for node, place, offset in zip(row, places, offsets, strict=True)}


def _width(room: Room) -> float:
    return WIDE_WIDTH if room.has_folders else ROOM_WIDTH


def _height(room: Room) -> float:
    return HEADER + LINE * sum(-(-n // windows_per_line(room)) for n in room.files.values()) + 4


def windows_per_line(room: Room) -> int:
    """Number of files that are drawn side by side."""
    free = _width(room) - 2 * PADDING - (LABEL_WIDTH if room.has_folders else 0)
    return int(free // PITCH)
