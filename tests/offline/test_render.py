"""`liveseq render` on the command line: a take, and one clear line for each way to ask for none."""

import itertools

import numpy as np
import pytest

from liveseq.cli import main
from liveseq.corpus.store import Corpus
from liveseq.dsp.files import load_audio
from liveseq.dsp.saving import save_audio
from liveseq.engine.mixer import Mixer
from liveseq.offline.messages import message
from liveseq.offline.player import Take
from liveseq.offline.render import render
from liveseq.performance.instrument import open_instrument
from tests.support import odd_recordings
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import make_corpus, make_predictor, make_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a set 🎵")
    make_set(folder)
    make_generator(folder / "tones")
    make_generator(folder / "odd", odd=True)
    (folder / "odd.txt").write_text("0 tag hum\n0 layer/17/tag hum\n")
    with Corpus.open(make_corpus(folder / "untagged.corpus"), writable=True) as corpus:
        for source in corpus.sources():
            corpus.set_tags(source.id, ())
    Corpus.create(folder / "empty.corpus", sample_rate=48_000).close()
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", folder)


def tone(frequency):
    return (0.2 * np.sin(2 * np.pi * frequency * np.arange(96_000) / 48_000)).astype(np.float32)


def run(*flags, corpus="tiny.corpus", out="take 🎵.wav"):
    return main(["render", "--corpus", corpus, "--seconds", "2", *flags, out])


def test_a_take_in_a_folder_with_a_space_and_an_emoji(folder):
    assert run("--tag", "drone", "--tag", "hum@1") == 0
    assert np.abs(load_audio(folder / "take 🎵.wav", sample_rate=48_000)).max() > 0.05


@pytest.mark.parametrize(("name", "magic"), [("a.flac", b"fLaC"), ("a.mp3", b"\xff\xfb"), ("a.aiff", b"FORM")])
def test_a_take_is_of_the_format_that_its_name_says(folder, name, magic):
    assert run("--tag", "drone", out=name) == 0
    assert (folder / name).read_bytes().startswith(magic)
    assert len(load_audio(folder / name, sample_rate=48_000)) == 96_000


def test_a_seed_whose_header_is_wrong_is_heard_and_told(folder, capsys):
    (folder / "seeds").mkdir(exist_ok=True)
    (folder / "seeds" / "pipe.flac").write_bytes(odd_recordings.told()["pipe.flac"].content)
    assert run("--tag", "drone", "--set", "seed/file=pipe.flac") == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("liveseq: pipe.flac: does not state its length")


def test_the_page_of_a_take_names_its_sound_and_every_unit(folder, capsys):
    assert run("--tag", "bells", "--explain", "take 🎵.html") == 0
    assert "13 units" in capsys.readouterr().out
    page = (folder / "take 🎵.html").read_text(encoding="utf-8")
    assert "13 units in 2 s" in page
    assert r"\ud83c\udfb5.wav" in page


def test_a_knob_and_a_mode_change_the_take_and_nothing_else_does(folder):
    samples = []
    for number, flags in enumerate(([], [], ["--mode", "cloud"], ["--set", "grain/crossfade_ms=200"])):
        assert run("--tag", "bells@0.5", "--tag", "hum", *flags, out=f"{number}.wav") == 0
        samples.append(load_audio(folder / f"{number}.wav", sample_rate=48_000))
    np.testing.assert_array_equal(samples[0], samples[1])
    assert np.abs(samples[0] - samples[2]).max() > 0.01
    assert np.abs(samples[0] - samples[3]).max() > 0.01


def test_a_generator_plays_a_take_its_tags_morph_and_its_seed_repeats_it(folder, capsys):
    samples = []
    for number, seed in enumerate(("4", "4", "5")):
        flags = ["--tag", "drone", "--tag", "bells@1", "--mode", "generate", "--generator", "tones", "--seed", seed]
        flags += ["--explain", "streamed.html"]
        assert run(*flags, out=f"{number}.wav") == 0
        samples.append(load_audio(folder / f"{number}.wav", sample_rate=48_000)[:, 0])
    assert "13 units, 1 jumps" in capsys.readouterr().out
    assert "generator tones" in (folder / "streamed.html").read_text(encoding="utf-8")
    np.testing.assert_array_equal(samples[0], samples[1])
    assert np.abs(samples[0] - samples[2]).max() > 1e-3
    for begin, frequency in ((0.2, 110.0), (1.2, 880.0)):  # of the tag's tone
        spectrum = np.abs(np.fft.rfft(samples[0][int(begin * 48_000) :][:14_400]))
        assert abs(np.argmax(spectrum) / 0.3 - frequency) < 5.0


