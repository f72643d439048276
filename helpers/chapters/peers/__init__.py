"""The chapter on the Explainer's peers: the methods and their settings, and measures of their masks."""
