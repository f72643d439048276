"""What the chapter on attention rollout draws and measures."""
