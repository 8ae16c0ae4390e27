"""What is right: bit order, network file, reference arithmetic, link frames. Needs numpy only."""
