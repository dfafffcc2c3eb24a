"""What is composed keeps to its key, its metre, the ranges of its instruments, and is the same for the same seed."""

from functools import cache
from itertools import islice

import numpy as np
import pytest

from liveseq.demo.ensemble.compose import Commission, commissions, compose, titles
from liveseq.demo.ensemble.describing import describe
from liveseq.demo.ensemble.instruments import FAMILIES, INSTRUMENTS
from liveseq.demo.ensemble.keys import MODES, Key
from liveseq.demo.ensemble.planning import SHORTEST
from liveseq.demo.ensemble.score import METRES, Score
from liveseq.demo.ensemble.solos import solos
from liveseq.errors import ConfigError

TITLES = sorted({title for options in titles().values() for title in options})
MONOPHONIC = ("melody", "bass", "walk", "chorale", "invention")
CHROMATIC = ("walk", "melody")


@cache
def scores() -> list[Score]:
    return [compose(Commission(3, number, title))[0] for number, title in enumerate(TITLES)]


def test_every_instrument_plays_alone():
    assert {title.split(": ")[0] for title in TITLES if ": " in title} == set(INSTRUMENTS)


def test_notes_lie_in_the_range_of_their_instrument():
    for score in scores():
        for part in score.parts:
            if not part.instrument.is_drums:
                outside = [n for n in part.notes if not part.instrument.low <= n.pitch <= part.instrument.high]
                assert not outside, f"{score.name}: {part.instrument.name}, {part.role}"


def test_notes_belong_to_the_key_or_to_the_chord_that_sounds():
    """But for the half-tones that lead into a note in jazz."""
    for score in scores():
        plan = score.plan
        for part in score.parts:
            if part.instrument.is_drums:
                continue
            altered = {plan.key.pitch(step, h.chord) % 12 for h in plan.harmonies for step in range(28, 35)}
            allowed = plan.key.pitch_classes | altered
            foreign = sum(note.pitch % 12 not in allowed for note in part.notes)
            limit = 0.34 if part.role in CHROMATIC else 0.15 if part.role == "power" else 0.0
            assert foreign <= limit * len(part.notes), f"{score.name}: {part.instrument.name}, {part.role}"


def test_notes_fill_the_bars_and_end_with_the_last():
    for score in scores():
        end, bar = score.plan.end, score.plan.metre.bar
        assert score.plan.n_bars * bar == end
        for part in score.parts:
            assert all(0.0 <= note.start < end and note.length > 0.0 for note in part.notes), score.name
            if not part.instrument.is_drums:
                assert max(note.end for note in part.notes) <= end + 1e-6, f"{score.name}: {part.role}"
        sounding = {int(note.start / bar + 1e-6) for part in score.parts for note in part.notes}
        reaching = {b for part in score.parts for n in part.notes for b in range(int(n.start / bar), int(n.end / bar))}
        silent = set(range(score.plan.n_bars)) - sounding - reaching
        assert len(silent) <= max(1, 0.15 * score.plan.n_bars), f"{score.name}: bars {silent}"


def test_chords_cover_every_bar():
    for score in scores():
        harmonies = score.plan.harmonies
        ends = [harmony.start + harmony.length for harmony in harmonies]
        assert harmonies[0].start == 0.0
        np.testing.assert_allclose(ends[:-1], [harmony.start for harmony in harmonies[1:]])
        assert ends[-1] == pytest.approx(score.plan.end)


def test_hands_and_lips_can_play_it():
    """No more notes begin together than the instrument has voices; lines have one."""
    for score in scores():
        for part in score.parts:
            starts = [round(note.start, 4) for note in part.notes]
            most = max(starts.count(start) for start in set(starts))
            assert most <= (6 if part.instrument.is_drums else max(2, part.instrument.voices)), (
                f"{score.name}: {part.instrument.name}, {part.role}"
            )
            if part.role in MONOPHONIC:
                assert most == 1, f"{score.name}: {part.role}"


def test_songs_end_on_their_tonic():
    for score in scores():
        last = score.plan.harmonies[-1]
        assert last.chord.root == score.plan.key.degree or score.style == "blues", score.name


