"""Bad input: generated files, tensors, models and settings, each of which is explained rightly or refused clearly.

`python -m benchmarks.fuzz --inputs 10000` prints a table; its exit status is 1 if one input was handled otherwise.
`table.csv` is that run of 28 November 2026, on two busy cores. Two of its 10,000 inputs were unclear, an infinite
learning rate that was accepted; the options of methods, where they were found, ran again once that was mended.
"""
