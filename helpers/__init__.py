"""What the notebooks of *Keep What Matters* share: explanation methods, their data, protocols and pictures."""
