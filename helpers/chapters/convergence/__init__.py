"""Drawings, searches and words of the page on convergence."""
