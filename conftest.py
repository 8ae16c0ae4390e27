"""What all tests share: numpy and torch compute on one thread."""

import os

# Tests run side by side, and threads of one wait for each other while the others keep the cores
# busy. The commands train on one thread, too. It is read when the libraries are loaded, so it is
# said here, and holds for all processes that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")
