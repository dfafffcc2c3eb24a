"""Settings of a server before it starts: dataclasses with units, filled from YAML and from flags.

Precedence: default, then the file, then the flag. A key that does not exist is refused with the nearest one that does.
"""

import dataclasses
import difflib
import ipaddress
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from liveseq.errors import ConfigError

RATES = (8_000, 192_000)
"""Lowest and highest sample rate, in Hz."""
BLOCK_SIZES = (16, 8192)
"""Fewest and most samples in a block."""
PROVIDERS = ("cpu", "cuda", "tensorrt")
"""Processors that may run a generator."""
DEMO_CORPUS = Path("corpora/demo.corpus")
"""Corpus that liveseq composes and synthesises itself (`liveseq corpus demo`); the shipped models learned from it."""
FIRST_CORPUS = Path("corpora/first.corpus")
"""Corpus that the shipped generators make."""

Section = TypeVar("Section")


@dataclass(frozen=True, kw_only=True)
class OscConfig:
    """Address of the server, and the hosts that may talk to it."""

    port: int | str = 7700
    """UDP port, or "auto" for the first free one from 7700 on."""
    listen: str = "127.0.0.1"
    """Address to listen on; 127.0.0.1 is ::1 too. 0.0.0.0 or :: opens the server to the network, for `allow`."""
    allow: tuple[str, ...] = ()
    """Other hosts that may send and be sent to: IP addresses, networks (192.168.1.0/24), names, or * for everybody.
    This machine always may."""

    def __post_init__(self) -> None:
        if isinstance(self.port, str) and self.port != "auto":
            hint = "; write it without the quotes" if self.port.isdecimal() else ""
            raise ConfigError(f'osc.port: expected 1 to 65535 or "auto", found {self.port!r}{hint}')
        if isinstance(self.port, int) and not 1 <= self.port <= 65_535:
            raise ConfigError(f'osc.port: expected 1 to 65535 or "auto", found {self.port}')
        for entry in self.allow:
            networks(entry)


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """One server."""

    corpus: Path | None = None
    """Folder of the corpus. Without one a first corpus is played; it is made on first use."""
    predictor: str = "predictor"
    """Model folder, or its name under models/."""
    generator: str = "unagan"
    """Model folder, or its name under models/, of the model that makes new sound. The usual one need not be there."""
    provider: str = "cpu"
    """Processor for generators: cpu, cuda or tensorrt; where that is not there, the CPU. All other models run on it."""
    grow_minutes: float = 60.0
    """Minutes of sound that a session may add by itself."""
    output: str = "default"
    """Name of a device, "name, host API", default, none (the clock runs, no sound) or wav:PATH (a recording)."""
    input: str | None = None
    """Name of an input device, "name, host API", or default: what is played there can be continued and recorded. None,
    and none as for the output: nothing is listened to."""
    seeds: Path = Path("seeds")
    """Folder that /liveseq/seed/file may read from, and nothing outside it."""
    osc: OscConfig = field(default_factory=OscConfig)
    sample_rate: int | None = None
    """Hz. The corpus has one; a corpus of another one than given here is refused."""
    block_size: int = 128
    """Samples per block that the device asks for (2.7 ms at 48 kHz)."""
    layers: int = 2
    """Lines of sound with their own tag, seed, gain and pan."""
    seed: int = 1
    """The same seed and the same commands at the same samples give the same music."""
    look_ahead: float = 0.12
    """Seconds that are planned ahead."""
    state_dir: Path = Path("state")
    """Folder for the session snapshot and the flight recorder."""
    play: str | None = None
    """Tag to start with. "" is the first tag of the corpus; None waits for the first command."""

    def __post_init__(self) -> None:
        if self.input in ("none", ""):
            object.__setattr__(self, "input", None)
        _in_range("sample_rate", self.sample_rate, *RATES)
        _in_range("block_size", self.block_size, *BLOCK_SIZES)
        check_provider(self.provider)
        _in_range("grow_minutes", self.grow_minutes, 0.0, 600.0)
        _in_range("layers", self.layers, 1, 16)
        _in_range("seed", self.seed, 0, 2**31 - 1)
        _in_range("look_ahead", self.look_ahead, 0.02, 2.0)


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> ServerConfig:
    """Read the configuration from a YAML file (or none) and flags.

    overrides: flag values by dotted key ("osc.port"); None means not given. Raises ConfigError, which names the key.
    """
    tree = _read(path) if path else {}
    for key, value in overrides.items():
        if value is None:
            continue
        *sections, name = key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
            if not isinstance(branch, dict):
                raise ConfigError(f"{path}: {section}: expected a section, found {branch!r}")
        branch[name] = value
    return fill(ServerConfig, tree, where=str(path) if path else "configuration")


