"""Measure what the package costs, as ratios of things timed alternately in one run."""
