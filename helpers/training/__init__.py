"""Training with Lightning: a resumable `fit`, options, recipes for classifiers, and model cards."""
