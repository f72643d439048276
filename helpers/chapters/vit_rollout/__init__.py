"""Pictures and measures of the chapter on attention rollout."""
