"""Sound files: what is read, how it is resampled, and how bad ones are refused."""

import os

import numpy as np
import pytest
import soundfile

from liveseq.dsp.files import AUDIO_SUFFIXES, load_audio, resample
from liveseq.dsp.saving import save_audio, save_blocks
from liveseq.errors import AudioFileError
from tests.support.recordings import RECORDINGS


@pytest.fixture
def stereo(rng):
    """Half a second at 44.1 kHz, channels apart."""
    return rng.normal(0, [0.1, 0.05], (22_050, 2)).astype(np.float32)


def sine(hz, *, seconds, sample_rate):
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * sample_rate)) / sample_rate).astype(np.float32)


@pytest.mark.parametrize(("suffix", "tolerance"), [(".wav", 1e-4), (".flac", 1e-4), (".aiff", 1e-4), (".AIF", 1e-4)])
def test_lossless_formats(tmp_path, stereo, suffix, tolerance):
    path = tmp_path / f"take{suffix}"
    soundfile.write(path, stereo, 44_100, format="AIFF" if suffix == ".AIF" else None)
    y = load_audio(path, sample_rate=44_100)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, stereo, atol=tolerance)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg"])
def test_lossy_formats(tmp_path, suffix):
    y = np.stack((sine(440, seconds=1, sample_rate=44_100) / 2, sine(880, seconds=1, sample_rate=44_100) / 4), axis=1)
    soundfile.write(tmp_path / f"take{suffix}", y, 44_100)
    got = load_audio(tmp_path / f"take{suffix}", sample_rate=44_100)
    np.testing.assert_allclose(got[4000:40_000], y[4000:40_000], atol=0.02)


def test_an_mp3_that_does_not_state_its_length(tmp_path, rng):
    y = rng.normal(0, 0.1, (100_000, 2))
    path = tmp_path / "old.mp3"
    soundfile.write(path, y, 44_100, bitrate_mode="CONSTANT", compression_level=0.5)
    content = path.read_bytes()
    second_frame = content.index(content[:2], 200)  # a frame is longer than that
    path.write_bytes(b"ID3\x03\0\0\0\0\1\0" + bytes(128) + content[second_frame:] + b"TAG" + bytes(125))
    assert len(load_audio(path, sample_rate=44_100)) == pytest.approx(100_000, abs=3000)


CONTAINERS = {
    "WAV": (".wave", ".bwf", ".amb"),
    "RF64": (".rf64",),
    "W64": (".w64",),
    "OGG": (".oga", ".opus"),
    "AIFF": (".aifc",),
    "CAF": (".caf",),
    "AU": (".au", ".snd"),
    "VOC": (".voc",),
    "SVX": (".iff", ".8svx"),
    "NIST": (".sph", ".nist"),
}


@pytest.mark.parametrize(("kind", "suffix"), [(kind, suffix) for kind, some in CONTAINERS.items() for suffix in some])
def test_further_containers(tmp_path, kind, suffix):
    y = sine(440, seconds=0.5, sample_rate=48_000) / 2
    subtype = {".opus": "OPUS", ".oga": "VORBIS"}.get(suffix, "PCM_16")
    soundfile.write(tmp_path / f"take{suffix}", y, 48_000, format=kind, subtype=subtype)
    got = load_audio(tmp_path / f"take{suffix}", sample_rate=48_000, n_channels=1)[:24_000, 0]
    np.testing.assert_allclose(got[4000:20_000], y[4000:20_000], atol=0.02)


def test_what_cannot_be_wound_is_read_and_its_end_too(tmp_path):
    """GSM 6.10, of telephones and old recorders: libsndfile reads it from its beginning only."""
    y = sine(440, seconds=3.0, sample_rate=8000) / 2
    soundfile.write(tmp_path / "gsm.wav", y, 8000, format="WAV", subtype="GSM610")
    whole = load_audio(tmp_path / "gsm.wav", sample_rate=8000, n_channels=1)
    assert len(whole) == pytest.approx(24_000, abs=320), "of whole frames"
    assert whole.std() == pytest.approx(y.std(), rel=0.2)
    end = load_audio(tmp_path / "gsm.wav", sample_rate=8000, n_channels=1, last_seconds=1.0)
    np.testing.assert_array_equal(end, whole[-8000:])


