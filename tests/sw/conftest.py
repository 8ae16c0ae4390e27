import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Train on one thread as ``sw.train`` does; two wait for each other when a core is busy."""
    torch.set_num_threads(1)