def test_a_take_is_made_block_by_block(folder):
    stretches = render(open_instrument(folder / "tiny.corpus", seed=1), [message(0.0, "tag", "bells")], seconds=2.0)
    sizes = [len(stretch.audio) for stretch in stretches]
    assert max(sizes) == 1024
    assert sum(sizes) == 96_000


def test_a_file_of_messages_plays_a_whole_set(folder, capsys):
    """Two layers, a seed from a file, another predictor, a fade; flags come before what the file says at their time."""
    (folder / "seeds").mkdir(exist_ok=True)
    save_audio(folder / "seeds" / "my loop.wav", tone(440.0), sample_rate=48_000)
    (folder / "set.txt").write_text(
        """0 layer/2/tag bells
        0.2 layer/2/mode cloud
        0.5 seed/file "my loop.wav" 2
        0.8 predict/model predictor
        1.0 /liveseq/layer/[12]/gain -90  # both
        1.5 layer/1/gain 0
        """
    )
    assert run("--tag", "drone", "--messages", "set.txt", "--explain", "set.html", out="set.wav") == 0
    y = load_audio(folder / "set.wav", sample_rate=48_000)[:, 0]
    assert np.abs(y[:48_000]).max() > 0.1
    assert np.abs(y[60_000:71_000]).max() < 1e-4
    spectrum = np.abs(np.fft.rfft(y[74_400:84_000]))
    assert abs(np.argmax(spectrum) * 5 - 110.0) < 10.0  # the drone is back, the bells are not
    page = (folder / "set.html").read_text(encoding="utf-8")
    assert "drone, set.txt" in page
    assert '"cloud"' in page


def test_a_predictor_that_says_no_number_plays_the_tag_and_is_named(folder, tmp_path, capsys):
    make_predictor(tmp_path / "mute", spread=np.nan)
    assert run("--tag", "bells", "--predictor", str(tmp_path / "mute"), "--explain", "mute.html") == 0
    assert "mute: 13 times no finite number; the tag's own material was played" in capsys.readouterr().err
    page = (folder / "mute.html").read_text(encoding="utf-8")
    assert "bells.wav" in page
    assert "hum.wav" not in page
    assert "drone.wav" not in page


def test_a_message_acts_at_its_very_sample(folder):
    (folder / "set.txt").write_text("0 tag hum\n0.5 mute 1\n")
    (folder / "later.txt").write_text("0 tag hum\n0.50021 mute 1\n")  # ten samples
    takes = []
    for name in ("set", "later"):
        assert run("--messages", f"{name}.txt", out=f"{name}.wav") == 0
        takes.append(load_audio(folder / f"{name}.wav", sample_rate=48_000))
    [first, *_] = np.flatnonzero((takes[0] != takes[1]).any(axis=1))
    assert 24_000 <= first - Mixer.latency <= 24_001


def test_a_word_that_only_the_corpus_knows_is_told_where_a_generator_plays(folder, caplog):
    make_generator(folder / "narrow", tags=("drone",))
    assert run("--tag", "bells", "--mode", "generate", "--generator", "narrow") == 0
    assert "layer 1: generator narrow does not know bells" in caplog.text


def test_a_set_changes_its_generator_and_leaves_it(folder):
    make_generator(folder / "louder", level=0.3)
    told = [(0.0, "mode", "generate"), (0.0, "tag", "drone"), (0.7, "generator", "louder"), (1.2, "mode", "continuous")]
    instrument = open_instrument(folder / "tiny.corpus", seed=1)
    stretches = render(instrument, [message(*one) for one in told], seconds=2.0, generator="tones")
    take = Take.of(stretches, sample_rate=48_000)
    sources = [source for source, _ in itertools.groupby(choice.source for choice in take.choices)]
    assert sources == ["generator tones", "generator louder", "drone.wav"]
    y = np.abs(take.audio)
    assert y[40_000:50_000].max() > 1.2 * y[20_000:30_000].max()


