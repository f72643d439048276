"""The methods that an Explainer is compared with, batched over images and classes, behind the same interface."""

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
        "DeepLIFT": "helpers.methods.baselines.signed",
        "FeatureAblation": "helpers.methods.baselines.signed",
        "IntegratedGradients": "helpers.methods.baselines.signed",
        "SignedAttribution": "helpers.methods.baselines.signed",
        "choose_threshold": "helpers.methods.baselines.signed",
        "signed_attributions": "helpers.methods.baselines.signed",
        "sweep_thresholds": "helpers.methods.baselines.signed",
        "threshold_images": "helpers.methods.baselines.signed",
        "to_unit_range": "helpers.methods.baselines.signed",
    },
)
