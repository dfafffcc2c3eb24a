"""Packets that have come and wait to be read, so many and no more."""

from collections import deque
from dataclasses import dataclass

from liveseq.osc.clients import Client

MAX_PACKETS = 16_384
MAX_BYTES = 1 << 23


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as it came."""

    number: int
    """Place in the backlog, in order."""
    data: bytes
    client: Client
    n_jumps: int
    """Panics and stops in it, up to the last that has jumped the queue."""


class Backlog:
    """A queue of packets. Its own methods alone change it."""

    def __init__(self) -> None:
        self._packets: deque[Packet] = deque()
        self._n_bytes = 0
        self._number = 0
        self._overtaken = 0  # number of the last packet that something has overtaken

    def __len__(self) -> int:
        return len(self._packets)

    def add(self, data: bytes, client: Client, *, n_jumps: int) -> bool:
        """Keep a packet; False where there is no room."""
        if len(self._packets) >= MAX_PACKETS or self._n_bytes + len(data) > MAX_BYTES:
            return False
        self._number += 1
        self._n_bytes += len(data)
        self._packets.append(Packet(self._number, data, client, n_jumps))
        return True

    def take(self) -> Packet | None:
        """The packet that came first; None where none is left."""
        if not self._packets:
            return None
        packet = self._packets.popleft()
        self._n_bytes -= len(packet.data)
        return packet

    def overtake(self) -> None:
        """Let something go before every packet that has come."""
        self._overtaken = self._number

    def is_overtaken(self, packet: Packet) -> bool:
        """Whether something that came later has gone before this packet."""
        return packet.number <= self._overtaken
