"""Pictures and measures of the chapter on the Explainer."""
