"""Pictures and measures of the chapters on VQ-VAE, SpaCE-VAE and kept images."""
