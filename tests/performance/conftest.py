"""Fixtures shared with other folders."""

from tests.support.fixtures import controller, disk, folder, stage  # noqa: F401
