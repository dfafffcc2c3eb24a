"""Words and a table for the sections of sets that were played beside a control."""

from typing import Any

from benchmarks.pages import table

CONTROL_TEXT = """Beside it
a second JACK server, the control, with a player of ready blocks in the same chain of clients; an xrun of both within
20 ms is the machine's, and of the rest no more may be on our side than chance (1 %) would put there."""
XRUN_WORDS = {
    "xruns": "xruns of liveseq's JACK server",
    "control": "xruns of the control",
    "both": "xruns of both",
    "xruns_alone": "xruns of liveseq's alone",
    "control_alone": "xruns of the control alone",
    "xruns_p": "chance of so many or more of these on our side",
    "underruns": "blocks before which PortAudio told the engine of an underrun",
    "cpu_peak": "slowest block over its duration (by the clock on the wall, stolen time included)",
}


def by_minute(rows: list[dict[str, Any]]) -> str:
    """The minutes as a table of a page."""
    keys = ("xruns", "control", "both", "late", "cpu_peak")
    head = ["minute", "xruns", "of the control", "of both", "late events", "slowest block"]
    return table(head, [[number, *(row[key] for key in keys)] for number, row in enumerate(rows, start=1)])
