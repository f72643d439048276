"""The exercises of each chapter, with the right answer, typical wrong ones, and hints: one module for each page."""
