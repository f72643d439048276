"""Faults at random moments of a study, and what is left of its results: `python -m benchmarks.faults`."""
