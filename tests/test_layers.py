"""The arrows of docs/architecture.md: a package imports only from those below it, and heavy things have one door.

And the sizes: a folder, a file and a class hold no more than one reader takes in.
"""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "liveseq"
FLOORS = [
    "errors",
    "files",
    "config",
    "terminal",
    "processes",
    "words",
    "dsp",
    "demo",
    "corpus",
    "runtime",
    "sequencer",
    "memory",
]
FLOORS += ["engine", "osc", "generation", "performance", "streaming", "listener", "conductor", "offline", "server"]
FLOORS += ["train", "cli"]
DOORS = {
    "soundfile": {"dsp/files.py", "dsp/saving.py"},
    "soxr": {"dsp/files.py"},
    "sqlite3": {"corpus/store.py", "corpus/schema.py", "corpus/unit_table.py"},
    "faiss": {"corpus/index.py"},
    "librosa": {"corpus/segmentation.py"},
    "onnxruntime": {"runtime/session.py"},
    "tokenizers": {"runtime/text.py"},
    "sounddevice": {"engine/devices.py"},
    "pythonosc": {"osc/packets.py"},
}
FILES = sorted(PACKAGE.rglob("*.py"))
EVERY_FILE = [*FILES, *sorted(ROOT.glob("tests/**/*.py")), *sorted(ROOT.glob("benchmarks/**/*.py"))]
MOST_FILES, MOST_LINES, MOST_METHODS = 25, 400, 25
"""In a folder; in a file; public ones of a class."""


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("name", DOORS)
def test_behind_a_door_is_what_it_is_for(name):
    for door in sorted(DOORS[name]):
        assert name in {module.split(".")[0] for module in imports(PACKAGE / door)}, door


def floor(part: str) -> int:
    return FLOORS.index(part)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_below(path):
    place = path.relative_to(PACKAGE)
    own = place.parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for module in imports(path):
        if module.startswith("liveseq."):
            other = module.split(".")[1]
            assert floor(other) <= floor(own), f"{place} imports {module} from above"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_dependencies_come_in_by_one_door(path):
    place = str(path.relative_to(PACKAGE))
    if place.startswith("train/"):
        return
    roots = {module.split(".")[0] for module in imports(path)}
    assert not roots & {"torch", "transformers", "onnx"}, f"{place}: training libraries stay in liveseq/train"
    for name, doors in DOORS.items():
        assert name not in roots or place in doors, f"{place} imports {name}; its door is {', '.join(sorted(doors))}"


def test_what_plays_without_a_device_needs_no_server():
    for path in (PACKAGE / "offline").glob("*.py"):
        parts = {module.split(".")[1] for module in imports(path) if module.startswith("liveseq.")}
        assert not parts & {"conductor", "server", "listener"}, f"{path.name} imports {', '.join(sorted(parts))}"


def test_no_folder_holds_more_than_a_reader_takes_in():
    counts = Counter(path.parent.relative_to(ROOT) for path in EVERY_FILE)
    assert {str(folder): n for folder, n in counts.items() if n > MOST_FILES} == {}


def test_no_file_is_longer_than_a_reader_takes_in():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in EVERY_FILE}
    assert {path: n for path, n in lines.items() if n > MOST_LINES} == {}


def test_no_class_has_more_methods_than_a_reader_takes_in():
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                public = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name[0] != "_"]
                assert len(public) <= MOST_METHODS, f"{path.relative_to(ROOT)}: {node.name}"


def test_a_floor_for_everything():
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} - {"__init__"}
    assert parts <= set(FLOORS)


def test_no_two_modules_import_each_other_by_any_way_round():
    """Inside functions either: what is imported late to break a circle is a circle all the same."""
    names = {".".join(("liveseq", *path.relative_to(PACKAGE).with_suffix("").parts)): path for path in FILES}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    left = {name: {m for m in imported(path, names) if m != name} for name, path in names.items()}
    while free := {name for name, below in left.items() if not below & left.keys()}:
        left = {name: below for name, below in left.items() if name not in free}
    assert not left, f"these import each other, or what does: {', '.join(sorted(left))}"


def imported(path: Path, names: dict[str, Path]) -> set[str]:
    """Modules of liveseq that this one imports; `from package import module` is the module."""
    found = imports(path) & names.keys()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = {f"{node.module}.{alias.name}" for alias in node.names} & names.keys()
            found |= modules
            if len(modules) == len(node.names):
                found.discard(node.module)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_docstring_begins_with_the_thing_itself(path):
    """Of an attribute or a constant too: a text that stands by itself."""
    texts = (node.value for node in nodes(path) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    said = [ast.literal_eval(text).strip() for text in texts if isinstance(text.value, str)]
    assert [text.splitlines()[0] for text in said if text.startswith(("What ", "Of "))] == []
