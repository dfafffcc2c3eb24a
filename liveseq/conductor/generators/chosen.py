"""The generator that makes new sound: its name, what words mean to it, and which others there are."""

import logging
from collections.abc import Iterable, MutableMapping

from liveseq.errors import ModelError, OscError, TagError
from liveseq.generation.meaning import Meaning, Vocabulary
from liveseq.osc.packets import PREFIX, Value
from liveseq.runtime.folders import GENERATOR, generator_names, model_folder
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.text import TextEncoder

ADDRESS = f"{PREFIX}/generator"

log = logging.getLogger(__name__)


class ChosenGenerator:
    """One per conductor."""

    def __init__(self, values: MutableMapping[str, tuple[Value, ...]], encoder: TextEncoder) -> None:
        """values: of the performance, by address; the name is kept there."""
        self.vocabulary: Vocabulary | None = None
        """None where there is no generator."""
        self._values = values
        self._encoder = encoder

    @property
    def name(self) -> str:
        """Empty where there is none."""
        return str(self._values[ADDRESS][0])

    def begin_with(self, model: str | None) -> None:
        """Choose a model; None: none. Raises ModelError for one that was asked for and cannot be used."""
        try:
            self._open(model)
        except ModelError as error:
            if model != GENERATOR:
                raise
            log.info("no generator: %s", error)  # nobody has asked for the usual one: the show goes on without it

    def go_on_with(self, names: Iterable[str | None]) -> None:
        """Choose the first of these that can be had, after a conductor that has died: the show is on."""
        for name in names:
            try:
                self._open(name or None)
                break
            except ModelError as error:
                log.warning("%s", error)

    def must_have(self) -> Vocabulary:
        """Its words. Raises OscError where there is none."""
        if self.vocabulary is None:
            raise no_generator()
        return self.vocabulary

    def meaning(self, text: str) -> Meaning:
        """A word as it understands it. Raises OscError where it means nothing to it."""
        try:
            return self.must_have().meaning(text)
        except TagError as error:
            raise OscError("not_found", str(error)) from None

    def check(self, name: str) -> None:
        """Raises OscError where there is no generator of this name."""
        names = generator_names()
        if name not in names and name != self.name:
            raise OscError("not_found", f"no generator {name[:64]!r}; there are: {', '.join(names) or 'none'}")

    def read(self, name: str) -> Vocabulary:
        """Another one's words. Any thread; raises ModelError."""
        return Vocabulary(model_folder(name), self._encoder)

    def _open(self, name: str | None) -> None:
        if name is not None:
            self.vocabulary = self.read(name)
            self._values[ADDRESS] = (name,)


def no_generator() -> OscError:
    """The answer where one is needed and none is chosen."""
    there = ", ".join(generator_names()) or "none in models/; train one: liveseq train musika"
    return OscError("not_found", f"no generator; choose one by {ADDRESS} s:model; there are: {there}")


def find_generator(name: str) -> str | None:
    """The generator to begin with; None where it is the usual one, which need not be there."""
    return None if name == GENERATOR and not model_folder(name).is_dir() else name


def read_generators() -> tuple[dict[str, Manifest], list[ModelError]]:
    """The generators under models/ by name, and what is wrong with those that cannot be read. Any thread."""
    manifests, broken = {}, []
    for name in generator_names():
        try:
            manifests[name] = Manifest.load(model_folder(name))
        except ModelError as error:
            log.warning("%s", error)
            broken.append(error)
    return manifests, broken
