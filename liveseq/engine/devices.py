"""Sound devices by name: the one door to PortAudio's list of them."""

import contextlib
import ctypes
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from liveseq.errors import DeviceError

_CLIENT_NAME = b"liveseq"
Direction = Literal["output", "input"]

# Where a device is offered by several host APIs: the first of these, since it answers soonest.
HOST_APIS = ("JACK", "ASIO", "Core Audio", "WASAPI", "WDM-KS", "ALSA", "OSS", "DirectSound", "MME")
_INSTEAD = {"output": "use --output none or wav:PATH", "input": "play without --input"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device as PortAudio lists it. The index is valid in this process, now."""

    index: int
    name: str
    host_api: str
    n_channels: int = 2
    """Channels in the direction that was asked for."""

    @property
    def label(self) -> str:
        """Name and host API, as a performer may name the device."""
        return f"{self.name}, {self.host_api}"


def output_devices() -> list[Device]:
    """Stereo outputs that PortAudio sees now."""
    return [device for device in _devices("output") if device.n_channels >= 2]


def input_devices() -> list[Device]:
    """Inputs that PortAudio sees now."""
    return [device for device in _devices("input") if device.n_channels >= 1]


def _devices(direction: Direction) -> list[Device]:
    library = sounddevice()
    apis = [api["name"] for api in library.query_hostapis()]
    return [
        Device(
            index=index,
            name=device["name"],
            host_api=apis[device["hostapi"]],
            n_channels=device[f"max_{direction}_channels"],
        )
        for index, device in enumerate(library.query_devices())
    ]


def look_again() -> None:
    """Make PortAudio list the devices anew. No stream may be open in this process."""
    library = sounddevice()
    library._terminate()
    library._initialize()


def find_device(
    name: str, devices: Sequence[Device], *, default: int | None, direction: Direction = "output"
) -> Device:
    """The device of this name, or `name, host API`, or of the only name that contains it.

    Several host APIs offer the same device: the one that answers soonest is taken. Raises DeviceError with those near.
    """
    ranked = sorted(devices, key=lambda device: _rank(device.host_api))
    if name == "default":
        chosen = [device for device in devices if device.index == default] or ranked
        if not chosen:
            raise DeviceError(f"no {direction} device on this machine; connect one, or {_INSTEAD[direction]}")
        return chosen[0]
    wanted = name.casefold()
    exact = [device for device in ranked if wanted in (device.name.casefold(), device.label.casefold())]
    found = exact or [device for device in ranked if wanted in device.label.casefold()]
    if len({device.name for device in found}) == 1:
        return found[0]
    if found:
        raise DeviceError(f"{direction} {name!r} is ambiguous: {_list(found)}; name one of them in full")
    names = {key.casefold(): device for device in reversed(ranked) for key in (device.label, device.name)}
    near = [names[key] for key in difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)]
    hint = (
        f"did you mean {_list(near)}?" if near else f"there are: {_list(ranked)}" if ranked else "there is none at all"
    )
    raise DeviceError(f"no {direction} device named {name!r}; {hint}")


def _rank(host_api: str) -> int:
    return next((rank for rank, known in enumerate(HOST_APIS) if known in host_api), len(HOST_APIS))


def _list(devices: Sequence[Device]) -> str:
    return "; ".join(dict.fromkeys(device.label for device in devices))


def default_index(direction: Direction) -> int | None:
    """Index of the device that the system calls its default; None where there is none."""
    library = sounddevice()
    try:
        return int(library.query_devices(kind=direction)["index"])
    except library.PortAudioError:
        return None


@cache
def _name_client() -> None:
    """Be called by our name in a JACK graph; PortAudio wants it before its first use, and keeps the pointer."""
    with contextlib.suppress(OSError, AttributeError):  # no such library, or one without JACK
        ctypes.CDLL("libportaudio.so.2").PaJack_SetClientName(_CLIENT_NAME)


def sounddevice() -> Any:
    """The library, imported on use: `none` and `wav:` need no PortAudio."""
    _name_client()
    try:
        import sounddevice as library
    except OSError as error:  # raised where PortAudio itself is missing
        raise DeviceError(f"PortAudio: {error}; install it (Debian: libportaudio2), or use --output none") from None
    return library