def test_every_suffix_is_tried_here():
    tried = {suffix for some in CONTAINERS.values() for suffix in some}
    assert tried | {".wav", ".flac", ".aiff", ".aif", ".mp3", ".mp2", ".ogg"} == AUDIO_SUFFIXES


@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".flac"])
def test_a_file_beside_what_a_mac_leaves_there_is_read(tmp_path, stereo, suffix):
    soundfile.write(tmp_path / f"take{suffix}", stereo, 44_100)
    (tmp_path / f"._take{suffix}").write_bytes(b"\x00\x05\x16\x07" + bytes(200))
    assert len(load_audio(tmp_path / f"take{suffix}", sample_rate=44_100)) == pytest.approx(len(stereo), abs=3000)


def test_a_file_is_read_by_its_content(tmp_path, stereo):
    soundfile.write(tmp_path / "really_flac.wav", stereo, 44_100, format="FLAC")
    assert load_audio(tmp_path / "really_flac.wav", sample_rate=44_100).shape == (22_050, 2)


def test_a_path_with_spaces_and_emoji(tmp_path, stereo):
    folder = tmp_path / "my drums 🥁 ünï"
    folder.mkdir()
    save_audio(folder / "kick one 💥.wav", stereo, sample_rate=44_100)
    np.testing.assert_array_equal(load_audio(folder / "kick one 💥.wav", sample_rate=44_100), stereo)


def test_8_khz_mono(tmp_path):
    soundfile.write(tmp_path / "phone.wav", sine(440, seconds=1, sample_rate=8000) / 2, 8000)
    y = load_audio(tmp_path / "phone.wav", sample_rate=48_000)
    assert y.shape == (48_000, 2)
    np.testing.assert_array_equal(y[:, 0], y[:, 1])
    np.testing.assert_allclose(y[1000:-1000, 0], sine(440, seconds=1, sample_rate=48_000)[1000:-1000] / 2, atol=2e-3)


def test_192_khz_8_channels(tmp_path):
    parts = np.zeros((192_000, 8), dtype=np.float32)
    parts[:, 0] = sine(440, seconds=1, sample_rate=192_000)
    parts[:, 1] = sine(880, seconds=1, sample_rate=192_000)
    parts[:, 7] = sine(1760, seconds=1, sample_rate=192_000)
    soundfile.write(tmp_path / "surround.wav", parts, 192_000, subtype="FLOAT")
    y = load_audio(tmp_path / "surround.wav", sample_rate=48_000)
    left, right, both = (sine(hz, seconds=1, sample_rate=48_000) for hz in (440, 880, 1760))
    expected = np.stack((left + both, right + both), axis=1) / 7
    np.testing.assert_allclose(y[1000:-1000], expected[1000:-1000], atol=1e-3)


def test_one_channel_is_the_mean(tmp_path, stereo):
    save_audio(tmp_path / "a.wav", stereo, sample_rate=44_100)
    y = load_audio(tmp_path / "a.wav", sample_rate=44_100, n_channels=1)
    np.testing.assert_allclose(y, stereo.mean(axis=1, keepdims=True), atol=1e-7)


