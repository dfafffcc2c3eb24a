"""Files that sound libraries would take for something else: their kinds by their first bytes."""

_KINDS = (
    (4, b"ftyp", "MPEG-4 (AAC or ALAC)"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (8, b"AVI ", "AVI, a video"),
    (0, b"ADIF", "AAC (ADIF)"),
    (0, b"FLV", "Flash video"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"#!AMR", "AMR"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "True Audio"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (0, b"\x0b\x77", "AC-3"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (0, b"\xfe\x7f\x01\x80", "DTS"),
    (0, b"MThd", "MIDI: notes, and no sound"),
    (8, b"RMID", "MIDI: notes, and no sound"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"%PDF", "a PDF"),
)
_ADTS_FRAMES = 3


def foreign(data: bytes, at: int) -> str | None:
    """Kind of a file whose content, behind its tags, begins at a place; None where it is none of those known here."""
    if _is_adts(data, at):
        return "AAC (ADTS)"
    for offset, magic, kind in _KINDS:
        if data[at + offset : at + offset + len(magic)] == magic:
            return kind
    return "a web page" if data[at : at + 64].lstrip().lower().startswith((b"<!doctype", b"<html")) else None


def _is_adts(data: bytes, at: int) -> bool:
    """Whether frames of AAC follow one another, or do so up to the end."""
    for number in range(_ADTS_FRAMES):
        raw = data[at : at + 7]
        if len(raw) < 7:
            return number > 0
        if raw[0] != 0xFF or raw[1] & 0xF6 != 0xF0:
            return False
        size = (raw[3] & 3) << 11 | raw[4] << 3 | raw[5] >> 5
        if size < 7:
            return False
        at += size
    return True
