"""What the docs promise is there."""

import dataclasses
import re
from pathlib import Path

import yaml

from liveseq.config import ServerConfig, fill

ROOT = Path(__file__).resolve().parents[1]


def test_every_key_of_the_configuration_is_documented_with_its_default():
    text = (ROOT / "docs" / "configuration.md").read_text()
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert block
    tree = yaml.safe_load(block[1])
    assert list(tree) == [field.name for field in dataclasses.fields(ServerConfig)]
    assert fill(ServerConfig, tree, where="docs") == ServerConfig()


def headings(page):
    """As a browser finds them: lower case, words joined by hyphens."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


def test_links_of_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            target, _, heading = link.partition("#")
            if "://" not in link:
                there = page.parent / target if target else page
                assert there.exists(), f"{page.name}: {link}"
                assert not heading or heading in headings(there), f"{page.name}: {link}"


def test_tests_that_the_docs_name_are_there():
    """`path::name`, and names alone after one; paths are below tests/, with or without that word."""
    for page in (ROOT / "docs").glob("*.md"):
        path = None
        for named in re.findall(r"`([^`]*test_\w+[^`]*)`", page.read_text()):
            head, _, name = named.partition("::")
            if ".py" in head:
                path = ROOT / "tests" / head.removeprefix("tests/")
                assert path.is_file(), f"{page.name}: {named}"
            else:
                name = head
            if name:
                assert path is not None
                assert f"def {name}(" in path.read_text(), f"{page.name}: {named}"