@pytest.mark.parametrize("rates", [(44_100, 48_000), (48_000, 44_100), (22_050, 48_000), (96_000, 48_000)])
def test_resampling_keeps_frequency_level_and_place(tmp_path, rates):
    from_rate, to_rate = rates
    for hz in (100.0, 997.0, 9000.0):  # several pieces long
        save_audio(tmp_path / "s.wav", 0.5 * sine(hz, seconds=4, sample_rate=from_rate), sample_rate=from_rate)
        y = load_audio(tmp_path / "s.wav", sample_rate=to_rate, n_channels=1)[:, 0]
        expected = 0.5 * sine(hz, seconds=4, sample_rate=to_rate)
        assert len(y) == len(expected)
        np.testing.assert_allclose(y[2000:-2000], expected[2000:-2000], atol=1e-4)


def test_resampling_an_array_is_resampling_a_file(tmp_path, stereo):
    save_audio(tmp_path / "a.wav", stereo, sample_rate=44_100)
    y = resample(stereo, sample_rate=44_100, to_rate=48_000)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, load_audio(tmp_path / "a.wav", sample_rate=48_000), atol=1e-6)
    assert resample(stereo, sample_rate=44_100, to_rate=44_100) is stereo


def test_resampling_a_chirp_folds_nothing_back(tmp_path):
    t = np.arange(2 * 96_000) / 96_000
    above = 0.5 * np.sin(2 * np.pi * (26_000 * t + 10_000 / 4 * t**2))  # 26 to 46 kHz: must vanish at 48 kHz
    below = 0.1 * np.sin(2 * np.pi * (100 * t + 19_800 / 4 * t**2))  # 100 Hz to 19.9 kHz: must stay
    save_audio(tmp_path / "c.wav", (above + below).astype(np.float32), sample_rate=96_000)
    y = load_audio(tmp_path / "c.wav", sample_rate=48_000, n_channels=1)[:, 0]
    np.testing.assert_allclose(y[4000:-4000], below[::2][4000:-4000], atol=1e-4)


def test_a_recorder_that_did_not_know_its_length(tmp_path, stereo):
    path = tmp_path / "piped.wav"
    soundfile.write(path, stereo, 44_100)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert load_audio(path, sample_rate=44_100).shape == (22_050, 2)


def refused(path, reason):
    with pytest.raises(AudioFileError, match=reason) as caught:
        load_audio(path, sample_rate=48_000)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_text_called_wav(tmp_path):
    (tmp_path / "readme.wav").write_text("these are not the samples you are looking for\n" * 50)
    refused(tmp_path / "readme.wav", "is not a sound file that can be read .*; expected wav, flac, mp3, ogg or aiff")


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".aiff", ".ogg", ".mp3"])
@pytest.mark.parametrize("left", [0.3, 0.9])
def test_truncated(tmp_path, rng, suffix, left):
    path = tmp_path / f"cut{suffix}"
    soundfile.write(path, rng.normal(0, 0.1, (150_000, 2)), 44_100)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left)])
    refused(path, "is truncated.*; copy .*it again")


def test_damaged_flac(tmp_path, stereo):
    path = tmp_path / "bad.flac"
    soundfile.write(path, stereo, 44_100)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    path.write_bytes(content)
    refused(path, "is truncated or damaged: not all of its 0.50 s can be read")


def test_no_bytes(tmp_path):
    (tmp_path / "a.wav").touch()
    refused(tmp_path / "a.wav", r"is empty \(0 bytes\)")


@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_no_samples(tmp_path, suffix):
    soundfile.write(tmp_path / f"a{suffix}", np.zeros((0, 2)), 44_100)
    refused(tmp_path / f"a{suffix}", "holds no samples")


@pytest.mark.parametrize("level", [0.0, 2.0**-16])
def test_silence(tmp_path, level):
    soundfile.write(tmp_path / "a.wav", np.full((300_000, 2), level), 44_100, subtype="FLOAT")
    refused(tmp_path / "a.wav", "is silent from start to end")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 200_000])
def test_nan_and_infinity(tmp_path, rng, value, at):
    y = rng.normal(0, 0.1, 200_001).astype(np.float32)
    y[at] = value
    soundfile.write(tmp_path / "a.wav", y, 44_100, subtype="FLOAT")
    refused(tmp_path / "a.wav", "holds NaN or infinite samples")


