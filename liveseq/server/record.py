"""Texts in records of a fixed size, as they lie in shared memory."""


def clip(text: str, size: int) -> bytes:
    """UTF-8 in at most `size` bytes, cut between characters."""
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def text(data: bytes) -> str:
    """What `clip` has made, padded with zeros since."""
    return data.rstrip(b"\0").decode("utf-8", "replace")
