"""OSC address patterns in linear time.

No regular expression: one packet of 36 bytes can keep a backtracking one busy for minutes. A pattern is walked once, a
token after the other; the set of places that it can have reached in the address is the bits of one integer.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

WILDCARDS = frozenset("*?[]{}")


def is_pattern(address: str) -> bool:
    """Whether an address has wildcards."""
    return not WILDCARDS.isdisjoint(address)


def matches(pattern: str, address: str) -> bool:
    """Whether an OSC pattern (* ? [a-z] [!a-z] {one,two}) matches an address; no wildcard crosses a slash.

    A pattern that cannot be understood matches nothing.

    >>> matches("/liveseq/layer/[1-2]/*", "/liveseq/layer/2/gain")
    True
    >>> matches("/liveseq/*", "/liveseq/layer/2/gain")
    False
    """
    patterns, parts = pattern.split("/"), address.split("/")
    return len(patterns) == len(parts) and all(
        _part_matches(wanted, part) for wanted, part in zip(patterns, parts, strict=True)
    )


def covers(pattern: str, address: str) -> bool:
    """Whether a subscription to `pattern` gets `address`: it matches, or it matches a branch above it."""
    n_parts = pattern.rstrip("/").count("/") + 1
    branch = "/".join(address.split("/")[:n_parts])
    return matches(pattern.rstrip("/"), branch)


def select(pattern: str, addresses: Iterable[str]) -> list[str]:
    """The addresses that a pattern matches, in their order."""
    return [address for address in addresses if matches(pattern, address)]


def _part_matches(pattern: str, text: str) -> bool:
    if not is_pattern(pattern):
        return pattern == text
    tokens = _tokens(pattern)
    if tokens is None:
        return False
    full = (1 << (len(text) + 1)) - 1
    places = 1  # bit p is set where text[:p] can be what the tokens so far have matched
    for kind, token in tokens:
        if kind == "*":
            places = full & ~((places & -places) - 1)  # anywhere from the first place on
        elif kind == "{":
            places = _after_words(places, token, text)
        else:
            places = _after_one(places, kind, token, text) & full
        if not places:
            return False
    return bool(places >> len(text) & 1)


def _after_one(places: int, kind: str, token: frozenset[str], text: str) -> int:
    if kind == "?":
        return places << 1 & ~(1 << (len(text) + 1))
    allowed = sum(1 << place for place, letter in enumerate(text) if (letter in token) != (kind == "!"))
    return (places & allowed) << 1


def _after_words(places: int, words: frozenset[str], text: str) -> int:
    after = 0
    for place in range(len(text) + 1):
        if places >> place & 1:
            for word in words:
                if text.startswith(word, place):
                    after |= 1 << (place + len(word))
    return after


@lru_cache(maxsize=256)
def _tokens(pattern: str) -> tuple[tuple[str, frozenset[str]], ...] | None:
    """(kind, letters or words) in order, None for a pattern that is not well formed. Runs of * are one."""
    tokens: list[tuple[str, frozenset[str]]] = []
    try:
        for token in _read(iter(pattern)):
            if not (token[0] == "*" and tokens and tokens[-1][0] == "*"):
                tokens.append(token)
    except (StopIteration, RuntimeError):  # a bracket that is never closed
        return None
    return tuple(tokens)


def _read(letters: Iterator[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for letter in letters:
        if letter in "*?":
            yield letter, frozenset()
        elif letter == "[":
            yield _letters(_until("]", letters))
        elif letter == "{":
            yield "{", frozenset(_until("}", letters).split(","))
        else:
            yield "=", frozenset(letter)


def _until(end: str, letters: Iterator[str]) -> str:
    found = ""
    while (letter := next(letters)) != end:
        found += letter
    return found


def _letters(inside: str) -> tuple[str, frozenset[str]]:
    kind = "!" if inside.startswith("!") else "="
    inside = inside.removeprefix("!")
    letters = set(inside)
    for place in range(1, len(inside) - 1):
        if inside[place] == "-":
            first, last = ord(inside[place - 1]), ord(inside[place + 1])
            letters |= {chr(code) for code in range(first, min(last, first + 128) + 1)}
    return kind, frozenset(letters)
