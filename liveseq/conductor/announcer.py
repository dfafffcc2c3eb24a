"""News of the server's own accord: units that begin to sound, levels, trouble, and how it is."""

import logging
import math
import time
from collections.abc import Sequence

from liveseq.conductor.desk import Desk
from liveseq.conductor.stream_log import StreamLog
from liveseq.conductor.troubles import Troubles
from liveseq.engine.events import Panic, Record, Stop
from liveseq.osc.packets import PREFIX, Arguments
from liveseq.sequencer.steering import BRIGHTNESS, LOUDNESS, NOISINESS, PITCH
from liveseq.sequencer.timeline import Choice, CutLayer, StopLayer

FLOOR_DB = -120.0
SILENT_SECONDS = 1.0
"""Without a voice, after which a layer that plays is said to be silent."""
TROUBLED_SECONDS = 2.0
"""After trouble, in which the server says that it is degraded."""

log = logging.getLogger(__name__)


class Announcer:
    """Called from the event loop, in every round of its timer."""

    def __init__(self, desk: Desk, streams: StreamLog, troubles: Troubles, *, predictor: str, corpus: str) -> None:
        """predictor, corpus: their names, for the status."""
        self._desk = desk
        self._outbox = desk.outbox
        self._link = desk.link
        self._streams = streams
        self._troubles = troubles
        self._voiceless: dict[int, float] = {}  # layers that play, but do not sound: since when
        self._predictor = predictor
        self._corpus = corpus
        self._choices: list[Choice] = []  # planned, not sounding yet; in the order of their starts
        self._counts = self._link.pulse()
        self._n_behind = 0  # changes of streams that came late, and streams that ran dry
        self._blind: set[str] = set()  # predictors of which it was said that they foretell nothing
        self._second = 0.0
        self._degraded = -math.inf  # when an event or a stream was late, or the ladder was gone down, last

    def planned(self, choices: Sequence[Choice]) -> None:
        """Keep these until they sound."""
        self._choices = sorted([*self._choices, *choices], key=lambda choice: choice.start)

    def cut(self, records: Sequence[Record]) -> None:
        """Forget what these records take back: it will not sound."""
        for record in records:
            if isinstance(record, CutLayer | StopLayer):
                layer, start = record.layer, record.start
                self._choices = [one for one in self._choices if one.layer != layer or one.start < start]
            elif isinstance(record, Stop | Panic):
                self._choices.clear()

    def announce(self, *, now: float) -> None:
        """Tell what has begun to sound, what the engine says of itself, and once a second how the server is."""
        outbox, pulse, clock = self._outbox, self._link.pulse(), self._link.clock()
        while self._choices and self._choices[0].start <= clock:
            self._announce_choice(self._choices.pop(0), now)
        left, right = (round(_db(peak), 1) for peak in pulse.peaks)
        outbox.value(f"{PREFIX}/meter", left, right)
        if pulse.underruns > self._counts.underruns:
            outbox.event(f"{PREFIX}/xrun", pulse.underruns, "engine", now=now)
        for name, words in (("continued", "plays on in its recording"), ("looped", "loops"), ("silenced", "is silent")):
            if getattr(pulse, name) > getattr(self._counts, name):
                self._degraded = now
                outbox.log("warning", f"planning is behind: a layer {words}", now=now)
        self._tell_of_predictors(now)
        n_behind = self._streams.n_late_changes + self._streams.n_dried_up
        if pulse.late > self._counts.late or n_behind > self._n_behind:
            self._degraded = now
        self._counts, self._n_behind = pulse, n_behind
        self._note_voiceless(pulse.units, now=now)
        if self._mute_layers(now):
            self._degraded = now
        if now >= self._second:
            self._second = now + 1.0
            mute = [f"layer {number} plays, but nothing of it sounds" for number in self._mute_layers(now)]
            self._troubles.look(now, *mute)
            outbox.value(f"{PREFIX}/status", *self.status())
            if self._link.alive():
                outbox.event(f"{PREFIX}/heartbeat", self._desk.uptime(now), now=now)

    def _note_voiceless(self, units: Sequence[int | None], *, now: float) -> None:
        """units: what sounds on each layer."""
        performance = self._desk.performance
        playing = [one.number for one in performance.sequencer.layers if performance.playing and one.playing]
        silent = [number for number in playing if units[number - 1] is None]
        self._voiceless = {number: self._voiceless.get(number, now) for number in silent}

    def _mute_layers(self, now: float) -> list[int]:
        """Layers that play, but have had no voice for a while."""
        return [number for number, since in self._voiceless.items() if now - since > SILENT_SECONDS]

    def status(self) -> Arguments:
        """The value of /liveseq/status."""
        pulse, status = self._link.pulse(), self._link.status()
        inbox, rate = self._desk.inbox, self._link.sample_rate
        return (
            self._state_word(),
            round(pulse.cpu, 3),
            round(pulse.cpu_peak, 3),
            pulse.underruns,
            pulse.late + inbox.n_late,
            pulse.dropped + self._link.n_full + inbox.n_dropped,
            pulse.latency * 1e3,
            rate,
            float(status.sample_rate),
            status.device,
            sum(unit is not None for unit in pulse.units),
            self._link.block_size / rate * 1e3,
            self._predictor,
            self._corpus,
            self._streams.n_late_changes,
            self._streams.n_dried_up,
            inbox.n_turned_away,
            inbox.n_clock_steps,
            sum(self._desk.performance.sequencer.reading.n_blind.values()),
            self._troubles.text,
        )

    def _tell_of_predictors(self, now: float) -> None:
        """Say once of each predictor that it foretells nothing, and why."""
        performance = self._desk.performance
        given_up = performance.instrument.given_up()
        blind = {name for name, n_blind in performance.sequencer.reading.n_blind.items() if n_blind}
        for name in (blind | given_up.keys()) - self._blind:
            why = given_up.get(name, "it says what is no finite number")
            text = f"predictor {name}: {why}; its layers go on in the tag's own material"
            log.warning("%s; export it anew, or choose another: /liveseq/predict/model", text)
            self._outbox.log("warning", text, now=now)
        self._blind |= blind | given_up.keys()

    def _announce_choice(self, choice: Choice, now: float) -> None:
        self._outbox.event(
            f"{PREFIX}/segment",
            choice.layer,
            choice.unit,
            choice.source,
            choice.seconds,
            choice.duration,
            choice.distance,
            choice.rank,
            choice.reason,
            choice.tag,
            now=now,
        )
        self._outbox.event(f"{PREFIX}/explain", *_explanation(choice), now=now)
        self._desk.recorder.write({"at": choice.start, "choice": _explanation(choice), "source": choice.source})

    def _state_word(self) -> str:
        state = self._link.status().state
        if state == "starting":
            return "starting"
        if not self._link.alive():
            return "error"
        if state != "ready":
            return "no_device"
        if not self._desk.performance.playing:
            return "ready"
        return "degraded" if time.monotonic() - self._degraded < TROUBLED_SECONDS else "playing"


def _explanation(choice: Choice) -> Arguments:
    """The value of /liveseq/explain: what was looked for and found, and the shares of the tags."""
    columns = (LOUDNESS, BRIGHTNESS, NOISINESS, PITCH)
    pairs = [round(float(row[column]), 3) for column in columns for row in (choice.target, choice.features)]
    costs = (round(choice.distance, 4), choice.rank, round(choice.join, 4), round(choice.repetition, 4))
    shares = [item for pair in choice.tags for item in pair]
    return (choice.layer, choice.unit, choice.reason, choice.mode, *costs, *pairs, *shares)


def _db(level: float) -> float:
    return max(FLOOR_DB, 20.0 * math.log10(level)) if level > 0.0 else FLOOR_DB
