"""Births: a stream begins in the middle of music, chosen by its number, and anew where it has fallen silent."""

import torch

from liveseq.train.sound.recurrent.births import N_BIRTHS, Births, Course, heard
from liveseq.train.sound.streaming import Tape

TAGS = torch.eye(2)


def _births():
    births = Births(n_tags=2, size=3)
    births.table[:] = torch.arange(2.0 * N_BIRTHS).view(2, N_BIRTHS, 1).expand(-1, -1, 3)
    return births


def test_a_number_chooses_among_those_of_the_tag():
    births = _births()
    numbers = torch.linspace(-2.5, 2.5, 200)
    found = {float(births(TAGS[1], number[None])[0, 0]) for number in numbers}
    assert found == {float(N_BIRTHS + place) for place in range(N_BIRTHS)}
    for far in (-40.0, 40.0):
        assert float(births(TAGS[0], torch.tensor([far]))[0, 0]) in (0.0, N_BIRTHS - 1.0)
    between = births(torch.tensor([0.5, 0.5]), torch.tensor([-40.0]))
    assert float(between[0, 0]) == 0.5 * N_BIRTHS, "halfway between two tags"


def test_the_loudest_endings_are_kept():
    births = Births(n_tags=1, size=1)
    births.learn(0, torch.arange(2.0 * N_BIRTHS)[:, None], torch.arange(2.0 * N_BIRTHS))
    assert sorted(births.table.flatten().tolist()) == [float(N_BIRTHS + place) for place in range(N_BIRTHS)]


def test_a_stream_goes_on_until_it_has_rested_and_then_begins_anew():
    births, memory, seen = _births(), None, []
    for number in range(6):
        tape = Tape(memory if memory is not None else torch.zeros(5))
        course = Course(tape, births, near=TAGS[1], normal=torch.zeros(1), rest=3)
        seen.append(float(course.memory[0, 0]))
        course.memory = course.memory + 100.0
        course.count(torch.tensor([float(number > 0)]))  # silent but for the first part
        course.keep(tape)
        memory = tape.left()
    born = float(births(TAGS[1], torch.zeros(1))[0, 0])
    assert seen == [born, born + 100.0, born + 200.0, born + 300.0, born, born + 100.0]


def test_who_hears_a_recording_begins_with_nothing():
    course = heard(Tape(torch.zeros(5)), _births(), torch.zeros(4))
    assert not course.memory.any()
    assert not float(course.begun)
    course = heard(Tape(torch.tensor([1.0, 9.0, 5.0, 6.0, 7.0])), _births(), torch.zeros(4))
    assert course.memory[0].tolist() == [5.0, 6.0, 7.0]
    assert not float(course.n_silent), "a recording is no silence, whatever was before"
