"""Fixtures shared with other folders."""

from tests.support.fixtures import folder, stage  # noqa: F401
