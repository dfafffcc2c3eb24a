"""Slots in shared memory: the newest body is read, whoever wrote before."""

from liveseq.memory.slots import Slots, slot_size


def test_who_takes_over_is_read_however_much_the_one_before_has_written_since():
    buffer = memoryview(bytearray(2 * slot_size(2)))
    before, reader = (Slots(buffer, 0, size=2) for _ in range(2))
    before.write(b"a0")
    after = Slots(buffer, 0, size=2)  # attached, and waits
    for body in (b"a1", b"a2", b"a3"):
        before.write(body)
    after.take_over()
    after.write(b"b0")
    assert reader.read() == b"b0"
