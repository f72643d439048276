"""The Gaussian in the centre against SciPy's density."""

import numpy as np
from scipy.stats import norm

from helpers.core.centre import CENTRE_SIGMA, centre_gaussian


def test_it_is_the_product_of_two_normal_densities():
    height, width = 12, 31
    rows, columns = (
        norm.pdf((np.arange(n) + 0.5) / n, loc=0.5, scale=CENTRE_SIGMA) / norm.pdf(0.5, loc=0.5, scale=CENTRE_SIGMA)
        for n in (height, width)
    )
    np.testing.assert_allclose(centre_gaussian(height, width), np.outer(rows, columns), rtol=1e-5)
