"""The server's UDP port: held by one process alone, and if it is taken, by whom."""

import errno
import logging
import socket
import sys
import time

import psutil

from liveseq.errors import PortError

RECEIVE_BUFFER = 1 << 20
"""Bytes that the system keeps for us: about ten thousand messages."""
FIRST_PORT = 7700
N_PORTS = 100
"""Ports that "auto" tries."""
TRY_SECONDS = 0.05
"""Between two tries of a port that is waited for."""
_TWINS = {"127.0.0.1": "::1", "::1": "127.0.0.1", "0.0.0.0": "::", "::": "0.0.0.0"}

log = logging.getLogger(__name__)


def bind(host: str, port: int | str, *, patience: float = 0.0) -> list[socket.socket]:
    """A bound UDP socket, and the one of the other family where the address has a twin there: senders that say
    localhost mean either. Raises PortError, which names the owner of a port that is taken.

    patience: seconds for which a port that is taken is waited for: its owner may be about to end.
    """
    address = _address(host)
    until = time.monotonic() + patience
    while port != "auto":
        try:
            return _bind_both(address, int(port))
        except _TakenError:
            if time.monotonic() >= until:
                raise
            time.sleep(TRY_SECONDS)
    for number in range(FIRST_PORT, FIRST_PORT + N_PORTS):
        try:
            return _bind_both(address, number)
        except _TakenError as error:
            last = error
    raise PortError(f"no free port from {FIRST_PORT} to {FIRST_PORT + N_PORTS - 1}; the last one: {last}")


def bracketed(host: str) -> str:
    """An address as it is written before a port: [::1]."""
    return f"[{host}]" if ":" in host else host


def _address(host: str) -> str:
    """The address of a name. Raises PortError."""
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no name of a host"
        raise PortError(
            f"UDP port on {host}: {reason}; expected an address or a name of this machine in --listen"
        ) from None
    return str(min(infos, key=lambda info: info[0] != socket.AF_INET)[4][0])


def _bind_both(address: str, port: int) -> list[socket.socket]:
    sockets = [_bind(address, port)]
    if (twin := _TWINS.get(address)) is not None:
        try:
            sockets.append(_bind(twin, port))
        except _TakenError as error:
            log.warning("%s; who sends there is not heard", error)
        except PortError:  # a machine without this family
            pass
    return sockets


class _TakenError(PortError):
    """Another number may be free."""


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        udp = socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        raise PortError(f"UDP port {port} on {host}: {error.strerror}; expected another address in --listen") from None
    if family == socket.AF_INET6:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # the other family has a socket of its own
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
