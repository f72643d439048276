"""The Explainer: a network that explains a classifier by one mask per class, in a single forward pass."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "apply_mask": "helpers.core.masking",
        "baseline_colour": "helpers.core.masking",
        "target_and_other_masks": "helpers.methods.explainer.aggregation",
        "ExplainerFile": "helpers.methods.explainer.files",
        "load_explainer": "helpers.methods.explainer.files",
        "read_explainer": "helpers.methods.explainer.files",
        "save_explainer": "helpers.methods.explainer.files",
        "ExplainerLoss": "helpers.methods.explainer.loss",
        "Explainer": "helpers.methods.explainer.method",
        "ExplainerNetwork": "helpers.methods.explainer.network",
        "ExplainerOptions": "helpers.methods.explainer.options",
        "LossOptions": "helpers.methods.explainer.options",
        "NetworkOptions": "helpers.methods.explainer.options",
    },
)
