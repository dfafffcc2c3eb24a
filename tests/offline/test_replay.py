"""A session that is logged and played again: the same samples, and the very units of the live mixer."""

import dataclasses
import json

import numpy as np
import pytest

from liveseq.cli import main
from liveseq.corpus.own_words.reading import OwnWords
from liveseq.corpus.store import Corpus
from liveseq.corpus.take import add_take
from liveseq.dsp.descriptors import describe
from liveseq.dsp.files import load_audio
from liveseq.engine.mixer import Mixer
from liveseq.errors import ConfigError
from liveseq.offline import replay as replaying
from liveseq.offline import saving
from liveseq.offline.replay import open_log, turn_of
from liveseq.performance import recorder as recording
from liveseq.performance.instrument import open_instrument
from liveseq.performance.log import arguments_of, read_log
from liveseq.performance.performance import Performance
from liveseq.performance.recorder import FlightRecorder
from liveseq.sequencer.streams import Turn
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.replayed import replayed
from tests.support.tiny_generator import STEP, make_generator
from tests.support.tiny_set import make_set

HEADER = {"log": "liveseq", "seed": 5, "look_ahead": 0.12, "session": None}


@pytest.fixture
def instrument(tmp_path, monkeypatch):
    corpus = make_set(tmp_path)
    monkeypatch.chdir(tmp_path)
    return lambda: open_instrument(corpus, predictor="predictor", seed=5)


def live(instrument, commands, *, seconds, tick):
    """What a conductor and an engine do, on one thread: commands (at, address, arguments). Returns audio and log."""
    performance = Performance(instrument, seed=5)
    corpus = instrument.corpus
    shards = corpus.map_shards()
    mixer = Mixer(shards, sample_rate=SAMPLE_RATE, n_layers=2)
    lines = [{"at": 0, "planned": 0, "engine": 1}]
    for record in performance.resume(at=0):
        mixer.push(record)
    blocks = []
    waiting = list(commands)
    while mixer.clock < seconds * SAMPLE_RATE:
        clock = mixer.clock
        while waiting and waiting[0][0] <= clock:
            _, address, arguments = waiting.pop(0)
            if address == "grown":
                planned, told = performance.planned_until, arguments()
                performance.grow(performance.instrument.read_growth())
                words = performance.instrument.words()
                lines.append({"at": clock, "planned": planned, "grown": told, "words": words})
                for record in performance.mend(at=clock).records:
                    mixer.push(record)
                for number, samples in corpus.map_shards().items():
                    mixer.set_shard(number, samples)
                continue
            lines.append(
                {"at": clock, "planned": performance.planned_until, "address": address, "arguments": arguments}
            )
            for record in performance.apply(performance.table[address], arguments, at=clock).records:
                mixer.push(record)
        horizon = clock + int(0.12 * SAMPLE_RATE) + performance.unit_samples
        while (start := performance.next_start(now=0)) is not None and start < horizon:
            for record in performance.plan(now=clock, until=start + 1)[0]:
                mixer.push(record)
        blocks.append(mixer.render(tick))
    lines.append({"at": mixer.clock, "planned": performance.planned_until, "end": True})
    return np.concatenate(blocks), lines


COMMANDS = [
    (4800, "/liveseq/tag", ("drone",)),
    (40_000, "/liveseq/layer/2/tag", ("bells",)),
    (50_000, "/liveseq/query/temperature", (1.0,)),
    (60_000, "/liveseq/tags", ("hum", 1.0, "drone", 2.0)),
    (60_000, "/liveseq/tag", ("drone",)),
    (80_000, "/liveseq/layer/2/stop", ()),
    (90_000, "/liveseq/seed", (9,)),
    (100_000, "/liveseq/gain", (-6.0,)),
]


@pytest.mark.parametrize("tick", [480, 911])
def test_a_replay_is_what_was_played(instrument, tick):
    played, lines = live(instrument(), COMMANDS, seconds=3.0, tick=tick)
    again = replayed(instrument(), HEADER, json.loads(json.dumps(lines))).audio
    assert np.abs(played).max() > 0.05
    np.testing.assert_array_equal(again, played)


