"""What hands make of a score: a MIDI file that is right, bit for bit the same, and human within bounds."""

from functools import cache

import numpy as np
import pytest

from liveseq.demo.ensemble.compose import STYLES, Commission, compose
from liveseq.demo.ensemble.performing import EXPRESSION, LATEST, PAN, PEDAL, perform
from liveseq.demo.ensemble.smf import TICKS, Track, write_midi
from tests.support.midi import MidiFile, read_midi

NAMES = tuple(dict.fromkeys(style.name for style in STYLES))


@cache
def played(title: str, number: int = 0) -> tuple[MidiFile, object, float]:
    score, rng = compose(Commission(1, number, title))
    midi, seconds = perform(score, rng)
    return read_midi(midi), score, seconds


def test_a_known_file_byte_for_byte():
    track = Track("x", 2)
    track.program(5)
    track.note(0, 200, pitch=60, velocity=100)
    midi = write_midi([track], tempi=[(0, 120.0)], metre=(6, 8), end=300)
    assert midi.startswith(b"MThd\0\0\0\6\0\1\0\2\3\xc0MTrk")
    assert b"\0\xff\x51\3\x07\xa1\x20\0\xff\x58\4\6\3\x18\x08\x82\x2c\xff\x2f\0" in midi
    assert midi.endswith(b"\0\xc2\5\0\xff\3\1x\0\x92\x3c\x64\x81\x48\x82\x3c\0\x64\xff\x2f\0")


@pytest.mark.parametrize("title", NAMES)
def test_tempo_metre_programs_and_no_note_struck_while_it_sounds(title):
    midi, score, seconds = played(title)  # the reader itself refuses a note that is struck while it sounds
    assert midi.ticks == TICKS
    assert midi.metre == score.plan.metre.signature
    assert midi.tempi[0][1] == pytest.approx(score.plan.quarters_per_minute, rel=1e-4)
    assert [track.program for track in midi.tracks] == [part.instrument.program for part in score.parts]
    assert [track.channel == 9 for track in midi.tracks] == [part.instrument.is_drums for part in score.parts]
    assert len({track.channel for track in midi.tracks if track.channel != 9}) == sum(
        not part.instrument.is_drums for part in score.parts
    )
    assert 10.0 <= seconds <= 64.0
    assert midi.seconds(midi.tracks[0].end) == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("title", NAMES)
def test_the_tempo_stays_near_what_is_said(title):
    midi, score, _ = played(title)
    body = [bpm for tick, bpm in midi.tempi if tick / TICKS < score.plan.end - 2 * score.plan.metre.bar]
    assert np.median(body) == pytest.approx(score.plan.quarters_per_minute, rel=0.03)
    assert np.ptp(body) <= 0.25 * score.plan.quarters_per_minute
    if not (score.feel.rubato or score.feel.slows):
        assert len(midi.tempi) == 1


@pytest.mark.parametrize("title", ["ballad", "techno", "jazz", "folk", "piano: nocturne"])
def test_timing_is_human_within_bounds(title):
    midi, score, _ = played(title)
    for track, part in zip(midi.tracks, score.parts, strict=True):
        strum = part.instrument.strums * part.instrument.voices
        late = (LATEST + strum) * score.plan.quarters_per_minute / 60.0
        swing = score.feel.swing * score.feel.swing_unit
        written = np.array(sorted(note.start for note in part.notes))
        for start, *_ in track.notes:
            beats = start / TICKS
            gap = beats - written
            assert ((gap >= -late - 0.02) & (gap <= late + swing + 0.02)).any(), f"{part.role} at {beats}"


def offsets(title):
    """Seconds from the grid, of every note on the grid of sixteenths."""
    midi, score, _ = played(title)
    starts = np.array([start / TICKS for track in midi.tracks for start, *_ in track.notes])
    return (starts - np.round(4 * starts) / 4) * 60.0 / score.plan.quarters_per_minute


def test_machines_are_tighter_than_hands():
    assert np.std(offsets("techno")) < 0.004
    assert 0.003 < np.std(offsets("waltz")) < 0.03


@pytest.mark.parametrize("title", NAMES)
def test_velocities_differ_and_none_is_extreme(title):
    midi, _, _ = played(title)
    for track in midi.tracks:
        velocities = [velocity for *_, velocity in track.notes]
        assert min(velocities) >= 12
        assert max(velocities) <= 127
        if len(velocities) > 20:
            assert len(set(velocities)) >= 6, track.name


def test_a_growing_piece_ends_louder_than_it_begins():
    for number in range(40):
        midi, score, _ = played("strings: held chords", number)
        if score.dynamics == "growing" and len(score.plan.phrases) > 1:
            swells = [value for _, control, value in midi.tracks[0].controls if control == EXPRESSION]
            third = len(swells) // 3
            assert np.mean(swells[-third:]) > np.mean(swells[:third]) + 5
            return
    pytest.fail("no growing piece among forty")


def test_a_piano_has_its_pedal_and_it_is_up_at_the_end():
    midi, _, _ = played("piano: nocturne")
    for track in midi.tracks:
        pedal = [value for _, control, value in sorted(track.controls) if control == PEDAL]
        assert 127 in pedal
        assert pedal[-1] == 0


def test_players_sit_apart():
    midi, _, _ = played("chorale", 1)
    places = [value for track in midi.tracks for _, control, value in track.controls if control == PAN]
    assert max(places) - min(places) > 20


def test_the_same_seed_gives_the_same_bytes():
    def once():
        score, rng = compose(Commission(9, 4, "orchestra"))
        return perform(score, rng)[0]

    assert once() == once()
