"""Every kind of fault, in the order of the table."""

import signal
from functools import partial

from benchmarks.faults import acts
from benchmarks.faults.fault import CONTROL_MS, Act, Fault, nothing
from benchmarks.faults.predictors import HUNG, NAN, SLOW
from benchmarks.faults.stage import Setting

ENGINE_MS = 250.0
"""Silence that an engine may cost."""
NOTICED_MS, ENGINE_NOTICED_MS = 2000.0, 1050.0
"""Time after which whoever hangs is taken for dead, and an engine that does."""
HOURS = 3600.0


def _process(role: str, number: int) -> Fault:
    hangs, streams = number == signal.SIGSTOP, role == "streamer"
    return Fault(
        name=f"{role} {'hangs' if hangs else 'dies'}",
        before=acts.stream_alone if streams else nothing,
        act=partial(acts.hit, role=role, number=number),
        mend=acts.stream_no_more if streams else acts.let_go_on,
        seconds=6.0 if hangs else 4.0,
        back="" if role in ("supervisor", "engine", "conductor") else role,
        most_ms=(ENGINE_MS + hangs * ENGINE_NOTICED_MS) if role == "engine" else 0.0,
        control_ms=CONTROL_MS + hangs * NOTICED_MS,
        needs_device=role == "listener",
        heals=role != "supervisor" and not hangs,
    )


def _predictor(model: str, words: str, *, patience: float = 20.0, heals: bool = False) -> Fault:
    return Fault(
        name=f"predictor that {words}",
        act=partial(acts.predict, model=model),
        mend=partial(acts.predict, model="predictor"),
        seconds=6.0,
        patience=patience,
        sets="predict/model",
        heals=heals,
    )


def _clock(words: str, seconds: float) -> Fault:
    return Fault(name=f"clock set {words}", act=partial(acts.set_clock, seconds=seconds), mend=acts.right_clock)


def _state(words: str, before: Act, mend: Act, after: Act = nothing) -> Fault:
    return Fault(
        name=f"state folder {words}, then the conductor dies",
        before=before,
        act=partial(acts.hit, role="conductor", number=signal.SIGKILL),
        after=after,
        mend=mend,
        needs_disk=True,
        spent=True,
    )


def _corpus(words: str, before: Act, role: str = "") -> Fault:
    dies = f", then the {role} dies" if role else ""
    return Fault(
        name=f"{words}{dies}",
        before=before if role else nothing,
        act=partial(acts.hit, role=role, number=signal.SIGKILL) if role else before,
        seconds=6.0,
        most_ms=ENGINE_MS if role == "engine" else 0.0,
        spent=True,
    )


def _end(words: str, act: Act, setting: Setting = Setting.USUAL) -> Fault:
    read = setting is not Setting.TERMINAL
    return Fault(name=words, act=act, measure=acts.end, setting=setting, tells=read, spent=True)


FAULTS: tuple[Fault, ...] = (
    *(_process(role, signal.SIGKILL) for role in ("engine", "conductor", "generator", "streamer", "listener")),
    Fault(name="supervisor dies, and is started again", measure=acts.start_again, most_ms=None, spent=True),
    *(
        _process(role, signal.SIGSTOP)
        for role in ("engine", "conductor", "generator", "streamer", "listener", "supervisor")
    ),
    _predictor(HUNG, "hangs", patience=35.0),
    _predictor(SLOW, "takes 0.6 s a step"),
    _predictor(NAN, "says NaN", heals=True),
    _state("full", acts.fill_state, lambda stage: stage.state.empty(), acts.note_logs),
    _state("read-only", acts.freeze_state, lambda stage: stage.state.thaw(), acts.note_logs),
    _state("gone", lambda stage: stage.state.vanish(), lambda stage: stage.state.restore()),
    _corpus("corpus.db unreadable", acts.empty_database),
    _corpus("corpus.db unreadable", acts.empty_database, "engine"),
    _corpus("corpus folder gone", acts.remove_corpus, "engine"),
    _corpus("corpus folder gone", acts.remove_corpus, "conductor"),
    _clock("5 s ahead", 5.0),
    _clock("an hour ahead", HOURS),
    Fault(name="10,000 tags a second, and a panic", measure=acts.flood, tells=False, heals=True),
    Fault(name="its own port as a client's", act=acts.talk_to_itself, after=acts.note_a_core, heals=True),
    Fault(
        name="stderr unread, then the conductor dies",
        act=partial(acts.hit, role="conductor", number=signal.SIGKILL),
        setting=Setting.UNREAD,
    ),
    Fault(name="JACK server gone and back", measure=acts.pull_device, most_ms=None, needs_device=True, heals=True),
    Fault(
        name="disk full while it records",
        act=acts.fill_takes,
        after=acts.note_take,
        setting=Setting.RECORDING,
        needs_disk=True,
        spent=True,
    ),
    _end("TERM", acts.terminate),
    _end("terminal closed", acts.hang_up, Setting.TERMINAL),
)
