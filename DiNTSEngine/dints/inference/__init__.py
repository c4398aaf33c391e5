"""Sliding window, ensemble, cleanup, and the way back to the grid of the input."""
