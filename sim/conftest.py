"""What the tests that start simulators share."""

import pytest

from sim import simulator as simulators


@pytest.fixture(params=simulators.NAMES)
def simulator(request):
    """Each simulator; a test of one that is missing is skipped and says so."""
    try:
        return simulators.find(request.param)
    except simulators.SimulatorNotFound as missing:
        pytest.skip(str(missing))
