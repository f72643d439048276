"""The figures and tables of the SpaCE-VAE paper: a file's name is the figure's id."""
