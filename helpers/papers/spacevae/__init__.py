""" "SpaCE-VAE"."""
