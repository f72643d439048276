"""Pictures and measures of the chapter on SpaCE-VAE."""
