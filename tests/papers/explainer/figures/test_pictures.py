"""Figures of "What You See is What You Classify": measures of masks that are known, and what is drawn."""

from __future__ import annotations

import math

import matplotlib as mpl
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from helpers.chapters.explainer.retraining import retraining_summary
from helpers.classifiers import Classifier, load_classifier
from helpers.core.class_masks import ClassMaskMethod
from helpers.data.multilabel import class_truth, scene_truth
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.methods.explainer import Explainer, ExplainerNetwork, NetworkOptions
from helpers.papers.explainer.experiments.activations import _overlaps, activation_table
from helpers.papers.explainer.experiments.comparison import COMPARED, comparison_table
from helpers.papers.explainer.experiments.mask_measures import connected_regions, soft_pixel_fraction
from helpers.papers.explainer.experiments.several_classes import class_mask_table
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures import masks
from helpers.papers.explainer.figures.comparison import comparison_summary, draw_comparison, least_exact
from helpers.papers.explainer.figures.fig1 import draw_class_masks, framed
from helpers.papers.explainer.figures.fig2 import ExplainedImage, draw_overview
from helpers.papers.explainer.figures.masks import drawn_methods, last_map_cells, present_pairs
from helpers.papers.explainer.figures.page import stands_for
from helpers.papers.explainer.figures.top_classes import draw_top_classes
from helpers.papers.explainer.measures.retraining import masked_change, retraining_measures
from helpers.profiles import load_profile

SCENES = make_scenes(6, size=32, seed=21, objects=(2, 2))


class Seeing(Explainer):
    """An Explainer that knows: the present classes' masks are their objects, all others are empty."""

    def class_masks(self, images, classes=None, *, show_progress=False):
        return class_truth(SCENES)[: len(images)].float()


class KnownStudy(ClassStudy):
    """Five scenes of two objects with masks that are known: the Explainer's are the truth, all others plain shapes."""

    def __init__(self) -> None:
        super().__init__(load_profile("quick", needs="explainer"))
        self.__dict__["segmented"] = scene_truth(SCENES)
        self.__dict__["images"] = self.segmented.images
        self.__dict__["scenes"] = SCENES
        arguments = {"layers": [1, 1, 1, 1], "channels": [4, 4, 4, 4], "stem_width": 4, "num_classes": 10}
        self.__dict__["classifier"] = load_classifier("resnet10t", weights="random", model_args=arguments)

    def method(self, name: str) -> ClassMaskMethod:
        return Seeing(ExplainerNetwork(NetworkOptions(widths=(4, 4, 4, 4)), 10), self.classifier)

    def masks(self, name, count=None, *, images=None, classes=None):
        some = self.segmented.images[:count] if images is None else images
        wanted = some.labels if classes is None else classes
        truth = torch.stack([class_truth(SCENES)[self.segmented.images.names.index(one)] for one in some.names]).float()
        masks = {
            "explainer": truth,
            "rtis": torch.ones_like(truth),
            "igos++": truth * (torch.arange(32) % 2),
            "grad-cam": torch.full_like(truth, 0.5),
        }.get(name, 0.3 + 0.4 * truth)
        return masks * wanted[..., None, None]


@pytest.fixture(scope="module")
def study():
    return KnownStudy()


class TestComparison:
    def test_scores_of_known_masks(self, study):
        table = comparison_table(study, 4)
        assert len(table) == 4 * len(COMPARED)
        exact = table[table["method"] == "explainer"]
        for column in ("iou", "inside", "covered"):
            assert exact[column].tolist() == pytest.approx([1] * 4)
        areas = study.segmented.objects[:4].mean((1, 2)).tolist()
        assert exact["area"].tolist() == pytest.approx(areas)
        everything = table[table["method"] == "rtis"]
        assert everything["inside"].tolist() == pytest.approx(areas)
        assert everything["iou"].tolist() == pytest.approx(areas)
        assert exact["least_covered"].tolist() == pytest.approx([1] * 4)
        assert set(table["classes"]) == {2}
        grey = table[table["method"] == "grad-cam"].set_index("image")
        assert set(grey["between"]) == {1.0}
        assert grey["least_covered"].tolist() == pytest.approx([0.5] * 4)
        assert grey["covered"].tolist() == pytest.approx([0.5] * 4)

    def test_pixels_that_do_not_count_are_left_out(self, study):
        table = comparison_table(study, 2)
        truth = study.segmented
        other = KnownStudy()
        counted = truth.objects.bool()  # nothing but the objects counts: each mask lies inside
        other.__dict__["segmented"] = type(truth)(truth.images, truth.objects, counted, truth.instances)
        inside = comparison_table(other, 2).query("method == 'rtis'")
        assert inside["inside"].tolist() == [1, 1]
        assert inside["area"].tolist() == [1, 1]
        assert table.query("method == 'rtis'")["inside"].max() < 1

    def test_a_row_a_method_and_the_least_exact(self, study):
        table = comparison_table(study, 3)
        assert list(comparison_summary(table)["method"])[-1] == "Explainer"
        worse = table["method"].eq("explainer") & table["image"].eq(table["image"].iloc[1])
        table.loc[worse, "iou"] = 0.2
        assert least_exact(table, 1) == [table["image"].iloc[1]]

    def test_the_figure(self, study):
        figure = draw_comparison(study, comparison_table(study, 4), inexact=1)
        assert isinstance(figure, Figure)
        assert len(figure.axes) == 4 * (2 + len(COMPARED) - 1), "Grad-CAM's map has one place at 32 px"
        words = {text.get_text() for text in figure.texts}
        assert {"first images", "least exact", "RTIS", "objects"} <= words


