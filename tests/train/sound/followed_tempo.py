"""What every graph with a clock must do about a tempo."""

import onnxruntime
import pytest
import torch

from liveseq.train.graph import write_graph


def follows_tempo(graph, folder, birth, z, tag, tempo, *, own, place=1):
    """Export a graph, play it, and hold its clock against the tempo of each step.

    z, tag, tempo: (n_steps, ...). own: beats per step where tempo is 0; place: of the clock in the memory.
    """
    states = graph.state_shapes()
    write_graph(
        graph,
        folder / "step.onnx",
        inputs=graph.input_shapes() | states,
        outputs=["audio", *(f"{name}_next" for name in states)],
    )
    session = onnxruntime.InferenceSession(folder / "step.onnx")
    memory, position = torch.zeros(states["memory"]).numpy(), 0.0
    birth = birth.numpy()
    for step in zip(z, tag, tempo, strict=True):
        feed = dict(zip(("z", "tag", "tempo"), (x.numpy() for x in step), strict=True))
        _, memory, birth = session.run(None, feed | {"memory": memory, "birth": birth})
        bpm = float(step[2])
        position += bpm / 60.0 * graph.samples_per_step / graph.sample_rate if bpm else own
        assert memory[place] == pytest.approx(position % 16.0, abs=1e-5)
