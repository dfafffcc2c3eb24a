"""The picture of the house has every room, in its place, and shows what leads up."""

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from house import draw, read_house

ROOT = Path(__file__).resolve().parents[1]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(repo):
    return ElementTree.fromstring(draw(read_house(repo)))


def texts(picture):
    return [text.text for text in picture.iter(f"{SVG}text")]


def boxes(picture):
    """Rooms have a border: x, y, width and height of each."""
    found = [box for box in picture.iter(f"{SVG}rect") if box.get("stroke")]
    return [tuple(float(box.get(key)) for key in ("x", "y", "width", "height")) for box in found]


@pytest.fixture(scope="module")
def picture():
    return drawn(ROOT)


@pytest.fixture
def small(tmp_path):
    """Writes modules by name, each with the modules that it imports."""

    def make(**modules):
        for name, imported in modules.items():
            folder = tmp_path / "liveseq" / name
            folder.mkdir(parents=True)
            (folder / "__init__.py").touch()
            (folder / "things.py").write_text("".join(f"from liveseq.{other} import things\n" for other in imported))
        return tmp_path

    return make


def test_every_folder_and_file_of_the_package_is_a_room_and_none_hides_another(picture):
    package = ROOT / "liveseq"
    rooms = {path.parent.name if path.parent != package else path.stem for path in package.glob("*/*.py")}
    rooms |= {path.stem for path in package.glob("*.py")} - {"__init__"}
    assert rooms <= set(texts(picture))
    assert len(boxes(picture)) == len(rooms)
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(boxes(picture), 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1


def test_who_imports_stands_above(small):
    found = read_house(small(cli=["engine", "dsp"], engine=["dsp"], dsp=[]))
    assert found.floor == {"dsp": 0, "engine": 1, "cli": 2}
    assert found.edges == {("cli", "engine"): 1, ("cli", "dsp"): 1, ("engine", "dsp"): 1}


def test_what_leads_up_is_red(small, picture):
    repo = small(engine=["dsp"], dsp=["engine"])
    assert sum(path.get("stroke") == "#e00000" for path in drawn(repo).iter(f"{SVG}path")) == 1
    assert any("lead up are red: 1" in text for text in texts(drawn(repo)))
    assert any("lead up are red: 0" in text for text in texts(picture))