@pytest.mark.parametrize(
    ("flags", "places", "message"),
    [
        ([], {}, "expected something to play: --tag WORDS or --messages FILE"),
        (["--tag", "glurb"], {}, "--tag 'glurb': unknown tag 'glurb': tags here: bells, drone, hum"),
        (["--tag", ""], {}, "unknown tag ''"),
        (["--tag", "x" * 300], {}, "tag of 300 characters: expected at most 200"),
        (["--tag", "hum@soon"], {}, "expected TAG@SECONDS, found 'soon'"),
        (["--tag", "hum@nan"], {}, "expected a time before the take's end at 2 s, found nan"),
        (["--tag", "hum@2"], {}, "expected a time before the take's end at 2 s, found 2"),
        (["--tag", "hum@-1"], {}, "expected a time before the take's end at 2 s, found -1"),
        (["--tag", "hum", "--seed", "-5"], {}, "--seed: expected 0 to 2147483647, found -5"),
        (["--tag", "hum", "--seconds", "nan"], {}, "--seconds: expected 1 to 36000, found nan"),
        (["--tag", "hum", "--predictor", "none"], {}, "none: no such model folder"),
        (["--tag", "hum", "--predictor", "text-encoder"], {}, "role is text-encoder, but a predictor is needed"),
        (["--tag", "hum", "--mode", "generate", "--generator", "none"], {}, "none: no such model folder"),
        (["--tag", "glurb", "--mode", "generate", "--generator", "tones"], {}, "tones does not know 'glurb'"),
        (["--tag", "hum", "--mode", "loud"], {}, "--mode: mode: expected continuous or beat or cloud or freeze or"),
        (["--tag", "hum", "--mode", "generate", "--generator", "odd"], {}, "layer 1: step 0 of seed 1 is no sound"),
        (
            ["--tag", "hum", "--set", "brightness=1"],
            {},
            "--set 'brightness=1': unknown address /liveseq/brightness; did",
        ),
        (["--tag", "hum", "--set", "steer/brightness"], {}, "--set 'steer/brightness': expected PATH=VALUE"),
        (["--tag", "hum", "--set", "quit="], {}, "--set 'quit=': /liveseq/quit works only live: a take is as long as"),
        (["--tag", "hum", "--set", "predict/model=none"], {}, "no predictor 'none'; there are: predictor"),
        (["--tag", "hum", "--set", "seed/file=none.wav"], {}, "none.wav: no such file in the folder of seeds (seeds)"),
        (["--tag", "hum", "--set", "query/filter/tags=bells"], {}, "the filter of layer 1 leaves nothing of hum"),
        (["--messages", "none.txt"], {}, "--messages none.txt: cannot be read (No such file or directory)"),
        (["--messages", "odd.txt"], {}, "odd.txt:2: layer: expected 1 to 16, found 17"),
        (["--tag", "hum", "--set", "query/k=0"], {}, "--set 'query/k=0': k: expected 1 to 256, found 0"),
        (["--tag", "hum", "--set", "query/k=2.5"], {}, "--set 'query/k=2.5': k: expected i:k; found 2.5"),
        (["--tag", "hum", "--set", "steer/brightness=9"], {}, "--set 'steer/brightness=9': expected -3 to 3"),
        (["--tag", "hum", "--set", "steer/brightness=nan"], {}, "brightness: expected a number, found nan"),
        (["--tag", "hum", "--set", "grain/shape=box"], {}, "shape: expected hann or trapezoid or exponential"),
        (["--tag", "hum", "--explain", "pages/a.html"], {}, "there is no folder pages; create it first"),
        (["--tag", "hum"], {"corpus": "none.corpus"}, "none.corpus: no corpus there; make one"),
        (
            ["--tag", "hum"],
            {"corpus": "empty.corpus"},
            "empty.corpus: holds no recordings (an interrupted build?); run the build again: ",
        ),
        (["--tag", "hum"], {"corpus": "untagged.corpus"}, "none of its 105 units has a tag to ask for; tag them"),
        (["--tag", "hum"], {"out": "a.m4a"}, "a.m4a: not written: expected a name in .wav, .flac, .mp3, .ogg, .aif"),
        (["--tag", "hum"], {"out": "takes/a.wav"}, "there is no folder takes; create it first"),
        (["--tag", "hum"], {"out": "tiny.corpus"}, "tiny.corpus: not written: that is a folder; name a file in it"),
    ],
)
def test_what_cannot_be_rendered_is_said_in_one_line(capsys, flags, places, message):
    assert run(*flags, **places) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("liveseq: ")
    assert message in line


def test_a_take_knows_the_words_of_its_messages_as_they_stand_when_they_come(folder, tmp_path, capsys):
    lines = ["0 tag/synonym boom bells", "0.5 tag boom"]
    (tmp_path / "set.txt").write_text("\n".join(lines))
    assert run("--messages", str(tmp_path / "set.txt"), "--seconds", "1") == 0
    assert "'boom' plays bells 100%" in capsys.readouterr().out
    assert not (folder / "tiny.corpus" / "tags.yaml").exists()
    (tmp_path / "set.txt").write_text("\n".join([*lines, "0.7 tag/synonym boom", "0.8 tag boom"]))
    assert run("--messages", str(tmp_path / "set.txt"), "--seconds", "1") == 2
    assert "set.txt:4: unknown tag 'boom'" in capsys.readouterr().err
