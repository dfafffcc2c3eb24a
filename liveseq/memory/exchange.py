"""Orders to a process and what it says of itself, in shared memory; neither side ever waits for the other.

The conductor writes orders, the process writes its status. Both survive each other's death: the supervisor owns the
memory.
"""

from multiprocessing.shared_memory import SharedMemory
from typing import Generic, TypeVar

from liveseq.memory.layout import Fields, Layout
from liveseq.memory.slots import Slots, slot_size

Order = TypeVar("Order")
Status = TypeVar("Status")


class Exchange(Generic[Order, Status]):
    """The shared memory itself, or its beginning."""

    def __init__(
        self,
        buffer: memoryview,
        *,
        status: Layout[Status],
        order: Layout[Order],
        memory: SharedMemory | None = None,
        owner: bool = False,
    ) -> None:
        """buffer: `exchange_size` bytes or more, of `memory` where it is shared."""
        self._memory = memory
        self._owner = owner
        self._status_layout, self._order_layout = status, order
        self._status = Slots(buffer, 0, size=status.size)
        self._order = Slots(buffer, 2 * slot_size(status.size), size=order.size)

    @property
    def name(self) -> str:
        """Name of the shared memory."""
        assert self._memory is not None
        return self._memory.name

    def close(self) -> None:
        """Leave the memory; its owner's end is the memory's."""
        assert self._memory is not None
        self._memory.close()
        if self._owner:
            self._memory.unlink()

    def write_status(self, status: Status) -> None:
        """Say how it is. The process only."""
        self._status.write(self._status_layout.pack(status))

    def read_status(self) -> Status:
        """The newest status; an empty one before there is any."""
        return newest(self._status, self._status_layout)

    def write_order(self, order: Order) -> None:
        """Give an order. Conductor only. Raises ModelError where there is no room for a model's name or tag."""
        self._order.write(self._order_layout.pack(order))

    def read_order(self) -> Order:
        """The newest order; an empty one before there is any."""
        return newest(self._order, self._order_layout)


def exchange_size(status: Layout[Status], order: Layout[Order]) -> int:
    """Bytes that both take."""
    return 2 * (slot_size(status.size) + slot_size(order.size))


def newest(slots: Slots, layout: Layout[Fields]) -> Fields:
    """The fields that were written last; empty ones before there are any."""
    body = slots.read()
    return layout.empty() if body is None else layout.unpack(body)


def buffer_of(memory: SharedMemory) -> memoryview:
    """The bytes of a shared memory that is open."""
    assert memory.buf is not None
    return memory.buf
