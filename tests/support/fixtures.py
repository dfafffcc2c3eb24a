"""Fixtures of every test that plays a tiny set; a conftest imports those it needs."""

import pytest

from tests.support.desk_stage import Stage
from tests.support.disks import mounted
from tests.support.server_process import controlling
from tests.support.tiny_set import make_set


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny corpus with its models."""
    folder = tmp_path_factory.mktemp("set")
    make_set(folder)
    return folder


@pytest.fixture
def controller(server):
    with controlling(server) as controller:
        yield controller


@pytest.fixture
def disk(tmp_path):
    """A disk of four megabytes."""
    yield from mounted(tmp_path / "disk")
