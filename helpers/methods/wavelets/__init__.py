"""The discrete wavelet transform of images and its inverse: differentiable and batched."""

from helpers.methods.wavelets.transform import WaveletTransform

__all__ = ["WaveletTransform"]
