"""The quantities that decide the claims of [Re] CartoonX, each a function from tables to an effect over images.

The claims are in `helpers/papers/recartoonx/claims.yaml`, which names these functions.
"""
