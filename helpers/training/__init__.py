"""Training of the small classifiers that come with the book, with Lightning: resumable, seeded, on CPU or GPU."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Evaluation": "helpers.training.evaluation",
        "evaluate_scene_classifier": "helpers.training.evaluation",
        "TrainingOptions": "helpers.training.options",
        "Training": "helpers.training.train",
        "train_scene_classifier": "helpers.training.train",
    },
)
