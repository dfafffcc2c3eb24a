"""A take that goes to disk while it is made, with what is said of it at its end."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from liveseq.dsp.saving import check_folder, check_output, save_blocks
from liveseq.errors import ConfigError
from liveseq.offline.explain import explain
from liveseq.offline.player import Stretch
from liveseq.performance.instrument import Instrument
from liveseq.sequencer.timeline import Choice


def check_place(out: Path, page: Path | None) -> None:
    """Raises AudioFileError where a take or its page cannot be written: now, not after an hour."""
    check_output(out)
    if page is not None:
        check_folder(page)


def save_take(
    out: Path,
    stretches: Iterable[Stretch],
    *,
    n_samples: int,
    instrument: Instrument,
    page: Path | None = None,
    title: str,
) -> str:
    """Write a take of n_samples, and the page that explains it if one is wanted. Returns its peak and what it chose.

    The file appears whole or not at all. Raises AudioFileError or ConfigError.
    """
    tally = _Tally(keep=page is not None)
    save_blocks(
        out, tally.watch(stretches), n_samples=n_samples, n_channels=2, sample_rate=instrument.corpus.sample_rate
    )
    if page is not None:
        _save_page(page, tally.choices, instrument, title=title, audio=out)
    return str(tally)


def _save_page(page: Path, choices: list[Choice], instrument: Instrument, *, title: str, audio: Path) -> None:
    if not choices:
        raise ConfigError(f"--explain {page}: not written: nothing was chosen, for nothing has played")
    beside = audio.name if page.resolve().parent == audio.resolve().parent else None
    rate = instrument.corpus.sample_rate
    text = explain(choices, spread=instrument.scaling.std, sample_rate=rate, title=title, audio=beside)
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--explain {page}: not written: {error.strerror}; name another file") from None


class _Tally:
    """Counts a take while it goes by; a take of hours is not kept for it."""

    def __init__(self, *, keep: bool) -> None:
        """keep: whether every choice is wanted, not only how many there were."""
        self.choices: list[Choice] = []
        self._keep = keep
        self._peak = 1e-9
        self._n_units = 0
        self._n_jumps = 0

    def watch(self, stretches: Iterable[Stretch]) -> Iterator[np.ndarray]:
        """Their audio, counted on the way."""
        for stretch in stretches:
            self._peak = max(self._peak, float(np.abs(stretch.audio).max()))
            self._n_units += len(stretch.choices)
            self._n_jumps += sum(choice.reason != "continue" for choice in stretch.choices)
            if self._keep:
                self.choices += stretch.choices
            yield stretch.audio

    def __str__(self) -> str:
        return f"peak {20.0 * np.log10(self._peak):.1f} dBFS, {self._n_units} units, {self._n_jumps} jumps"
