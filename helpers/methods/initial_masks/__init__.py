"""Initial masks for the optimisation of rate-distortion explanations."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "constant_mask": "helpers.methods.initial_masks.constant",
        "MaskFile": "helpers.methods.initial_masks.files",
        "load_mask_network": "helpers.methods.initial_masks.files",
        "mask_network_names": "helpers.methods.initial_masks.files",
        "save_mask_network": "helpers.methods.initial_masks.files",
        "foreground_mask": "helpers.methods.initial_masks.foreground",
        "grabcut": "helpers.methods.initial_masks.foreground",
        "learned_mask": "helpers.methods.initial_masks.learned",
        "MaskNetwork": "helpers.methods.initial_masks.network",
        "NetworkOptions": "helpers.methods.initial_masks.network",
        "MASK_NAMES": "helpers.methods.initial_masks.starting",
        "starting_mask": "helpers.methods.initial_masks.starting",
        "WARM_START": "helpers.methods.initial_masks.warm",
        "explain_from_prediction": "helpers.methods.initial_masks.warm",
    },
)
