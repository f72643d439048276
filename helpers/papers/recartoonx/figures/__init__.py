"""The figures and tables of [Re] CartoonX: a file's name is the figure's id."""
