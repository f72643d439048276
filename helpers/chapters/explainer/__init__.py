"""What the chapter on the Explainer draws and measures."""
