"""The three papers: their published values, their experiments and their figures."""
