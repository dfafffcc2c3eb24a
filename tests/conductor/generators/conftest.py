"""Fixtures of a generator process that is made up."""

from tests.support.generator_maker import encoder, generators, maker  # noqa: F401
