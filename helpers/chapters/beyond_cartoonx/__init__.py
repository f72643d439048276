"""Approximations, rates and drawings of the page beyond CartoonX."""
