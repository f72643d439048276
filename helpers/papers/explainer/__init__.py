""" "What You See is What You Classify": the Explainer."""