def test_a_replay_hears_the_qualities_of_words_as_they_were(instrument):
    """Also of a corpus that has grown meanwhile, in which other units are the dark ones."""
    opened = instrument()
    moment = opened.moment

    def grown():
        noise = (0.1 * np.random.default_rng(2).standard_normal((20 * SAMPLE_RATE, 1))).astype(np.float32)
        add_take(opened.corpus.path, noise, name="hiss", tags=("bells",), sample_rate=SAMPLE_RATE)
        with Corpus.open(opened.corpus.path) as found:
            return dataclasses.asdict(found.moment())

    commands = [
        (4800, "/liveseq/tag", ("dark",)),
        (30_000, "/liveseq/layer/2/tag", ("quiet bells",)),
        (60_000, "grown", grown),
        (80_000, "/liveseq/tags", ("very dark bells", 1.0, "not loud hum", 1.0)),
        (120_000, "/liveseq/tag", ("bells",)),
    ]
    played, lines = live(opened, commands, seconds=4.0, tick=480)
    as_it_was = open_instrument(opened.corpus.path, predictor="predictor", seed=5, moment=moment)
    again = replayed(as_it_was, HEADER, json.loads(json.dumps(lines))).audio
    assert np.abs(played).max() > 0.05
    np.testing.assert_array_equal(again, played)


def test_a_seed_is_in_the_log_as_it_was(instrument, tmp_path):
    """A blob of any bytes goes through the file; what was primed is primed again."""
    frames = describe(
        np.random.default_rng(1).standard_normal(40_000).astype(np.float32) * 0.1, sample_rate=SAMPLE_RATE
    )
    blob = frames.astype(">f4").tobytes()
    commands = [(4800, "/liveseq/layer/2/prime", (43, blob)), (40_000, "/liveseq/prime", (43, blob))]
    played, lines = live(instrument(), commands, seconds=2.0, tick=480)
    recorder = FlightRecorder(tmp_path / "state" / "session-7700.json", HEADER)
    for line in lines:
        recorder.write(line)
    recorder.close()
    read = read_log(recorder.path)
    assert arguments_of(list(read)[1]) == (43, blob)
    again = replayed(instrument(), read.header, read).audio
    assert np.abs(played).max() > 0.05
    np.testing.assert_array_equal(again, played)


def test_a_replay_grows_and_shrinks_where_the_session_did(instrument, tmp_path):
    opened = instrument()
    corpus = opened.corpus.path
    moment = opened.moment
    rng = np.random.default_rng(2)

    def now():
        with Corpus.open(corpus) as found:
            return dataclasses.asdict(found.moment())

    def add_take_under(tag):
        noise = (0.1 * rng.standard_normal((3 * SAMPLE_RATE, 1))).astype(np.float32)
        add_take(corpus, noise, name=tag, tags=(tag,), sample_rate=SAMPLE_RATE)
        return now()

    def remove(name):
        with Corpus.open(corpus, writable=True) as writable:
            writable.remove([name])
        return now()

    commands = [
        (4800, "/liveseq/tag", ("drone",)),
        (40_000, "grown", lambda: add_take_under("waves")),
        (50_000, "/liveseq/tag", ("waves",)),
        (50_000, "/liveseq/layer/2/tag", ("hum",)),
        (100_000, "grown", lambda: remove("hum.wav")),
        (120_000, "grown", lambda: remove("waves")),
    ]
    played, lines = live(opened, commands, seconds=4.0, tick=480)
    with Corpus.open(corpus) as changed:
        assert sorted(changed.tags()) == ["bells", "drone"]
    as_it_was = open_instrument(corpus, predictor="predictor", seed=5, moment=moment)
    again = replayed(as_it_was, HEADER, json.loads(json.dumps(lines))).audio
    np.testing.assert_array_equal(again, played)
    assert np.abs(played[-SAMPLE_RATE:]).max() > 0.01  # a layer that has lost its tag plays what there is


