"""Small images with one label each: scenes of 32 px and CIFAR-10."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "CIFAR10_CLASSES": "helpers.data.labelled.cifar",
        "LabelledImages": "helpers.data.labelled.data",
        "LOSSY": "helpers.data.labelled.loading",
        "load_labelled": "helpers.data.labelled.loading",
    },
)
