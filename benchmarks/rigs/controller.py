"""An OSC client that plays a server, as a performer's program does."""

import socket
import time
from typing import Any

from liveseq.osc.packets import Message, Value, build, parse_packet

PATIENCE = 60.0
"""Seconds; never reached but where something is broken."""
MAX_DATAGRAM = 65_536


class Controller:
    """A client with a port of its own; a context manager."""

    def __init__(self, port: int) -> None:
        """port: of a server on this machine."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self._server = ("127.0.0.1", port)

    def __enter__(self) -> "Controller":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, address: str, *arguments: Value) -> None:
        self.raw(build(address, *arguments))

    def raw(self, data: bytes) -> None:
        self.socket.sendto(data, self._server)

    def receive(self, *, seconds: float) -> list[Message]:
        """Messages of the next datagram; none where none comes within `seconds`."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(MAX_DATAGRAM)
        except TimeoutError:
            return []
        return [message for group in parse_packet(data) for message in group.messages]

    def hear(self, address: str, *, seconds: float = PATIENCE) -> tuple[Any, ...] | None:
        """Arguments of the next message to this address; None after `seconds`. What else comes is let go."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for message in self.receive(seconds=left):
                if message.address == address:
                    return message.arguments
        return None

    def ask(
        self, address: str, *arguments: Value, answer: str | None = None, seconds: float = PATIENCE
    ) -> tuple[Any, ...]:
        """Answer at the same address, or at `answer`. It asks again every 50 ms: a server may be on its way back."""
        self._forget()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.send(address, *arguments)
            found = self.hear(answer or address, seconds=0.05)
            if found is not None:
                return found
        raise AssertionError(f"no answer to {address}")

    def wait_for(self, state: str, *, voices: int | None = None, seconds: float = PATIENCE) -> tuple[Any, ...]:
        """Waits until the status says so, and so many layers sound. Returns the whole status."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.ask("/liveseq/status")
            if status[0] == state and voices in (None, status[10]):
                return status
        raise AssertionError(f"expected {state}, {voices} voices, found {status}")

    def _forget(self) -> None:
        """Empties the socket: an answer to a question that was asked twice is none to the next one."""
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(MAX_DATAGRAM)
        except BlockingIOError:
            pass
