"""Runs of real kernels, to compare the specification with, and how to get those kernels."""