def test_a_letter_that_returns_has_its_motif_again():
    score, _ = compose(Commission(1, 0, "flute: line"))
    for number in range(20):
        score, _ = compose(Commission(1, number, "flute: line"))
        phrases = [one for one in score.plan.phrases if one.letter == "A"]
        if len(phrases) < 2:
            continue
        bars = []
        for phrase in phrases[:2]:
            start = phrase.first_bar * score.plan.metre.bar
            inside = [n for n in score.parts[0].notes if start <= n.start < start + score.plan.metre.bar]
            bars.append({round(n.start - start, 3) for n in inside})
        assert len(bars[0] & bars[1]) >= 0.5 * len(bars[0])


def test_all_keys_modes_metres_and_tempi_occur():
    plans = [compose(one)[0].plan for one in islice(commissions(5), 150)]
    assert {plan.key.tonic for plan in plans} == set(range(12))
    assert {plan.key.mode for plan in plans} == set(MODES)
    assert {plan.metre.name for plan in plans} == set(METRES)
    tempi = [plan.tempo for plan in plans]
    assert min(tempi) >= 60.0
    assert max(tempi) <= 174.0
    assert min(tempi) < 68.0
    assert max(tempi) > 160.0


def test_the_same_seed_gives_the_same_score_and_another_another():
    one, other = Commission(1, 5, "ballad"), Commission(2, 5, "ballad")
    assert compose(one)[0] == compose(one)[0]
    assert compose(one)[0].parts != compose(other)[0].parts


def test_more_pieces_go_on_from_fewer():
    assert list(islice(commissions(1), 30)) == list(islice(commissions(1), 60))[:30]


def test_families_share_the_pieces():
    made = [one.title for one in islice(commissions(1), 600)]
    together = [title for title in made if ": " not in title]
    assert 0.4 <= len(together) / len(made) <= 0.5
    for family in FAMILIES:
        names = {name for name, one in INSTRUMENTS.items() if one.family == family}
        assert sum(title.split(": ")[0] in names for title in made) >= 6, family


def test_only_some_families():
    made = [one.title.split(": ")[0] for one in islice(commissions(1, ["strings", "jazz"]), 40)]
    assert {INSTRUMENTS[name].family for name in made if name != "jazz"} == {"strings"}
    assert "jazz" in made


def test_a_family_that_is_not_there_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"--only trombones: expected some of piano, .*jazz"):
        next(commissions(1, ["trombones"]))


def test_a_name_says_how_to_compose_it_again():
    for title in ("piano: nocturne", "drum and bass"):
        one = Commission(4, 17, title)
        assert Commission.named(one.name) == one


def test_alone_has_the_tags_of_the_instrument_and_together_those_of_the_style():
    assert compose(Commission(1, 0, "nylon guitar: fingerpicking"))[0].tags == ("nylon guitar", "guitar")
    assert compose(Commission(1, 0, "jazz"))[0].tags == ("jazz", "swing")


def test_a_description_says_what_is_played():
    said = describe(compose(Commission(1, 3, "waltz"))[0])
    assert said["metre"] == "3/4"
    assert said["style"] == "waltz"
    assert not said["solo"]
    assert said["key"].endswith(said["mode"])
    assert {part["instrument"] for part in said["parts"]} == set(said["instruments"])
    assert all(word for word in said["mood"])


def test_keys_move_the_white_keys():
    assert Key(2, "major").pitch(35) == 62  # middle C stands for the tonic
    assert Key(9, "minor").name == "A minor"
    assert Key(9, "minor").pitch_classes == Key(0, "major").pitch_classes
    dominant = Key(9, "minor").chord("5!7")  # E7: E G sharp B D
    assert [Key(9, "minor").pitch(step, dominant) % 12 for step in dominant.degrees] == [4, 8, 11, 2]


def test_plans_are_as_long_as_is_asked():
    for score in scores():
        seconds = score.plan.end * 60.0 / score.plan.quarters_per_minute
        assert 0.8 * SHORTEST <= seconds <= 58.0, score.name


def test_every_family_has_several_things_to_play_alone():
    for name in INSTRUMENTS:
        assert len(solos(name)) >= 2, name
