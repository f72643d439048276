"""What the figure notebooks draw, and what they compute from tables of numbers: choices, claims, intervals, words.

Notebooks import from its modules, so that each depends on those that it uses.
"""