def test_a_replay_knows_the_words_of_then_whatever_the_file_says_now(instrument):
    opened = instrument()
    file = opened.corpus.path / "tags.yaml"

    def rewrite():
        file.write_text("synonyms: {boom: hum, pow: hum}")
        return dataclasses.asdict(opened.moment)

    commands = [
        (4800, "/liveseq/tag/synonym", ("boom", "bells")),
        (5000, "/liveseq/tag", ("boom",)),
        (40_000, "grown", rewrite),
        (60_000, "/liveseq/layer/2/tag", ("pow",)),
        (70_000, "/liveseq/tag/synonym", ("boom", "drone")),
        (80_000, "/liveseq/tag", ("boom",)),
    ]
    played, lines = live(opened, commands, seconds=2.5, tick=480)
    assert opened.match("boom").weights == {"drone": 1.0}
    file.unlink()
    again = replayed(instrument(), HEADER, json.loads(json.dumps(lines))).audio
    np.testing.assert_array_equal(again, played)
    assert np.abs(played).max() > 0.05


def test_a_log_is_opened_with_the_words_of_its_beginning(instrument, tmp_path):
    file = instrument().corpus.path / "tags.yaml"
    file.write_text("synonyms: {boom: hum}\nreadings: {drone: bagpipe}")
    opened = instrument()
    header = HEADER | {
        "corpus": str(opened.corpus.path),
        "predictor": "predictor",
        "n_layers": 2,
        "units": opened.sequencer.units.n_units,
        "moment": dataclasses.asdict(opened.moment),
        "words": opened.own.plain(),
    }
    (tmp_path / "log-1.jsonl").write_text(json.dumps(header) + "\n")
    file.write_text("synonyms: {boom")
    again, _ = open_log(tmp_path / "log-1.jsonl")
    assert again.own == OwnWords.of_plain({"synonyms": {"boom": "hum"}, "readings": {"drone": "bagpipe"}})
    assert again.match("boom").weights == {"hum": 1.0}
    del header["words"]  # as older logs have it
    (tmp_path / "log-1.jsonl").write_text(json.dumps(header) + "\n")
    assert open_log(tmp_path / "log-1.jsonl")[0].own == OwnWords()


def test_a_stream_that_ran_dry_goes_on_at_once_whatever_comes_next(instrument, tmp_path):
    make_generator(tmp_path / "generator")
    begin = 40_000
    dry = begin + 10 * STEP + 30_000  # it has looped for so long
    planned = begin + 9 * STEP + 1  # and there the step began that could not be planned any more
    lines = [
        {"at": 0, "planned": 0, "engine": 1},
        {"at": 0, "planned": 0, "address": "/liveseq/tag", "arguments": ("drone",)},
        {"at": 0, "planned": 0, "address": "/liveseq/layer/1/mode", "arguments": ("generate",)},
        {"at": 9000, "planned": begin, "stream": 1, "step": "open", "generator": "generator"},
        {"at": begin, "planned": begin, "stream": 1, "step": "begin", "generator": ""},
    ]
    gone_on = {"at": dry, "planned": planned, "dry": 1, "count": 1, "told": 10, "from": 10}
    another = {"at": dry + 5000, "planned": planned, "address": "/liveseq/layer/2/gain", "arguments": (-6.0,)}
    end = {"at": dry + 60_000, "planned": dry + 60_000, "end": True}
    first, second, never = (
        replayed(instrument(), HEADER, [*lines, *more, end]).audio
        for more in ([gone_on], [gone_on, another], [gone_on | {"from": None}])
    )
    assert (first == second).all()
    assert (first[:dry] == never[:dry]).all()
    assert np.abs(first[dry:] - never[dry:]).max() > 0.01


def test_a_log_is_replayed_into_a_file_and_explained(instrument, tmp_path, capsys):
    opened = instrument()
    played, lines = live(opened, COMMANDS, seconds=2.0, tick=480)
    header = HEADER | {
        "corpus": str(opened.corpus.path),
        "predictor": "predictor",
        "n_layers": 2,
        "moment": dataclasses.asdict(opened.moment),
        "units": opened.sequencer.units.n_units,
    }
    recorder = FlightRecorder(tmp_path / "state" / "session-7700.json", header)
    for line in lines:
        recorder.write(line)
    recorder.close()
    out, page = tmp_path / "again.wav", tmp_path / "why.html"
    assert main(["replay", str(recorder.path), str(out), "--explain", str(page)]) == 0
    assert f"2.0 s, {len(lines)} lines of the log" in capsys.readouterr().out
    np.testing.assert_array_equal(load_audio(out, sample_rate=SAMPLE_RATE), played)
    assert f"<title>{recorder.path.name}</title>" in page.read_text(encoding="utf-8")


