"""Streams that nobody waits for: every line in order while it is taken, and a count of those that found no room."""

import os
import subprocess
import sys

import pytest

from liveseq.terminal import MOST_LINES, UnwaitingStream
from tests.support.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes as Linux and macOS have them")


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, UnwaitingStream(writer, encoding="ascii")
    os.close(reader)


def test_lines_come_whole_and_in_order_with_escapes_for_what_the_terminal_does_not_know(pipe):
    reader, stream = pipe
    print("one", "caf\xe9", file=stream)
    print("two", end="", file=stream)
    print(" halves", file=stream)
    assert wait_for(lambda: os.read(reader, 100)) in (b"one caf\\xe9\n", b"one caf\\xe9\ntwo halves\n")
    stream.finish()


def test_what_finds_no_room_is_dropped_and_its_number_said_once_there_is_room_again(pipe):
    reader, stream = pipe
    line = "x" * 1023
    for _ in range(10 * MOST_LINES):
        print(line, file=stream)
    n_dropped = wait_for(lambda: stream.n_dropped)
    text = b""
    while b"missing" not in text:
        text += os.read(reader, 65_536)
    *lines, last = text.decode().splitlines()
    assert set(lines) == {line}
    assert MOST_LINES <= len(lines) <= 2 * MOST_LINES
    assert last == f"liveseq: {n_dropped} lines are missing here: the terminal took none"
    assert len(lines) + n_dropped == 10 * MOST_LINES
    print("again", file=stream)
    assert os.read(reader, 100) == b"again\n"


@pytest.mark.parametrize("reads", [True, False])
def test_a_process_ends_with_its_last_words_and_soon_where_nobody_takes_them(reads):
    code = (
        "import sys; from liveseq.terminal import never_wait; never_wait()\n"
        "for n in range(200): print('y' * 1000, file=sys.stderr)\n"
        "raise ValueError('a fault')"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        if reads:
            assert process.stderr.read().endswith("ValueError: a fault\n")
        assert process.wait(60.0) == 1
