"""The rate-distortion explanation of the papers: Pixel RDE, CartoonX, WaveletX and ShearletX."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "DualityGap": "helpers.methods.rde.convergence",
        "duality_gap": "helpers.methods.rde.convergence",
        "estimate_duality_gap": "helpers.methods.rde.convergence",
        "screen_duality_gap": "helpers.methods.rde.convergence",
        "DistortionMeasure": "helpers.methods.rde.distortions",
        "FrankWolfe": "helpers.methods.rde.frank_wolfe",
        "best_corner": "helpers.methods.rde.frank_wolfe",
        "largest_entries": "helpers.methods.rde.frank_wolfe",
        "CartoonX": "helpers.methods.rde.methods",
        "PixelRDE": "helpers.methods.rde.methods",
        "RateDistortionExplainer": "helpers.methods.rde.methods",
        "RECIPES": "helpers.methods.rde.options",
        "RDEOptions": "helpers.methods.rde.options",
        "CalibratedExplanation": "helpers.methods.rde.path",
        "RatePath": "helpers.methods.rde.path",
        "explain_at": "helpers.methods.rde.path",
        "rate_distortion_path": "helpers.methods.rde.path",
        "RateDistortion": "helpers.methods.rde.problem",
        "band_statistics": "helpers.methods.rde.problem",
        "RelevanceOrder": "helpers.methods.rde.ordering",
        "relevance_order": "helpers.methods.rde.ordering",
        "Pixels": "helpers.methods.rde.representations",
        "Representation": "helpers.methods.rde.representations",
        "Wavelets": "helpers.methods.rde.representations",
        "SpatialPenalty": "helpers.methods.rde.shearlets",
        "Shearlets": "helpers.methods.rde.shearlets",
        "ShearletX": "helpers.methods.rde.shearlets",
        "WaveletX": "helpers.methods.rde.shearlets",
    },
)
