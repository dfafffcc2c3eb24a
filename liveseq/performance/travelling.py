"""The latents of a performance: messages that move the streams of its layers about in what their generators know.

Pure, as the performance is that it belongs to.
"""

import difflib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from liveseq.corpus.names import as_tag
from liveseq.errors import ModelError, OscError
from liveseq.generation.meaning import Vocabulary
from liveseq.osc.packets import PREFIX, Arguments
from liveseq.performance.outcome import Handlers, Request
from liveseq.performance.streamed import Streamed
from liveseq.performance.values import Values
from liveseq.runtime.latent import MOST_NUMBERS, Travel, components, latent_size, without_latent

_NAMED = 8
"""Components that a refusal names, at most."""


class Travelling:
    """The messages that move latents. One per performance."""

    def __init__(self, streamed: Streamed, values: Values) -> None:
        self._streamed = streamed
        self._values = values
        self.handlers: Handlers = {
            "latent": self._set_latent,
            "latent/component": self._go_to,
            "latent/free": self._free,
            "latent/seconds": self._set_seconds,
            "latent/walk": self._set_walk,
        }

    def _set_latent(self, request: Request) -> None:
        """No numbers, as they are kept where a stream goes its own way: it goes on so."""
        if not request.arguments:
            self._free(request)
            return
        layer = _layer(request)
        check_latent(self._streamed.vocabulary(layer), request.arguments)
        self._move(request, np.array(request.arguments, dtype=np.float32))

    def _go_to(self, request: Request) -> None:
        layer = _layer(request)
        vocabulary = self._streamed.vocabulary(layer)
        if vocabulary is None:
            base = f"{PREFIX}/layer/{layer}"
            raise OscError("not_ready", f"layer {layer} plays no generator; send {base}/mode generate first")
        self._move(request, component_of(vocabulary, str(request.arguments[0])))

    def _move(self, request: Request, latent: np.ndarray) -> None:
        layer = _layer(request)
        seconds = float(self._values[f"{PREFIX}/layer/{layer}/latent/seconds"][0])  # type: ignore[arg-type]
        travel = replace(self._streamed.travel(layer), latent=latent, seconds=seconds)
        self._go(request, travel, tuple(float(number) for number in latent))

    def _free(self, request: Request) -> None:
        layer = _layer(request)
        seconds = float(self._values[f"{PREFIX}/layer/{layer}/latent/seconds"][0])  # type: ignore[arg-type]
        self._go(request, replace(without_latent(self._streamed.travel(layer)), seconds=seconds), ())

    def _go(self, request: Request, travel: Travel, value: Arguments) -> None:
        self._streamed.go(_layer(request), travel, at=request.at)
        self._values.keep(f"{PREFIX}/layer/{_layer(request)}/latent", value, request.outcome)

    def _set_seconds(self, request: Request) -> None:
        """For what is told next: a way that is gone already takes as long as it was told."""
        self._values.keep(request.row.address, request.arguments, request.outcome)

    def _set_walk(self, request: Request) -> None:
        layer = _layer(request)
        walk = float(request.arguments[0])  # type: ignore[arg-type]
        self._streamed.go(layer, replace(self._streamed.travel(layer), walk=walk), at=request.at)
        self._values.keep(request.row.address, request.arguments, request.outcome)


def check_latent(vocabulary: Vocabulary | None, numbers: Sequence[object]) -> None:
    """Raises OscError for numbers that are no latent of a generator; None: of any."""
    n = MOST_NUMBERS if vocabulary is None else latent_size(vocabulary.manifest)
    if vocabulary is not None and not n:
        raise OscError("model_error", _no_latents(vocabulary))
    if len(numbers) != n if vocabulary is not None else len(numbers) > n:
        expected = f"at most {n} numbers" if vocabulary is None else f"the {n} of generator {vocabulary.folder.name}"
        raise OscError("out_of_range", f"latent: expected {expected}, found {len(numbers)}; what sounds goes on")


def component_of(vocabulary: Vocabulary, text: str) -> np.ndarray:
    """Place of a generator's component, float32 (n,), by its name or its number, from 1. Raises OscError."""
    places = named_places(vocabulary)
    name = as_tag(text)
    if name in places:
        return places[name]
    if name.isdecimal() and 1 <= int(name) <= len(places):
        return list(places.values())[int(name) - 1]
    near = difflib.get_close_matches(name, places, n=3, cutoff=0.5) or list(places)[:_NAMED]
    raise OscError(
        "not_found",
        f"component: generator {vocabulary.folder.name} has no {text[:64]!r}: expected 1 to {len(places)}, or a name "
        f"such as {', '.join(near)}",
    )


def named_places(vocabulary: Vocabulary) -> dict[str, np.ndarray]:
    """Places of a generator's components, float32 (n,), by their names. Raises OscError where it has none."""
    try:
        places = components(vocabulary.manifest, vocabulary.folder)
    except ModelError as error:
        raise OscError("model_error", str(error)) from None
    if not places:
        raise OscError("model_error", _no_latents(vocabulary))
    return places


def _no_latents(vocabulary: Vocabulary) -> str:
    name = vocabulary.folder.name
    return f"generator {name} has no latents to move (those of liveseq train vae have); it goes on as it was"


def _layer(request: Request) -> int:
    assert request.row.layer is not None
    return request.row.layer
