"""Fixtures shared with other folders, and those of layers that stream."""

from tests.support.fixtures import controller, folder, stage  # noqa: F401
from tests.support.streaming_layers import layers, models, stream_models, streaming  # noqa: F401
