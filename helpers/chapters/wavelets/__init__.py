"""Pictures and measures of the chapter on wavelets."""
