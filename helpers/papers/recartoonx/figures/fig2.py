"""Figure 2 of [Re] CartoonX: misclassified images and their explanations."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pandas as pd
import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.statistics import mean_effect
from helpers.data.photographs import ImageSet, scene_images
from helpers.data.scenes import Scenes, make_scenes
from helpers.metrics.truth_scores import region_of_class, relevance_mass_accuracy
from helpers.papers.recartoonx.experiments import Study
from helpers.papers.recartoonx.figures.pictures import pictures_of
from helpers.reporting.pictures import draw_groups

SHARD = 64  # number of scenes drawn and classified at a time


@dataclass(frozen=True)
class Screened:
    """The first misclassified images.

    Attributes:
        images: the images.
        predictions: the predicted classes.
        confidence: the probabilities of these classes.
        truth: the scenes with their objects; None for photographs.
        classified: the number of classified images with a known label.
        wrong: the number of misclassified ones, of which `images` may hold only the first.
    """

    images: ImageSet
    predictions: Int[Tensor, " count"]
    confidence: Float[Tensor, " count"]
    truth: Scenes | None
    classified: int
    wrong: int


def screen(study: Study, *, most: int = 2048, keep: int = 8) -> Screened | None:
    """The first `keep` misclassified images; None if there are none.

    Scenes of the profile's series are drawn until enough are found, at most `most`. Photographs are those of the
    profile that have a label.
    """
    if study.profile.images.source == "scenes":
        return _screen_scenes(study, most, keep)
    classes, confidence = study.predictions
    labels = study.images.labels
    wrong = torch.nonzero((labels >= 0) & (classes != labels))[:, 0]
    if len(wrong) == 0:
        return None
    rows = wrong[:keep].tolist()
    images = study.images.select(*(study.images.names[row] for row in rows))
    labelled = int((labels >= 0).sum())
    return Screened(images, classes[rows], confidence[rows], None, classified=labelled, wrong=len(wrong))


def wrong_class_on_kept_part(screened: Screened, explanation: Explanation, study: Study) -> pd.DataFrame:
    """What the classifier says of the kept part alone: if it does not see the wrong class there, we can hardly either.

    Returns:
        Columns wrong_class (the probability of the wrong class) and repeated (whether it is the likeliest again), by
        image.
    """
    with torch.no_grad():
        probabilities = study.classifier(explanation.kept.to(study.device)).softmax(-1).cpu()
    wrong = screened.predictions
    values = {
        "wrong_class": probabilities.gather(1, wrong[:, None])[:, 0].tolist(),
        "repeated": (probabilities.argmax(1) == wrong).tolist(),
    }
    return pd.DataFrame(values, index=pd.Index(screened.images.names, name="image"))


def kept_part_table(screened: Screened, study: Study) -> pd.DataFrame:
    """`wrong_class_on_kept_part` of both methods: columns image, wrong_class, repeated, and those with _pixel_rde.

    Args:
        screened: the misclassified images.
        study: the study of these images alone.
    """
    cartoonx, pixel = (
        wrong_class_on_kept_part(screened, study.explain(method), study) for method in ("cartoonx", "pixel-rde")
    )
    return cartoonx.join(pixel.add_suffix("_pixel_rde")).reset_index()


def wrong_class_shares(screened: Screened, masks: Float[Tensor, "count 1 height width"]) -> pd.DataFrame:
    """Whether the scene shows the wrong class, and the share of the relevance on it.

    Returns:
        Columns image, predicted_class_is_there, inside_predicted (the share of the mask's mass on the wrong class),
        area_predicted (that class's share of the image); the last two are nan if the scene does not show it.

    Raises:
        ValueError: the images are not scenes, so that their truth is not known.
    """
    if screened.truth is None:
        raise ValueError("only scenes have a known truth; these images are photographs")
    region = region_of_class(screened.truth, screened.predictions)
    present = region.flatten(1).any(1)
    inside, area = relevance_mass_accuracy(masks, region), region.float().mean((1, 2, 3))
    return pd.DataFrame(
        {
            "image": screened.images.names,
            "predicted_class_is_there": present.tolist(),
            "inside_predicted": inside.masked_fill(~present, torch.nan).tolist(),
            "area_predicted": area.masked_fill(~present, torch.nan).tolist(),
        }
    )


@dataclass(frozen=True)
class Mistakes:
    """The misclassified images with their explanations.

    Attributes:
        screened: the images and their predictions.
        study: the study that explains them.
        table: one row per image, in descending order of CartoonX's wrong_class: image, wrong_class and repeated of
            CartoonX and, with the ending _pixel_rde, of Pixel RDE (see `wrong_class_on_kept_part`), prediction,
            confidence, label; for scenes also the columns of `wrong_class_shares`.
    """

    screened: Screened
    study: Study
    table: pd.DataFrame

    @property
    def seconds(self) -> float:
        """The seconds of their explanations by both methods."""
        return sum(sum(self.study.seconds(method)) for method in ("cartoonx", "pixel-rde"))


def find_mistakes(study: Study, *, most: int = 2048, keep: int = 8) -> Mistakes | None:
    """Explain the misclassified images among those of a study (see `screen`); None if there are none."""
    screened = screen(study, most=most, keep=keep)
    if screened is None:
        return None
    wrong = Study(study.profile, root=study.root, images=screened.images)
    names = study.classifier.class_names
    table = kept_part_table(screened, wrong)
    table["prediction"] = [names[index] for index in screened.predictions.tolist()]
    table["confidence"] = screened.confidence.tolist()
    table["label"] = [names[index] for index in screened.images.labels.tolist()]
    if screened.truth is not None:
        table = table.merge(wrong_class_shares(screened, wrong.explain("cartoonx").mask), on="image")
    table = table.sort_values("wrong_class", ascending=False, kind="stable").reset_index(drop=True)
    return Mistakes(screened, wrong, table)


def mistake_words(mistakes: Mistakes | None, shown: int) -> str:
    """The number of misclassified images and their order, in Markdown."""
    if mistakes is None:
        return "**The classifier gets every image of this profile right, so there is nothing to show here.**"
    screened, explained = mistakes.screened, len(mistakes.table)
    return (
        f"It misclassified {screened.wrong} of {screened.classified} images; {explained} of these are explained. "
        "They are ordered by the probability of the wrong class on the part that CartoonX keeps: the "
        f"{min(shown, explained)} highest are on the left, the {min(shown, max(explained - shown, 0))} lowest on the "
        "right."
    )


def draw_mistakes(mistakes: Mistakes | None, shown: int) -> Figure | None:
    """The images whose kept part shows the wrong class most clearly, and least clearly; None without mistakes."""
    if mistakes is None:
        return None
    rows = mistakes.table.set_index("image")
    order = list(rows.index)
    sides = {"wrong class is kept": order[:shown], "wrong class is lost": order[shown:][-shown:]}
    titles = {
        row.Index: f"says {row.prediction}, {row.confidence:.0%}\nis {row.label}\nkept part {row.wrong_class:.0%}"
        for row in rows.itertuples()
    }
    study = mistakes.study
    return draw_groups(
        [
            pictures_of(study, study.images.select(*images), head, [titles[image] for image in images])
            for head, images in sides.items()
            if images
        ]
    )


def wrong_class_words(mistakes: Mistakes | None) -> str:
    """How often the scene shows the wrong class, and whether the relevance lies on it; empty for photographs."""
    if mistakes is None or mistakes.screened.truth is None:
        return ""
    table = mistakes.table
    present = table["predicted_class_is_there"]
    lift = mean_effect((table["inside_predicted"] - table["area_predicted"])[present], limits=(-1, 1))
    return (
        f"On {present.sum()} of these {len(table)} images the wrong class is in the scene after all, as a smaller "
        "object: the classifier recognised it, but the label is the class of the largest object. There the share of "
        "CartoonX's relevance on the smaller object exceeds the object's share of the image by "
        f"{lift} on average. Above 0, the explanation points at the object that the classifier took for the largest. "
        "Such a mistake is a second object, not an outline that resembles another class, as in the paper."
    )


def photograph_words(explanations: pd.DataFrame) -> str:
    """How often the classifier repeats its mistake on the kept part of a photograph alone."""
    labelled = explanations[explanations["label"] >= 0]
    mistakes = labelled[labelled["label"] != labelled["prediction"]]
    same = mistakes["kept_prediction"] == mistakes["prediction"]
    kept = same.groupby(mistakes["method"]).sum()
    return (
        f"Of {labelled['image'].nunique()} photographs of ImageNet, the classifier misclassifies "
        f"{mistakes['image'].nunique()}. On the kept part alone, it repeats its mistake on "
        f"{kept.get('cartoonx', 0)} of them with CartoonX, and on {kept.get('pixel-rde', 0)} with Pixel RDE (numbers "
        "of the table `explanations`). The pictures may not be published here; `make figure ID=recartoonx-fig2 "
        "PROFILE=study` draws them for you."
    )


def _screen_scenes(study: Study, most: int, keep: int) -> Screened | None:
    settings = study.profile.images
    options = {"size": settings.size, "seed": settings.seed, "objects": settings.objects}
    mistakes: list[tuple[int, int, float]] = []  # number in the series, predicted class, its probability
    start = 0
    while start < most and len(mistakes) < keep:
        scenes = make_scenes(min(SHARD, most - start), start=start, **options)
        classes, confidence = (values.cpu() for values in study.classifier.predict(scenes.images.to(study.device)))
        rows = torch.nonzero(classes != scenes.label)[:, 0].tolist()
        mistakes += [(start + row, int(classes[row]), float(confidence[row])) for row in rows]
        start += len(scenes)
    if not mistakes:
        return None
    numbers, classes, confidence = zip(*mistakes[:keep], strict=True)
    drawn = [scene_images(1, start=number, **options) for number in numbers]
    images = ImageSet(
        names=tuple(image.names[0] for image in drawn),
        images=torch.cat([image.images for image in drawn]),
        labels=torch.cat([image.labels for image in drawn]),
        digests=tuple(image.digests[0] for image in drawn),
        licence=drawn[0].licence,
    )
    truths = [make_scenes(1, start=number, **options) for number in numbers]
    truth = Scenes(**{f.name: torch.cat([getattr(truth, f.name) for truth in truths]) for f in fields(Scenes)})
    return Screened(
        images, torch.tensor(classes), torch.tensor(confidence), truth, classified=start, wrong=len(mistakes)
    )
