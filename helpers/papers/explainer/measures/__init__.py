"""The quantities that decide the claims of "What You See is What You Classify": tables in, an effect over units out.

The unit is the image. A scene that is shown to two classifiers is one unit: their values are averaged or subtracted
first. Pairs of a dataset and a classifier that the paper separates are never pooled. Slow methods may have fewer
images than others; methods are compared on the images that all of them have.
"""
