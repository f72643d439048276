"""Training recipes of the book's classifiers, one module per kind of classifier."""