def test_integers_stored_as_float(tmp_path, stereo):
    soundfile.write(tmp_path / "a.wav", stereo * 32_768 / np.abs(stereo).max(), 44_100, subtype="FLOAT")
    refused(tmp_path / "a.wav", r"peaks at \+90 dBFS; expected samples in \[-1, 1\]")


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "IMA_ADPCM"), ("WAV", "ULAW"), ("AIFF", "ULAW"), ("AIFF", "DOUBLE")]
)
def test_what_is_packed_otherwise_is_read_whole_or_refused(tmp_path, stereo, kind, subtype):
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo, 44_100, format=kind, subtype=subtype)
    assert len(load_audio(path, sample_rate=44_100)) == pytest.approx(22_050, abs=2100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    refused(path, "is truncated")


@pytest.mark.parametrize("rate", [1, 2_000_000])
def test_an_absurd_sample_rate_is_named(tmp_path, stereo, rate):
    soundfile.write(tmp_path / "a.wav", stereo, rate)
    refused(tmp_path / "a.wav", f"states a sample rate of {rate} Hz; expected 1000 to 1536000")


def test_unknown_suffix(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    refused(tmp_path / "notes.txt", "has the unknown suffix '.txt'; expected one of .8svx, .aif, .aifc")


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / "gone.wav", "does not exist")
    (tmp_path / "folder.wav").mkdir()
    refused(tmp_path / "folder.wav", "is a folder")


@pytest.mark.parametrize(("subtype", "tolerance"), [("FLOAT", 0.0), ("PCM_24", 2.0**-23)])
def test_save_wav(tmp_path, stereo, subtype, tolerance):
    save_audio(tmp_path / "out.wav", stereo, sample_rate=44_100, subtype=subtype)
    assert soundfile.info(tmp_path / "out.wav").subtype == subtype
    np.testing.assert_allclose(load_audio(tmp_path / "out.wav", sample_rate=44_100), stereo, atol=tolerance)
    assert [p.name for p in tmp_path.iterdir()] == ["out.wav"]


def test_saved_wav_holds_no_time_of_day(tmp_path, stereo):
    save_audio(tmp_path / "out.wav", stereo, sample_rate=44_100)
    content = (tmp_path / "out.wav").read_bytes()
    peak = content.index(b"PEAK")
    assert content[peak + 8 : peak + 16] == b"\1\0\0\0\0\0\0\0"  # version 1, time 0


def test_bad_saves_leave_what_was_there(tmp_path, stereo, monkeypatch):
    path = tmp_path / "out.wav"
    save_audio(path, stereo, sample_rate=44_100)
    before = path.read_bytes()
    with pytest.raises(AudioFileError, match="not written: the samples hold NaN"):
        save_audio(path, stereo * np.nan, sample_rate=44_100)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AudioFileError, match=r"not written: .*No space left"):
        save_audio(path, stereo / 2, sample_rate=44_100)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(AudioFileError, match=r"there is no folder .*takes; create it first"):
        save_audio(tmp_path / "takes" / "a.wav", stereo, sample_rate=44_100)
    with pytest.raises(AudioFileError, match="that is a folder; name a file in it"):
        save_audio(tmp_path, stereo, sample_rate=44_100)


def test_real_recordings_of_several_rates_and_depths():
    paths = sorted(RECORDINGS.glob("*.flac"))
    infos = [soundfile.info(path) for path in paths]
    assert {info.samplerate for info in infos} == {44_100, 96_000, 192_000}
    assert {info.subtype for info in infos} == {"PCM_16", "PCM_24"}
    for path, info in zip(paths, infos, strict=True):
        y = load_audio(path, sample_rate=48_000)
        assert y.shape == (round(info.frames * 48_000 / info.samplerate), 2)
        assert np.isfinite(y).all()


