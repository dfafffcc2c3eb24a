"""Tags of recordings, from where they lie, what they are called, or a table."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from liveseq.corpus.names import as_tag, composed
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
    by_folder = _by_folder(names, tags_from)
    return {name: (by_folder and folder_tags(name)) or prefix_tags(name) for name in names}, []


def origin_of_tags(names: Sequence[str], *, tags_from: TagsFrom | None = None) -> str:
    """Place that `tags_of` takes the tags from, in words."""
    if isinstance(tags_from, Path):
        return str(tags_from)
    if not _by_folder(names, tags_from):
        return "the file names"
    beside = any("/" not in name for name in names)
    return f"the names of the sub-folders{', and of the files beside them' if beside else ''}"


def _by_folder(names: Sequence[str], tags_from: TagsFrom | None) -> bool:
    return tags_from == "folder" or (tags_from is None and any("/" in name for name in names))


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
    plain = (as_tag(re.sub(r"[_\-]+", " ", text)) for text in texts)
    return tuple(dict.fromkeys(tag[:MAX_TAG_LENGTH] for tag in plain if tag))


def _from_table(names: Sequence[str], table: Path) -> tuple[Tags, list[str]]:
    tags: Tags = dict.fromkeys(names, ())
    useless = []
    for line, row in _rows(table, names):
        name, found = row[0], _clean(row[1:])
        if line <= 2 and (name.casefold() in ("file", "name", "path") or name.startswith("sep=")):
            continue  # a heading, and what Excel reads before it
        if name not in tags:
            useless.append(f"{table}, line {line}: no sound file {name!r}; write its path from the folder on")
        elif not found:
            useless.append(f"{table}, line {line}: no tag for {name!r}; expected file,tag,tag ...")
        else:
            tags[name] = tuple(dict.fromkeys((*tags[name], *found)))
    return tags, useless


def _rows(table: Path, names: Sequence[str]) -> list[tuple[int, list[str]]]:
    """Numbered rows as any spreadsheet saves them: in UTF-8 or UTF-16, parted by whatever finds most of the names."""
    try:
        content = table.read_bytes()
        text = content.decode(_encoding(content))
        readings = [_read(text, delimiter) for delimiter in ",;\t"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        instead = "expected lines of file,tag,tag ...; save it as CSV in UTF-8"
        raise TagError(f"{table}: no table of tags ({reason}); {instead}") from error
    known = set(names)
    return max(readings, key=lambda rows: sum(row[0] in known for _, row in rows))


def _encoding(content: bytes) -> str:
    """UTF-16 by its mark, or by the zeros of its plain letters; else UTF-8."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    zeros = content[0:2000:2].count(0), content[1:2000:2].count(0)
    return "utf-8-sig" if zeros[0] == zeros[1] else "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _read(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    rows = [(reader.line_num, row) for row in reader if row and row[0].strip()]
    return [(line, [composed(row[0].strip().replace("\\", "/").removeprefix("./")), *row[1:]]) for line, row in rows]
