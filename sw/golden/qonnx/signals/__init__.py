"""The values inside a graph that depend on its input."""
