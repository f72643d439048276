"""The methods that the book's methods are compared with, batched over images and classes, with one interface."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "ExtremalOptions": "helpers.methods.baselines.extremal",
        "ExtremalPerturbation": "helpers.methods.baselines.extremal",
        "GradCAM": "helpers.methods.baselines.grad_cam",
        "GradCAMOptions": "helpers.methods.baselines.grad_cam",
        "IGOSOptions": "helpers.methods.baselines.igos",
        "IGOSPlusPlus": "helpers.methods.baselines.igos",
        "OcclusionMaps": "helpers.methods.baselines.occlusion",
        "OcclusionOptions": "helpers.methods.baselines.occlusion",
        "RISE": "helpers.methods.baselines.rise",
        "RISEOptions": "helpers.methods.baselines.rise",
        "RTISLoss": "helpers.methods.explainer.rtis",
        "RTISOptions": "helpers.methods.explainer.options",
        "rtis_loss": "helpers.methods.explainer.rtis",
        "WAM": "helpers.methods.baselines.wam",
        "WAMOptions": "helpers.methods.baselines.wam",
        "DeepLIFT": "helpers.methods.baselines.attribution_methods",
        "FeatureAblation": "helpers.methods.baselines.attribution_methods",
        "IntegratedGradients": "helpers.methods.baselines.attribution_methods",
        "AttributionMethod": "helpers.methods.baselines.attribution_methods",
        "choose_threshold": "helpers.methods.baselines.attribution_methods",
        "SmoothGrad": "helpers.methods.baselines.smooth_grad",
        "KernelSHAP": "helpers.methods.baselines.surrogates",
        "LIME": "helpers.methods.baselines.surrogates",
        "attribution_method": "helpers.methods.baselines.attribution_methods",
        "sweep_thresholds": "helpers.methods.baselines.attribution_methods",
        "threshold_images": "helpers.methods.baselines.attribution_methods",
        "to_unit_range": "helpers.methods.baselines.attribution_methods",
    },
)
