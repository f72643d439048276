"""Bad input: generated files, tensors, models and settings, each of which is explained rightly or refused clearly.

`python -m benchmarks.fuzz --inputs 10000` prints a table; its exit status is 1 if one input was handled otherwise.
"""
