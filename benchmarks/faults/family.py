"""Processes of a running server: which is which, and what they take."""

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import psutil

from liveseq.engine.state import EngineState
from liveseq.processes import NICENESS

SHARED = Path("/dev/shm")
MB = 1e6


def family(supervisor: int) -> dict[str, int]:
    """Process ids by role, of those that have opened what tells their role: supervisor, engine, spare engine ..."""
    found, engines = {"supervisor": supervisor}, []
    with suppress(psutil.Error):
        for process in psutil.Process(supervisor).children(recursive=True):
            role = _role(process)
            if role == "engine":
                engines.append(process.pid)
            elif role:
                found[role] = process.pid
    if engines:
        found["engine"] = engines[0] if len(engines) == 1 else _sounding(engines)
        engines.remove(found["engine"])
    if engines:
        found["spare engine"] = engines[-1]
    return found


def all_processes(supervisor: int) -> list[int]:
    """Process ids of a server and all that come from it."""
    with suppress(psutil.Error):
        return [supervisor, *(one.pid for one in psutil.Process(supervisor).children(recursive=True))]
    return []


def _role(process: psutil.Process) -> str | None:
    """The conductor alone maps the search library, the generator and the streamer models without it, the engine a
    corpus's audio, the listener PortAudio without that."""
    with suppress(psutil.Error, OSError):
        maps = _mapped(process.pid)
        if "faiss" in maps:
            return "conductor"
        if "onnxruntime" in maps:
            return "generator" if process.nice() == NICENESS else "streamer"
        if ".f32" in maps:
            return "engine"
        if "libportaudio" in maps:
            return "listener"
    return None


def _mapped(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text()


def _sounding(engines: list[int]) -> int:
    """The one that has written itself into the shared state, where another is kept ready."""
    with engine_state(engines) as state:
        pid = state.read_status().pid if state else None
    return pid if pid in engines else engines[0]


@contextmanager
def engine_state(pids: Sequence[int]) -> Iterator[EngineState | None]:
    """The state that the engine among these processes keeps in shared memory; None where it is not found."""
    found = (state for name in shared_memory(pids) if (state := _attach(name, pids)))
    state = next(found, None)
    try:
        yield state
    finally:
        if state:
            state.close()


def _attach(name: str, pids: Sequence[int]) -> EngineState | None:
    """This memory, where one of these processes has called it its state."""
    with suppress(OSError, RuntimeError, ValueError, IndexError, struct.error):
        memory = SharedMemory(name=name)
        resource_tracker.unregister(f"/{name}", "shared_memory")  # it is not ours to give back
        state = EngineState(memory, owner=False)
        if state.read_status().pid in pids:
            return state
        state.close()
    return None


def shared_memory(pids: Iterable[int]) -> set[str]:
    """Names of the shared memory that these processes have open."""
    names = set()
    for pid in pids:
        with suppress(OSError):
            for line in _mapped(pid).splitlines():
                path = line.split(maxsplit=5)[5:]
                if path and path[0].startswith(f"{SHARED}/psm_"):
                    names.add(Path(path[0].removesuffix(" (deleted)")).name)
    return names


def left_over(names: Iterable[str]) -> list[str]:
    """Those that are still there."""
    return [name for name in names if (SHARED / name).exists()]


@dataclass(frozen=True)
class Resources:
    """A process at a moment."""

    pid: int
    private_mb: float
    """Resident and not shared: without mapped audio, rings and libraries."""
    descriptors: int
    threads: int


def resources(roles: Mapping[str, int]) -> dict[str, Resources]:
    """By role; one that has just ended is left out."""
    found = {}
    for role, pid in roles.items():
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            memory = process.memory_info()
            found[role] = Resources(pid, (memory.rss - memory.shared) / MB, process.num_fds(), process.num_threads())
    return found


def send_signal(pid: int, number: int) -> None:
    """To a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def is_running(pid: int) -> bool:
    """Whether it is there, and neither stopped nor a zombie."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    return False
