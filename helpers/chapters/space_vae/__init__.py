"""What the chapter on SpaCE-VAE draws and measures."""
