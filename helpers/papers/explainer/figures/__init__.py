"""The figures and tables of the Explainer's paper: a file's name is the figure's id."""
