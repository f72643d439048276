"""The digital shearlet transform of images and its inverse: a Parseval frame, differentiable and batched."""

from helpers.methods.shearlets.transform import ShearletTransform

__all__ = ["ShearletTransform"]