class TestConnectedRegions:
    def test_by_hand(self):
        masks = torch.zeros(3, 10, 10)
        masks[0, :2, :2] = 1.0
        masks[0, 5:, 5:] = 0.6
        masks[1] = 0.5  # not above one half
        masks[2].fill_diagonal_(1.0)  # pixels that touch at corners are not connected
        assert connected_regions(masks).tolist() == [2, 0, 10]

    def test_small_regions_do_not_count(self):
        masks = torch.zeros(1, 20, 20)
        masks[0, 0, :3] = 1.0
        masks[0, 10, :4] = 1.0
        assert connected_regions(masks).tolist() == [1]


def test_between_by_hand():
    masks = torch.tensor([[[0.0, 0.05], [0.5, 1.0]], [[0.2, 0.3], [0.4, 0.5]]])
    assert soft_pixel_fraction(masks).tolist() == [0.25, 1.0]


class TestClassMasks:
    def test_own_and_other_objects(self, study):
        table = class_mask_table(study, 6)
        assert len(table) == 3 * int(SCENES.labels.sum())
        exact = table[table["method"] == "explainer"]
        assert exact["own"].tolist() == pytest.approx([1] * len(exact))
        assert exact["other"].max() == 0
        grey = table[table["method"] == "grad-cam"].set_index(["image", "class"])
        truth = class_truth(SCENES)
        for row, name in enumerate(study.segmented.images.names):
            first, second = SCENES.labels[row].nonzero()[:, 0].tolist()
            assert grey.loc[(name, SCENE_CLASSES[first]), "other"] == pytest.approx(
                float(truth[row, second].float().mean())
            )

    def test_images_and_classes_of_figure_one(self):
        labels = torch.tensor([[1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1]]).bool()
        assert present_pairs(labels, 2, 3) == ([1, 2], [0, 1, 2])
        assert present_pairs(labels, 1, 4) == ([1], [0, 1, 2, 3])

    @pytest.mark.parametrize(("cells", "drawn"), [((3, 7), ("rise",)), ((4, 4), ("grad-cam", "rise"))])
    def test_grad_cam_is_drawn_where_its_map_is_fine_enough(self, study, monkeypatch, cells, drawn):
        monkeypatch.setattr(masks, "last_map_cells", lambda study: cells)
        assert drawn_methods(study, ["grad-cam", "rise"]) == drawn

    def test_the_figure(self, study):
        figure = draw_class_masks(study, 2, 4)
        assert len(figure.axes) == 2 * 2 * (1 + 4)
        assert [figure.axes[5 * row].get_title() for row in range(2)] == ["Explainer", "EP"]

    def test_frames_are_green_where_the_class_is_shown(self):
        mask = torch.zeros(24, 24)
        green = torch.tensor(mpl.colors.to_rgb("#009E73"))
        shown, absent = framed(mask, True), framed(mask, False)
        assert shown.shape == (3, 26, 26)
        torch.testing.assert_close(shown[:, 0, 5], green)
        assert absent[:, 0, 5].tolist() == [1, 1, 1]
        assert torch.equal(shown[:, 1:-1, 1:-1], absent[:, 1:-1, 1:-1])


