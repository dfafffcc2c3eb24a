"""Report on a model on this machine: parity, times of a run, deadline, and the one table of a prebuild."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import PROVIDERS, Session

PARITY_BOUND = 1e-4
"""Largest difference of a predictor from torch, in standard deviations of the features."""
SOUND_WORST, SOUND_RMS = 1e-3, 10 ** (-90 / 20)
"""Difference of sound from torch, of full scale, of the worst sample (-60 dBFS) and on average (-90 dBFS).

The worst is about three times that of a Musika that a small training has made of 6.7 minutes (3.9e-4; the shipped ones
have 1.1e-4), in loud steps, where float32 ends; in the next ones it is gone. The average is about the noise of a 16-bit
recording. Another weight differs by more than either.
"""
WHOLE_BOUND = 1e-5
"""Largest difference of sound that is made in steps from the same sound made in one piece, of full scale (-100 dBFS).

Less than from torch: what does not fit there clicks at each seam. The shipped models have up to 1.9e-6, the median of
five streams; of UNAGAN's first sixty, loud ones, two are beyond 1e-4 (2.1e-4), so one alone may be up to SOUND_WORST.
"""
BENCHMARK_RUNS = 500
BENCHMARK_ROUNDS = 20
"""Rounds of BENCHMARK_RUNS each; the quietest counts: other work of the machine is not the model's."""
BENCHMARK_SECONDS = 5.0
"""Time of all rounds: a graph of milliseconds gets fewer rounds, but at least two."""
DEADLINE_MS = {"predictor": 0.5, "text-encoder": 5.0}
"""Largest p99 of one run by role: a plan hears 12 steps, imagines 8 and selects among 10^5 units within 5 ms."""
SOUND_SHARE = 0.6
"""Largest p99 of one run as a share of the sound that it makes: the rest of its hop is for everything else."""
SOUND_REAL_TIME_FACTOR = 0.5
SOUND_ROLES = ("generator", "vocoder")
QUIET = 0.9
"""Share of a core that a model must get while it is timed; else the times are those of other programs too."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures of one model. Times in milliseconds."""

    name: str
    role: str
    provider: str
    parity: float | None
    """Worst difference from torch; None where there is no checkpoint to compare with."""
    parity_rms: float | None = None
    """RMS difference from torch, where it is sound."""
    whole: float | None = None
    """Difference of steps from one piece; None where there is no whole to compare with."""
    p50_ms: float
    p99_ms: float
    max_ms: float
    deadline_ms: float
    real_time_factor: float | None
    """p50 over the duration of the sound that one run stands for."""
    core: float
    """Share of a core that it got while it was timed, 1 on another device."""
    note: str = ""
    """Remark for the verdict."""

    @property
    def failures(self) -> list[str]:
        """Bounds that are missed, in words; none where it is ok."""
        found = []
        bound = SOUND_WORST if self.role in SOUND_ROLES else PARITY_BOUND
        if self.parity is not None and not self.parity <= bound:
            found.append(f"differs from torch by {self.parity:.1e} > {bound:.0e}")
        if self.parity_rms is not None and not self.parity_rms <= SOUND_RMS:
            found.append(f"differs from torch by {self.parity_rms:.1e} RMS > {SOUND_RMS:.1e}")
        if self.whole is not None and not self.whole <= WHOLE_BOUND:
            found.append(f"steps differ from one piece by {self.whole:.1e} > {WHOLE_BOUND:.0e}")
        if self.p99_ms > self.deadline_ms:
            found.append(f"p99 {self.p99_ms:.3f} ms > {self.deadline_ms:g} ms")
        if self.role in SOUND_ROLES and self.real_time_factor and self.real_time_factor > SOUND_REAL_TIME_FACTOR:
            found.append(f"real-time factor {self.real_time_factor:.2f} > {SOUND_REAL_TIME_FACTOR:g}")
        return found

    @property
    def verdict(self) -> str:
        """Failures in words, or ok; the note; and whether it was compared with torch."""
        words = "; ".join((*(self.failures or ["ok"]), *([self.note] if self.note else [])))
        return words if self.parity is not None else f"{words} (no checkpoint: not compared with torch)"

    @property
    def step_ms(self) -> dict[str, Any]:
        """Times of a run, for the metrics of a manifest."""
        return {"p50": self.p50_ms, "p99": self.p99_ms, "max": self.max_ms, "provider": self.provider}


def measure(
    manifest: Manifest,
    session: Session,
    feed: dict[str, np.ndarray],
    *,
    name: str,
    parity: float | None = None,
    parity_rms: float | None = None,
    whole: float | None = None,
) -> Report:
    """Time one run of the graph on this feed, arrays of its inputs' shapes (...), warmed up."""
    session.warm_up(feed)
    times, core = _quietest(session, feed)
    p50, p99, longest = (round(float(t) * 1e3, 4) for t in (*np.quantile(times, (0.5, 0.99)), times.max()))
    span_ms = None
    if manifest.samples_per_step and manifest.sample_rate:
        span_ms = 1e3 * manifest.samples_per_step / manifest.sample_rate
    return Report(
        name=name,
        role=manifest.role,
        provider=session.provider,
        parity=parity,
        parity_rms=parity_rms,
        whole=whole,
        p50_ms=p50,
        p99_ms=p99,
        max_ms=longest,
        deadline_ms=DEADLINE_MS.get(manifest.role) or round(SOUND_SHARE * (span_ms or 0.0), 1),
        real_time_factor=None if span_ms is None else p50 / span_ms,
        core=core if session.provider == PROVIDERS["cpu"] else 1.0,
    )


def format_reports(reports: list[Report]) -> str:
    """Table with a line for each; the last column is the verdict for this machine."""
    columns = ("parity", "RMS", "whole", "p50 ms", "p99 ms", "max ms", "RTF")
    lines = [f"{'model':20s} {'provider':10s} {' '.join(f'{name:>8s}' for name in columns)}  verdict"]
    for r in reports:
        *differences, factor = (
            f"{'-' if n is None else f'{n:.1e}':>8s}" for n in (r.parity, r.parity_rms, r.whole, r.real_time_factor)
        )
        provider = r.provider.removesuffix("ExecutionProvider")
        times = f"{r.p50_ms:8.3f} {r.p99_ms:8.3f} {r.max_ms:8.3f}"
        lines.append(f"{r.name:20s} {provider:10s} {' '.join(differences)} {times} {factor}  {r.verdict}")
    return "\n".join(lines)


def _quietest(session: Session, feed: dict[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """Seconds of each run of the round whose p99 is least, and the share of a core that it got."""
    best, core, began = None, 1.0, time.perf_counter()
    for number in range(BENCHMARK_ROUNDS):
        used = time.process_time()
        times = _times(session, feed)
        if best is None or np.quantile(times, 0.99) < np.quantile(best, 0.99):
            best, core = times, min(1.0, (time.process_time() - used) / float(times.sum()))
        if number and time.perf_counter() - began > BENCHMARK_SECONDS:
            break
    assert best is not None  # there is a first round
    return best, core


def _times(session: Session, feed: dict[str, np.ndarray]) -> np.ndarray:
    """Seconds of each run; a round of a slow graph ends early, but not before 100."""
    times: list[float] = []
    ends = time.perf_counter() + BENCHMARK_SECONDS / 2
    while len(times) < BENCHMARK_RUNS and (len(times) < 100 or time.perf_counter() < ends):
        began = time.perf_counter()
        session.run(feed)
        times.append(time.perf_counter() - began)
    return np.array(times)
