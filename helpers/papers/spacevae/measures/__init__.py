"""The quantities that decide the claims of SpaCE-VAE, each a function from tables to an effect over images."""
