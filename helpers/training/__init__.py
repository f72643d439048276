"""Training of the small classifiers that come with the book, with Lightning: resumable, seeded, on CPU or GPU."""

from helpers.training.evaluation import Evaluation, evaluate_scene_classifier
from helpers.training.options import TrainingOptions
from helpers.training.train import Training, train_scene_classifier

__all__ = ["Evaluation", "Training", "TrainingOptions", "evaluate_scene_classifier", "train_scene_classifier"]