class Session(list):
    """A log that no file holds."""

    def __init__(self, header, entries):
        super().__init__(entries)
        self.header = header


@pytest.mark.parametrize(
    ("provider", "line", "told"),
    [("cuda", {"at": 1, "stream": 1}, True), ("cuda", {"at": 1}, False), ("cpu", {"at": 1, "stream": 1}, False)],
)
def test_streams_that_a_gpu_has_made_are_told_to_be_made_otherwise(
    instrument, tmp_path, monkeypatch, capsys, provider, line, told
):
    opened = instrument()
    monkeypatch.setattr(replaying, "open_log", lambda path, corpus: (opened, Session({"provider": provider}, [line])))
    monkeypatch.setattr(saving, "save_take", lambda *_, **__: "")
    assert main(["replay", "log.jsonl", str(tmp_path / "again.wav")]) in (0, None)
    said = "streams of this session were to run on cuda; here the CPU makes them, and their waves differ"
    assert (said in capsys.readouterr().err) == told


def test_a_log_is_written_and_read_whole(tmp_path):
    recorder = FlightRecorder(tmp_path / "state" / "session-7700.json", {"log": "liveseq", "seed": 1})
    for n in range(1000):
        recorder.write({"at": n, "arguments": ("x", b"\xff")})
    recorder.save({"playing": True})
    path = recorder.path
    recorder.close()
    with path.open("a") as file:
        file.write('{"at": 5, "arg')  # as a crash leaves it
    read = read_log(path)
    assert read.header["seed"] == 1
    assert [line["at"] for line in read] == list(range(1000))
    assert json.loads((tmp_path / "state" / "session-7700.json").read_text())["playing"] is True


def test_a_long_session_is_read_whole_from_any_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "MAX_BYTES", 3000)
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "log-2020-01-01-000000.jsonl").write_text('{"log": "liveseq", "seed": 9}\n{"at": -1}\n')  # another one
    recorder = FlightRecorder(folder / "session-7700.json", {"log": "liveseq", "seed": 1})
    for n in range(250):
        recorder.write({"at": n})
    recorder.close()
    files = sorted(folder.glob("log-*.jsonl"))[1:]
    assert len(files) > 2
    for path in files:
        read = read_log(path)
        assert read.header == {"log": "liveseq", "seed": 1}
        assert [line["at"] for line in read] == list(range(250))
    first = next(path for path in files if "continues" not in path.read_text())
    first.unlink()
    with pytest.raises(ConfigError, match=f"goes on from {first.name}, which is gone"):
        read_log(next(path for path in files if path != first))


def test_what_is_no_log_is_refused(tmp_path):
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(ConfigError, match="expected a log of liveseq"):
        read_log(tmp_path / "x.jsonl")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_log(tmp_path / "none.jsonl")
    (tmp_path / "blocked").write_text("")
    with pytest.raises(ConfigError, match=r"state_dir: .*cannot be written"):
        FlightRecorder(tmp_path / "blocked" / "state" / "session-7700.json", {})


@pytest.mark.parametrize(("told", "place"), [(300, 300), (0, 0), (None, None), (-1, None)])
def test_a_turn_of_a_log_is_the_one_that_was_written(told, place):
    """Older logs have -1 where nothing of the old sound had been heard."""
    turn = Turn(ident=2, change=3, after=2, made=9, begin=4, step=5, place=place, replaces=0)
    line = {"at": 1, "turn": 1, "count": 2, "change": 3, "after": 2, "made": 9, "begin": 4, "step": 5, "replaces": 0}
    assert turn_of(line | {"place": told}) == turn
