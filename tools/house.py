"""A picture of the house: the folders of liveseq/ as rooms on floors, and who imports from whom, from the code.

    python tools/house.py [--out docs/house.svg] [--repo DIR]

A room stands one floor above the highest room that it imports from. An arrow leads from a room to one that it imports
from, in the colour of that one; arrows to one room run together on their way. A red one leads up: these rooms import
from each other, by whatever way round. Standard library only.
"""

import argparse
from collections import defaultdict
from pathlib import Path

from house_plan import HEADER, LABEL_WIDTH, LINE, MARGIN, PADDING, PITCH, Plan, plan, windows_per_line
from house_rooms import PACKAGE, House, Node, read_house

ROOT = Path(__file__).resolve().parents[1]
INK, QUIET, BAND, UP = "#222", "#666", "#f4f4f1", "#e00000"
WINDOW, HEAD = 8, 8
"""Size of a file's window, and length of an arrow's head, in pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "house.svg")
    parser.add_argument("--repo", type=Path, default=ROOT, help="another checkout to look at")
    arguments = parser.parse_args()
    arguments.out.write_text(draw(read_house(arguments.repo)))
    print(arguments.out)


def draw(house: House) -> str:
    """The picture as SVG, on a white ground."""
    made = plan(house)
    height = made.floors[0][1] + 76
    parts = [*_texts(house, height), *_bands(made), *_arrows(made)]
    parts += [part for name in sorted(house.rooms) for part in _room(made, name)]
    parts += [part for pair in sorted(house.edges) if house.leads_up(*pair) for part in _up(made, *pair)]
    size = f'width="{made.width:.0f}" height="{height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {made.width:.0f} {height:.0f}"'
    head += ' font-family="Helvetica,Arial,sans-serif">'
    return "\n".join([head, f'<rect {size} fill="#fff"/>', *parts, "</svg>", ""])


def _texts(house: House, height: float) -> list[str]:
    """Title and legend."""
    n_files = sum(room.files.total() for room in house.rooms.values())
    title = f"{PACKAGE}/: {n_files} files in {len(house.rooms)} rooms, {len(house.edges)} arrows"
    n_up = sum(house.leads_up(*pair) for pair in house.edges)
    legend = (
        "A room is a folder of the package, or a file beside the folders; a window is a file. An arrow leads to a room",
        f"that is imported from, in its colour; the thicker, the more imports. Arrows that lead up are red: {n_up}.",
    )
    lines = [_text(MARGIN, height - 36 + 17 * n, line, size=12, fill=QUIET) for n, line in enumerate(legend)]
    return [_text(MARGIN, 34, title, size=19, weight="bold"), *lines]


def _text(x: float, y: float, text: str, *, size: int, fill: str = INK, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{fill}">{text}</text>'


def _bands(made: Plan) -> list[str]:
    """A band for each floor, with its number."""
    parts = []
    for floor, (top, bottom) in enumerate(made.floors):
        size = f'width="{made.width - 2 * PADDING:.1f}" height="{bottom - top + 2 * PADDING:.1f}"'
        parts.append(f'<rect x="{PADDING}" y="{top - PADDING:.1f}" {size} rx="6" fill="{BAND}"/>')
        parts.append(_text(2 * PADDING, top + 8, str(floor), size=12, fill=QUIET))
    return parts


def _colour(house: House, name: str) -> str:
    """Far from those of the rooms on its floor and the next ones, and from the red of arrows that lead up."""
    place = sorted(house.rooms, key=lambda one: (house.floor[one], one)).index(name)
    return f"hsl({30 + place * 0.382 % 1 * 300:.0f},60%,{(36, 44)[place % 2]}%)"


def _thickness(n_imports: int) -> float:
    return 0.8 + 0.55 * n_imports**0.5


def _arrows(made: Plan) -> list[str]:
    """Arrows from floor to floor, thick ones first, so that thin ones can be followed across them."""
    house, parts = made.house, []
    ends = _ends(made)
    for (upper, lower), n in sorted(made.arrows.items(), key=lambda item: (-item[1], item[0])):
        (top, bottom), foot = made.floors[upper[1]], made.floors[lower[1]][0]
        begin = made.boxes[upper[0]].bottom if house.is_room(upper) else top
        head, half, colour = HEAD * house.is_room(lower), 3 + _thickness(n) / 2, _colour(house, lower[0])
        x1, x2, y = ends[upper, lower], ends[lower, upper], (bottom + foot) / 2
        curve = f"C{x1:.1f} {y:.1f} {x2:.1f} {y:.1f} {x2:.1f} {foot - head:.1f}"
        line = f'fill="none" stroke="{colour}" stroke-width="{_thickness(n):.1f}"'
        parts.append(f'<path d="M{x1:.1f} {begin:.1f}V{bottom:.1f}{curve}" {line}/>')
        if head:
            parts.append(f'<path d="M{x2:.1f} {foot:.1f}l{-half:.1f} -{head}h{2 * half:.1f}z" fill="{colour}"/>')
    return parts


def _ends(made: Plan) -> dict[tuple[Node, Node], float]:
    """x at which an arrow meets a node, by (node, its other end): at a room side by side, in the order of those."""
    others: dict[tuple[Node, int], list[Node]] = defaultdict(list)
    for upper, lower in made.arrows:
        others[upper, -1].append(lower)
        others[lower, 1].append(upper)
    found = {}
    for (node, _), beside in others.items():
        beside.sort(key=lambda other: (made.x[other], other))
        is_room = made.house.is_room(node)
        apart = min(16.0, (made.boxes[node[0]].width - 30) / len(beside)) if is_room else 0.0
        for place, other in enumerate(beside):
            found[node, other] = made.x[node] + apart * (place - (len(beside) - 1) / 2)
    return found


def _room(made: Plan, name: str) -> list[str]:
    """Walls, name, size, and a window for each file."""
    room, box, colour = made.house.rooms[name], made.boxes[name], _colour(made.house, name)
    walls = f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width}" height="{box.height}" rx="4"'
    n_files, x, y = room.files.total(), box.left + PADDING, box.top + HEADER
    size = f"{n_files} file{'s' * (n_files > 1)}, {room.n_lines:,} lines"
    parts = [
        f'{walls} fill="#fff" stroke="{colour}" stroke-width="2"/>',
        f'{walls} fill="{colour}" fill-opacity="0.08"/>',
        _text(x, y - 24, name, size=15, weight="bold"),
        _text(x, y - 9, size, size=11, fill=QUIET),
    ]
    per_line = windows_per_line(room)
    for folder, n in sorted(room.files.items()):
        if room.has_folders:
            parts.append(_text(x, y + WINDOW, f"{folder or 'itself'} {n}", size=11))
        left = x + LABEL_WIDTH * room.has_folders
        for number in range(n):
            place = f'x="{left + PITCH * (number % per_line):.1f}" y="{y + LINE * (number // per_line):.1f}"'
            parts.append(f'<rect {place} width="{WINDOW}" height="{WINDOW}" fill="{colour}" fill-opacity="0.55"/>')
        y += LINE * -(-n // per_line)
    return parts


def _up(made: Plan, lower: str, upper: str) -> list[str]:
    """An arrow that leads up, from a room's right wall to the other's."""
    begin, end = made.boxes[lower], made.boxes[upper]
    x1, y1 = begin.left + begin.width, begin.top + 12
    x2, y2 = end.left + end.width, end.top + 24
    far = max(x1, x2) + MARGIN / 2
    line = f'fill="none" stroke="{UP}" stroke-width="{_thickness(made.house.edges[lower, upper]):.1f}"'
    return [
        f'<path d="M{x1:.1f} {y1:.1f}C{far:.1f} {y1:.1f} {far:.1f} {y2:.1f} {x2 + HEAD:.1f} {y2:.1f}" {line}/>',
        f'<path d="M{x2:.1f} {y2:.1f}l{HEAD} -5v10z" fill="{UP}"/>',
    ]


if __name__ == "__main__":
    main()
