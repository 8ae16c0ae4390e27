"""From signals to what golden has: bits, pixels, layers, maps and scores."""
