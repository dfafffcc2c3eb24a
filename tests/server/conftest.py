"""What the tests of the server share."""

import pytest
from desk_stage import Stage


@pytest.fixture
def stage():
    return Stage()
