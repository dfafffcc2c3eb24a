"""Errors that liveseq raises on purpose. A message names the thing, what was expected, what was found and what to do.

LiveseqError
  ConfigError          a setting is unknown, of the wrong type or out of range
  AudioFileError       a sound file cannot be read or holds nothing usable
  SignalError          an array of samples is too short or not finite
  CorpusError          a corpus is missing, damaged, of another version or of another rate
  TagError             a tag is unknown, too long or ambiguous
  ModelError           a model is missing or unusable
    ModelSignatureError  its tensors do not fit its manifest or its role
  DeviceError          no such output, or it cannot be opened
  PortError            a port is taken
  OscError             a packet or a message cannot be understood or obeyed
  TrainingError        training cannot start or cannot go on
"""

from pathlib import Path


class LiveseqError(Exception):
    """Base of every error that liveseq raises on purpose."""


class ConfigError(LiveseqError):
    """A setting is unknown, of the wrong type or out of range."""


class AudioFileError(LiveseqError):
    """A sound file cannot be read, or holds nothing usable."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class SignalError(LiveseqError):
    """An array of samples is too short, empty or not finite."""


class CorpusError(LiveseqError):
    """A corpus is missing, damaged, of another version or of another sample rate."""


class TagError(LiveseqError):
    """A tag is unknown, too long or ambiguous."""


class ModelError(LiveseqError):
    """A model is missing or unusable."""


class ModelSignatureError(ModelError):
    """An ONNX file does not have the tensors that its manifest or its role needs."""

    def __init__(self, path: Path, *, expected: str, found: str) -> None:
        super().__init__(f"{path}: expected {expected}, found {found}; export it again, or correct its model.yaml")


class DeviceError(LiveseqError):
    """No such output device, or it cannot be opened."""


class PortError(LiveseqError):
    """A network port is taken."""


class OscError(LiveseqError):
    """A packet or a message cannot be understood or obeyed.

    code is one of `osc.packets.FAIL_CODES`; it goes back to the sender in /liveseq/fail.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TrainingError(LiveseqError):
    """Training cannot start, or cannot go on."""


def one_line(error: BaseException, *, most: int = 200) -> str:
    """Message of somebody else's exception, for the end of one of ours: on one line, `most` characters at most."""
    return " ".join(str(error).split())[:most]
