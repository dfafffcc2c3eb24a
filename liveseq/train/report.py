"""How a model fares on this machine: parity, times of a run, deadline, and the one table of a prebuild."""

import time
from dataclasses import dataclass

import numpy as np

from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import Session

PARITY_BOUND = 1e-4
"""Largest difference from torch: in standard deviations of the features, or of full scale where it is sound."""
WHOLE_BOUND = 1e-5
"""Largest difference of sound that is made in steps from the same sound made in one piece, of full scale."""
BENCHMARK_RUNS = 500
BENCHMARK_ROUNDS = 20
"""Of so many runs each; the quietest counts: what else the machine does is not the model's."""
BENCHMARK_SECONDS = 8.0
"""A graph of milliseconds gets fewer rounds, but at least two."""
DEADLINE_MS = {"predictor": 0.5, "text-encoder": 5.0}
"""p99 of one run: a plan hears 12 steps, imagines 8 and selects among 10^5 units within 5 ms."""
SOUND_SHARE = 0.6
"""Of the sound that it makes: p99 of one run may take so much, and leaves the rest of its hop to everything else."""
SOUND_REAL_TIME_FACTOR = 0.5


@dataclass(frozen=True, kw_only=True)
class Report:
    """How one model fared. Times in milliseconds."""

    name: str
    role: str
    provider: str
    parity: float | None
    """None where there is no torch model to compare with."""
    whole: float | None = None
    """Difference of steps from one piece; None where there is no whole to compare with."""
    p50_ms: float
    p99_ms: float
    max_ms: float
    deadline_ms: float
    real_time_factor: float | None
    """p50 over the sound that one run stands for."""

    @property
    def failures(self) -> list[str]:
        found = []
        if self.parity is not None and not self.parity <= PARITY_BOUND:
            found.append(f"parity {self.parity:.1e} > {PARITY_BOUND:.0e}")
        if self.whole is not None and not self.whole <= WHOLE_BOUND:
            found.append(f"steps differ from one piece by {self.whole:.1e} > {WHOLE_BOUND:.0e}")
        if self.p99_ms > self.deadline_ms:
            found.append(f"p99 {self.p99_ms:.3f} ms > {self.deadline_ms:g} ms")
        if self.role in SOUND_ROLES and self.real_time_factor and self.real_time_factor > SOUND_REAL_TIME_FACTOR:
            found.append(f"real-time factor {self.real_time_factor:.2f} > {SOUND_REAL_TIME_FACTOR:g}")
        return found


SOUND_ROLES = ("generator", "vocoder")


def measure(
    manifest: Manifest,
    session: Session,
    feed: dict[str, np.ndarray],
    *,
    name: str,
    parity: float | None = None,
    whole: float | None = None,
) -> Report:
    """Time one run of the graph on this feed, warmed up."""
    session.warm_up(feed)
    times = _quietest(session, feed)
    p50, p99, longest = (round(float(t) * 1e3, 4) for t in (*np.quantile(times, (0.5, 0.99)), times.max()))
    span_ms = None
    if manifest.samples_per_step and manifest.sample_rate:
        span_ms = 1e3 * manifest.samples_per_step / manifest.sample_rate
    return Report(
        name=name,
        role=manifest.role,
        provider=session.provider,
        parity=parity,
        whole=whole,
        p50_ms=p50,
        p99_ms=p99,
        max_ms=longest,
        deadline_ms=DEADLINE_MS.get(manifest.role) or round(SOUND_SHARE * (span_ms or 0.0), 1),
        real_time_factor=None if span_ms is None else p50 / span_ms,
    )


def format_reports(reports: list[Report]) -> str:
    """One line for each; the last column is the verdict for this machine."""
    head = f"{'model':20s} {'provider':10s} {'parity':>8s} {'whole':>8s} {'p50 ms':>8s} {'p99 ms':>8s} {'max ms':>8s}"
    lines = [f"{head} {'RTF':>8s}  verdict"]
    for r in reports:
        parity, whole, factor = ("-" if n is None else f"{n:.1e}" for n in (r.parity, r.whole, r.real_time_factor))
        verdict = "; ".join(r.failures) or "ok"
        provider = r.provider.removesuffix("ExecutionProvider")
        times = f"{r.p50_ms:8.3f} {r.p99_ms:8.3f} {r.max_ms:8.3f}"
        lines.append(f"{r.name:20s} {provider:10s} {parity:>8s} {whole:>8s} {times} {factor:>8s}  {verdict}")
    return "\n".join(lines)


def _quietest(session: Session, feed: dict[str, np.ndarray]) -> np.ndarray:
    """Seconds of each run of the round whose p99 is least."""
    best, began = None, time.perf_counter()
    for number in range(BENCHMARK_ROUNDS):
        times = _times(session, feed)
        if best is None or np.quantile(times, 0.99) < np.quantile(best, 0.99):
            best = times
        if number and time.perf_counter() - began > BENCHMARK_SECONDS:
            break
    assert best is not None  # there is a first round
    return best


def _times(session: Session, feed: dict[str, np.ndarray]) -> np.ndarray:
    """Seconds of each run; a round of a slow graph ends early, but not before 100."""
    times: list[float] = []
    ends = time.perf_counter() + BENCHMARK_SECONDS / 2
    while len(times) < BENCHMARK_RUNS and (len(times) < 100 or time.perf_counter() < ends):
        began = time.perf_counter()
        session.run(feed)
        times.append(time.perf_counter() - began)
    return np.array(times)
