"""The Snakefile on a cluster of one node: whether its figures are those of a run without one."""
