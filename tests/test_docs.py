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


def test_links_of_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
