"""Fixtures shared with other folders."""

from tests.support.fixtures import controller, folder, stage  # noqa: F401