class TestActivations:
    def test_a_row_an_image_and_class(self, study):
        table = activation_table(study, 6)
        assert len(table) == 60
        assert table["present"].sum() == int(SCENES.labels.sum())
        row = table[(table["image"] == study.images.names[3]) & (table["class"] == "ring")].iloc[0]
        k = SCENE_CLASSES.index("ring")
        assert row["ama"] == pytest.approx(100 * float(class_truth(SCENES)[3, k].float().mean()))
        with torch.no_grad():
            score = study.classifier(study.images.images()[3:4])[0, k].sigmoid()
        assert row["cls"] == pytest.approx(100 * float(score), rel=1e-4)
        assert row["area"] == pytest.approx(row["ama"], rel=1e-5)  # its mask is the object

    def test_overlap_is_the_share_that_another_mask_covers(self):
        masks = torch.zeros(3, 2, 2)
        masks[0] = torch.tensor([[1.0, 0.5], [0.5, 0.0]])
        masks[1] = torch.tensor([[0.5, 0.0], [0.0, 0.0]])
        first, second, third = _overlaps(masks).tolist()
        assert (first, second) == (0.25, 1.0)
        assert math.isnan(third)  # an empty mask

    def test_the_figure(self, study):
        figure = draw_top_classes(study, 3, 2)
        titles = [axes.get_title() for axes in figure.axes]
        assert len(titles) == 12
        areas = 100 * class_truth(SCENES)[0].float().mean((1, 2))
        name = SCENE_CLASSES[int(areas.argmax())]
        assert titles[2].startswith(f"{name} **\nAMA {float(areas.max()):.1f}\nCLS ")

    def test_an_empty_mask_is_not_drawn(self, study):
        figure = draw_top_classes(study, 3, 5)
        empty = ["AMA 0.0" in axes.get_title() for axes in figure.axes]
        drawn = [bool(axes.images) for axes in figure.axes]
        assert drawn == [not each for each in empty]
        assert ["empty" in [text.get_text() for text in axes.texts] for axes in figure.axes] == empty
        assert any(empty), "no scene shows five classes"


def test_the_overview_holds_all_parts(study):
    masks = class_truth(SCENES)[0].float()
    classifier = study.classifier
    assert isinstance(classifier, Classifier)
    figure = draw_overview(
        classifier, ExplainedImage("a", SCENES.images[0], masks, SCENES.labels[0], SCENE_CLASSES, pd.DataFrame())
    )
    titles = {axes.get_title() for axes in figure.axes}
    assert {"image x", "target mask m", "inverted mask 1 − m", "non-target mask n", "x ⊙ m", "x ⊙ (1 − m)"} <= titles
    bars = next(axes for axes in figure.axes if axes.get_title() == "p̃, softmax")
    with torch.no_grad():
        left = classifier((SCENES.images[0] * (1 - masks[SCENES.labels[0]].amax(0)))[None])[0].softmax(0)
    assert [bar.get_width() for bar in bars.patches] == pytest.approx(left.tolist(), rel=1e-4)


def test_what_stands_for_what(study):
    words = stands_for(study, grad_cam=True)
    assert "not the paper's images and networks" in words
    assert "scenes A with 1 to 2 objects for VOC-2007" in words
    assert "`scenes-multilabel` for VGG-16" in words
    assert "masked" in words
    assert f"{last_map_cells(study)[0]} × " in words
    both = stands_for(study, pairs=True)
    assert "scenes B with 3 to 4 objects for COCO-2014" in both
    assert "`scenes-shortcut` for ResNet-50 (trained with a planted mark)" in both


class TestRetraining:
    def table(self):
        rows = []
        for name, leaning, found in (("original", 0.9, 1), ("plain", 0.8, 1), ("masked", 0.2, 2)):
            for image in range(12):
                shows = image % 2 == 0
                for condition in ("plain", "mark", "objects", "background"):
                    probability = leaning if condition == "mark" else 0.1
                    yes = found if condition == "objects" else 2
                    rows.append((name, condition, image, shows, probability, yes, 1, 7, 2 - yes))
        columns = ["classifier", "condition", "image", "shows", "probability"]
        return pd.DataFrame(
            rows, columns=[*columns, "true_positives", "false_positives", "true_negatives", "false_negatives"]
        )

    def test_measures(self):
        measures = retraining_measures(self.table()).set_index(["classifier", "image"])
        assert measures.loc[("plain", 1), "label_alone"] == 0.8
        assert pd.isna(measures.loc[("plain", 0), "label_alone"])
        assert measures.loc[("masked", 0), "object_alone"] == 0.1
        assert measures.loc[("plain", 0), "object_recall"] == 0.5
        assert measures.loc[("plain", 0), "accuracy"] == 0.9
        assert measures.loc[("plain", 0), "background_positives"] == 1

    def test_comparison_is_with_training_as_long(self):
        changes = [masked_change(self.table(), name) for name in ("label_alone", "object_recall", "accuracy")]
        assert [effect.value for effect in changes] == pytest.approx([-0.6, 0.5, 0])
        assert [effect.count for effect in changes] == [6, 12, 12]
        assert len(retraining_summary(self.table())) == 3
