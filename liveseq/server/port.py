"""The server's UDP port: held by one process alone, and if it is taken, by whom."""

import errno
import socket
import sys

import psutil

from liveseq.errors import PortError

RECEIVE_BUFFER = 1 << 20
"""Bytes that the system keeps for us: about ten thousand messages."""
FIRST_PORT = 7700
N_PORTS = 100
"""Ports that "auto" tries."""


def bind(host: str, port: int | str) -> socket.socket:
    """A bound UDP socket. Raises PortError, which names the owner of a port that is taken."""
    if port != "auto":
        return _bind(host, int(port))
    for number in range(FIRST_PORT, FIRST_PORT + N_PORTS):
        try:
            return _bind(host, number)
        except _TakenError as error:
            last = error
    raise PortError(f"no free port from {FIRST_PORT} to {FIRST_PORT + N_PORTS - 1}; the last one: {last}")


class _TakenError(PortError):
    """Another number may be free."""


def _bind(host: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if sys.platform == "win32":  # elsewhere a UDP port is exclusive unless somebody asks otherwise
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    try:
        udp.bind((host, port))
    except OSError as error:
        udp.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            what = f"taken by {_owner(port)}" if error.errno == errno.EADDRINUSE else "not allowed to this user"
            advice = "end it, or start with --osc-port auto or another number"
            raise _TakenError(f"UDP port {port} on {host}: {what}; {advice}") from None
        raise PortError(
            f"UDP port {port} on {host}: {error.strerror}; expected an address of this machine in --listen"
        ) from None
    return udp


def _owner(port: int) -> str:
    """Name and process id of whoever has the port, as far as this user may know."""
    try:
        for connection in psutil.net_connections(kind="udp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                process = psutil.Process(connection.pid)
                # A child of multiprocessing shares its parent's socket: the parent is the one to end.
                while "multiprocessing" in " ".join(process.cmdline()) and process.ppid() > 1:
                    process = psutil.Process(process.ppid())
                return f"process {process.pid} ({' '.join(process.cmdline())[:120] or process.name()})"
    except psutil.Error:
        pass
    return "another process"
