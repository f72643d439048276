"""Training with Lightning: one `fit` that resumes, options, recipes for classifiers, and model cards."""
