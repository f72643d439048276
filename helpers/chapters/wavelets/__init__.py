"""What the chapter on wavelets draws and measures."""
