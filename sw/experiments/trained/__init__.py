"""What the experiments train, and what it is compared with."""
