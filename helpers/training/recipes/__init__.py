"""How the book's classifiers are trained: one file per kind of classifier."""
