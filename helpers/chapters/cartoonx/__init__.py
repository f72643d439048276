"""Scores and drawings of the chapter on CartoonX."""
