"""Image classifiers of any origin behind one interface: pixels in [0, 1] to logits, frozen."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Classifier": "helpers.classifiers.classifier",
        "WeightsUnavailableError": "helpers.classifiers.hubs",
        "load_classifier": "helpers.classifiers.loading",
        "WeightsFile": "helpers.classifiers.weight_files",
        "read_weights": "helpers.classifiers.weight_files",
        "save_weights": "helpers.classifiers.saving",
    },
)
