"""Tags of recordings, from where they lie, what they are called, or a table."""

import csv
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from liveseq.corpus.source import MAX_TAG_LENGTH
from liveseq.errors import TagError

TagsFrom = Literal["folder", "prefix"] | Path
Tags = dict[str, tuple[str, ...]]


def tags_of(names: Sequence[str], *, tags_from: TagsFrom | None = None) -> tuple[Tags, list[str]]:
    """Tags of each recording, and one sentence for each line of a table that gives none of them a tag.

    names: paths inside their folder, with "/". tags_from: folder: every sub-folder on the way is a tag, so that
    drums/kicks/a.wav has two; a file beside the sub-folders has its prefix. prefix: the file name up to the first "_",
    "-" or digit. A path: a CSV file with lines of file,tag,tag ... None: folder if there is a sub-folder, else prefix.
    Raises TagError for a table that cannot be read.
    """
    if isinstance(tags_from, Path):
        return _from_table(names, tags_from)
    by_folder = tags_from == "folder" or (tags_from is None and any("/" in name for name in names))
    return {name: (by_folder and folder_tags(name)) or prefix_tags(name) for name in names}, []


def folder_tags(name: str) -> tuple[str, ...]:
    """The names of the folders on the way to a recording."""
    return _clean(PurePosixPath(name).parts[:-1])


def prefix_tags(name: str) -> tuple[str, ...]:
    """The name of a recording up to its first "_", "-" or digit, without a number before it.

    >>> prefix_tags("hits/kick_deep_3.wav"), prefix_tags("01 - Dark Drone.wav")
    (('kick',), ('dark drone',))
    """
    stem = re.sub(r"^[\W\d_]+", "", PurePosixPath(name).stem)  # "01 - kick_a" is a kick
    return _clean(re.split(r"[_\-\d]", stem, maxsplit=1)[:1])


def _clean(texts: Sequence[str]) -> tuple[str, ...]:
    """Texts as a performer would type them, each once: "Dark_Drone " is "dark drone"."""
    plain = (re.sub(r"[_\-\s]+", " ", unicodedata.normalize("NFC", text)).strip().casefold() for text in texts)
    return tuple(dict.fromkeys(tag[:MAX_TAG_LENGTH] for tag in plain if tag))


def _from_table(names: Sequence[str], table: Path) -> tuple[Tags, list[str]]:
    tags: Tags = dict.fromkeys(names, ())
    useless = []
    for line, row in _rows(table):
        name, found = row[0].strip().replace("\\", "/"), _clean(row[1:])
        if line == 1 and name.casefold() in ("file", "name", "path"):
            continue
        if name not in tags:
            useless.append(f"{table}, line {line}: no sound file {name!r}; write its path from the folder on")
        elif not found:
            useless.append(f"{table}, line {line}: no tag for {name!r}; expected file,tag,tag ...")
        else:
            tags[name] = tuple(dict.fromkeys((*tags[name], *found)))
    return tags, useless


def _rows(table: Path) -> list[tuple[int, list[str]]]:
    try:
        reader = csv.reader(table.read_text(encoding="utf-8-sig").splitlines())  # spreadsheets write a byte order mark
        return [(reader.line_num, row) for row in reader if row and row[0].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TagError(f"{table}: no table of tags ({error}); expected UTF-8 lines of file,tag,tag ...") from error