def fill(section: type[Section], tree: Mapping[str, Any], *, where: str, prefix: str = "") -> Section:
    """Make a dataclass from a mapping, each key and each type checked.

    where: file or other origin that an error names; prefix: of its keys, "osc.". Raises ConfigError.
    """
    hints = typing.get_type_hints(section)
    names = [f.name for f in dataclasses.fields(section)]  # type: ignore[arg-type]
    values = {}
    for key, value in tree.items():
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1, cutoff=0.5)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"there are: {', '.join(names)}"
            hint = _in_a_section(str(key), hints) or hint
            raise ConfigError(f"{where}: unknown key {prefix}{key}; {hint}")
        values[key] = _convert(value, hints[key], where=where, key=f"{prefix}{key}")
    return section(**values)


def _in_a_section(key: str, hints: Mapping[str, Any]) -> str | None:
    """Advice on a key that belongs into a section, as with osc_port or osc-port."""
    for section, kind in hints.items():
        for name in (f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ():
            if key.replace("-", "_") in (name, f"{section}_{name}", f"{section}.{name}"):
                return f"write it as {section}: {{{name}: ...}}"
    return None


class _Loader(yaml.SafeLoader):
    """Plain YAML as people mean it: a key is there once, and 07700 is no octal number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in lines:
                found = f"{key.value} is there twice, first in line {lines[key.value]}; leave one of them"
                raise yaml.constructor.ConstructorError(None, None, found, key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        text = str(node.value).replace("_", "")
        if ":" in text:
            found = f"{text} would be a number in sixties; write it in tens, or in quotes"
            raise yaml.constructor.ConstructorError(None, None, found, node.start_mark)
        return int(text) if text.lstrip("+-").isdigit() else super().construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
# An 8 or a 9 makes a text of 08080 for PyYAML, which thinks of octal numbers.
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?0[0-9_]*[89][0-9_]*$"), list("-+0"))


def parse_yaml(text: str) -> Any:
    """Content of a YAML file. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected YAML in UTF-8, found other bytes") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}: not YAML{line}: {getattr(error, 'problem', None) or 'too deep'}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(tree).__name__}")
    return tree


def _convert(value: Any, kind: Any, *, where: str, key: str) -> Any:
    """The value as its field's type. Raises ConfigError where it is of another."""
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: {key}: expected a section of keys, found {value!r}")
        return fill(typing.cast("type[Any]", kind), value, where=where, prefix=f"{key}.")
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{where}: {key}: expected a list of texts, found {value!r}")
        return tuple(value)
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    for option in options:
        if option is Path and isinstance(value, str | Path):
            return Path(value).expanduser()
        if option is float and type(value) in (int, float):
            return float(value)
        if type(value) is option:  # a bool is no int here
            return value
    for option in options:  # the tag 808, a folder called 2024
        if option in (str, Path) and type(value) in (int, float):
            return option(f"{value:.15g}")
    names = {int: "a whole number", float: "a number", str: "a text", Path: "a path", type(None): "null"}
    expected = " or ".join(names[option] for option in options)
    raise ConfigError(f"{where}: {key}: expected {expected}, found {value!r}")


def networks(entry: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Networks that an entry of osc.allow means; none for the name of a host. Raises ConfigError.

    >>> networks("192.168.1.7/24"), networks("studio.local")
    ((IPv4Network('192.168.1.0/24'),), ())
    """
    if entry == "*":
        return ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0")
    try:
        return (ipaddress.ip_network(entry, strict=False),)
    except ValueError:
        if re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", entry) and re.search(r"[^\W\d_]", entry):
            return ()
    raise ConfigError(
        f"osc.allow: expected an IP address, a network (192.168.1.0/24), the name of a host, or *, found {entry!r}"
    )


def check_provider(provider: str) -> None:
    """Raises ConfigError for a name that is none of PROVIDERS."""
    if provider not in PROVIDERS:
        raise ConfigError(f"provider: expected {', '.join(PROVIDERS[:-1])} or {PROVIDERS[-1]}, found {provider!r}")


def _in_range(key: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise ConfigError(f"{key}: expected {low:.10g} to {high:.10g}, found {value:.10g}")