def test_blocks_make_the_file_that_the_whole_makes(tmp_path):
    y = np.linspace(-1.0, 1.0, 2000, dtype=np.float32).reshape(1000, 2)
    save_audio(tmp_path / "whole.wav", y, sample_rate=48_000)
    save_blocks(tmp_path / "blocks.wav", np.split(y, 5), n_samples=1000, n_channels=2, sample_rate=48_000)
    assert (tmp_path / "whole.wav").read_bytes() == (tmp_path / "blocks.wav").read_bytes()


def test_a_wav_of_more_than_4_gb_is_one_that_says_how_long_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("liveseq.dsp.saving._LARGEST", 4000)
    y = np.linspace(-1.0, 1.0, 2000, dtype=np.float32).reshape(1000, 2)
    save_audio(tmp_path / "long.wav", y, sample_rate=48_000)
    assert (tmp_path / "long.wav").read_bytes()[:4] == b"RF64"
    np.testing.assert_array_equal(load_audio(tmp_path / "long.wav", sample_rate=48_000), y)


def test_blocks_that_break_off_leave_no_file(tmp_path):
    def blocks():
        yield np.zeros((8, 2), dtype=np.float32)
        yield np.full((8, 2), np.nan, dtype=np.float32)

    with pytest.raises(AudioFileError, match="not written: the samples hold NaN"):
        save_blocks(tmp_path / "a.wav", blocks(), n_samples=16, n_channels=2, sample_rate=48_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "subtype", "tolerance"),
    [
        ("take.wav", "WAV", "FLOAT", 0.0),
        ("take.flac", "FLAC", "PCM_24", 2.0**-22),
        ("take.AIFF", "AIFF", "PCM_24", 2.0**-22),
        ("take.aif", "AIFF", "PCM_24", 2.0**-22),
        ("take.mp3", "MP3", "MPEG_LAYER_III", 0.02),
        ("take.ogg", "OGG", "VORBIS", 0.02),
    ],
)
def test_a_take_is_of_the_format_that_its_name_says(tmp_path, name, kind, subtype, tolerance):
    y = np.stack((sine(440, seconds=2, sample_rate=48_000) / 2, sine(880, seconds=2, sample_rate=48_000) / 4), axis=1)
    save_audio(tmp_path / name, y, sample_rate=48_000)
    info = soundfile.info(tmp_path / name)
    assert (info.format, info.subtype, info.frames) == (kind, subtype, 96_000)
    np.testing.assert_allclose(
        load_audio(tmp_path / name, sample_rate=48_000)[4000:-4000], y[4000:-4000], atol=tolerance
    )


@pytest.mark.parametrize(
    ("name", "sample_rate", "reason"),
    [
        (
            "take.m4a",
            48_000,
            "not written: expected a name in .wav, .flac, .mp3, .ogg, .aif, .aiff, found a name in '.m4a'",
        ),
        ("take", 48_000, "expected a name in .wav, .* found a name without a format"),
        ("take.mp3", 96_000, "not written: mp3 cannot have 96000 Hz; name a .wav"),
        ("take.ogg", 384_000, "ogg cannot have 384000 Hz"),
    ],
)
def test_a_name_that_says_no_format_is_refused_before_any_work(tmp_path, name, sample_rate, reason):
    def blocks():
        raise AssertionError("work was done")
        yield np.zeros((8, 2), dtype=np.float32)

    with pytest.raises(AudioFileError, match=reason):
        save_blocks(tmp_path / name, blocks(), n_samples=8, n_channels=2, sample_rate=sample_rate)
    assert list(tmp_path.iterdir()) == []


def test_an_aiff_of_more_than_4_gb_is_refused_before_any_work(tmp_path):
    with pytest.raises(AudioFileError, match="an aiff holds no more than 4 GB"):
        save_blocks(tmp_path / "a.aiff", iter(()), n_samples=2**30, n_channels=2, sample_rate=48_000)
