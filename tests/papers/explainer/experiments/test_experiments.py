"""The tables about class masks, on a few tiny scenes with random networks: what they hold, what is not done twice."""

import jaxtyping
import numpy as np
import pandas as pd
import pytest
import torch

from helpers.core.class_masks import ClassMaskMethod
from helpers.data.scenes import SCENE_CLASSES
from helpers.methods.explainer import ExplainerFile, ExplainerNetwork, NetworkOptions, save_explainer
from helpers.metrics.segmentation import SANITY_COLUMNS
from helpers.papers.explainer.experiments import (
    METHODS,
    ClassStudy,
    all_pairs,
    build_method,
    comparison,
    published_class_scores,
    published_decisions,
    shortcut_pairs,
    table_of_pairs,
)
from helpers.papers.explainer.experiments.class_scores import COMPARED, chosen_classes
from helpers.papers.explainer.experiments.class_truth import class_truth_table
from helpers.papers.explainer.experiments.methods import IMMEDIATE
from helpers.papers.explainer.experiments.pairs import open_studies
from helpers.papers.explainer.experiments.segmentation import segmentation_table
from helpers.profiles import load_profile
from helpers.results import TABLES, code_digest, read_provenance

SEARCHES = {
    "rise": {"masks": 8},
    "extremal-perturbation": {"steps": 2, "areas": [0.1]},
    "igos++": {"iterations": 1, "integration_steps": 1, "cells": 8},
}


@pytest.fixture(scope="module")
def profile():
    """The quick profile, made much smaller."""
    quick = load_profile("quick", needs="explainer")
    settings = quick.explainer
    small = {"train": 8, "validation": 8, "test": 40, "segmented": 4}
    datasets = {name: data.model_copy(update=small) for name, data in settings.datasets.items()}
    evaluation = settings.evaluation.model_copy(update={"images": 3, "scores": 4, "pairs": 2})
    changes = {"size": 32, "datasets": datasets, "evaluation": evaluation, "baselines": SEARCHES}
    section = settings.model_copy(update=changes)
    return quick.model_copy(update={"explainer": section, "batch_size": 2})


class TinyStudy(ClassStudy):
    """A study whose trained networks have random weights, in the folder of its results."""

    def weights_file(self, ending):
        if not ending:
            return super().weights_file(ending)
        path = self.root / "weights" / f"{self.classifier_name}-{ending}.safetensors"
        if not path.is_file():
            network = ExplainerNetwork(NetworkOptions(widths=(4, 4, 4, 4)), len(SCENE_CLASSES), seed=len(ending))
            about = ExplainerFile(ending, self.explained.name, self.classifier.digest, 32, SCENE_CLASSES)
            save_explainer(path, network, about)
        return path


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def study(profile, root):
    return TinyStudy(profile, root=root)


@pytest.fixture(scope="module")
def tables(study):
    # Grad-CAM has its classifier answer once for each pair of an image and a class: other shapes than are declared
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        names = [table.name for table in TABLES.values() if table.paper == "explainer" and not table.on_request]
        return {name.removeprefix("explainer-"): study.table(name) for name in names}
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


class TestStudy:
    def test_it_has_the_papers_methods_in_its_order(self, study):
        methods = study.methods()
        assert tuple(methods) == METHODS
        assert all(isinstance(method, ClassMaskMethod) and method.name == name for name, method in methods.items())

    def test_the_profiles_options_reach_the_methods(self, study):
        assert study.method("rise").options.masks == 8
        assert study.method("extremal-perturbation").options.areas == (0.1,)

    def test_masks_are_those_of_the_method(self, study):
        images = study.segmented.images
        for name in ("rise", "explainer"):
            expected = study.method(name).class_masks(images.images(), images.labels)
            torch.testing.assert_close(study.masks(name), expected, atol=1e-3, rtol=0)  # stored in half precision

    def test_masks_of_other_classes_and_images_can_be_asked_for(self, study):
        wanted = torch.zeros_like(study.images.labels)
        wanted[:, 3] = True
        masks = study.masks("occlusion", 2, images=study.images, classes=wanted)
        assert masks.shape == (2, len(SCENE_CLASSES), 32, 32)
        assert bool((masks[:, [0, 1, 2, 4]] == 0).all())
        assert float(masks[:, 3].max()) > 0

    def test_finished_masks_are_not_searched_again(self, study, profile, root, monkeypatch):
        first = study.masks("extremal-perturbation", 2)
        again = TinyStudy(profile, root=root)
        monkeypatch.setattr(type(again.method("extremal-perturbation")), "class_masks", None)
        assert torch.equal(again.masks("extremal-perturbation", 2), first)
        assert all(seconds > 0 for seconds in again.seconds("extremal-perturbation", 2))
        with pytest.raises(TypeError):  # a third image has not been searched yet
            again.masks("extremal-perturbation", 3)

    def test_other_options_and_another_classifier_have_their_own_store(self, study, profile, root):
        searches = {**SEARCHES, "rise": {"masks": 9}}
        changed = profile.explainer.model_copy(update={"baselines": searches})
        keys = {
            study.mask_store("rise").key,
            TinyStudy(profile.model_copy(update={"explainer": changed}), root=root).mask_store("rise").key,
            TinyStudy(profile, classifier="resnet50", root=root).mask_store("rise").key,
            study.mask_store("occlusion").key,
        }
        assert len(keys) == 4

    def test_fast_masks_are_not_stored(self, study):
        for name in IMMEDIATE:
            with pytest.raises(ValueError, match="not stored"):
                study.seconds(name)

    def test_merged_masks_are_the_largest_of_an_images_classes(self, study):
        images = study.segmented.images
        masks = study.masks("occlusion")
        merged = study.merged_masks("occlusion", images)
        for row in range(len(images)):
            assert torch.equal(merged[row], masks[row][images.labels[row]].amax(0))

    def test_scenes_are_those_that_are_segmented(self, study):
        assert torch.equal((study.scenes.images * 255).round().byte(), study.segmented.images.pixels)
        assert torch.equal(study.class_regions().any(1), study.segmented.objects.bool())
        assert torch.equal(study.images.pixels[:4], study.segmented.images.pixels)

    def test_all_pairs_of_the_profile(self, profile):
        pairs = [(study.dataset, study.classifier_name) for study in all_pairs(profile)]
        assert pairs == [(d, c) for d in ("voc2007", "coco2014") for c in ("vgg16", "resnet50")]

    def test_what_a_profile_has_not_is_named(self, profile):
        with pytest.raises(ValueError, match="no dataset 'cub'"):
            ClassStudy(profile, "cub")
        with pytest.raises(ValueError, match="no classifier 'vit'"):
            ClassStudy(profile, classifier="vit")
        with pytest.raises(ValueError, match="section `explainer`"):
            ClassStudy(load_profile("study"))

    def test_an_unknown_method_is_named(self, study):
        with pytest.raises(ValueError, match="'lime' is not known"):
            build_method("lime", study.classifier)

    def test_a_methods_code_is_not_anothers(self, study):
        codes = {name: code_digest(type(study.method(name))) for name in METHODS}
        assert codes["explainer"] == codes["rtis"]
        assert len(set(codes.values())) == len(METHODS) - 1


class TestTables:
    def test_one_row_an_image_method_and_variant(self, tables):
        table = tables["segmentation"]
        assert len(table) == 3 * 2 * (len(METHODS) + len(SANITY_COLUMNS) + 1)
        assert set(table["method"]) == {*METHODS, *SANITY_COLUMNS, "random"}
        assert not table.isna().any().any()

    def test_the_sanity_columns_have_their_closed_forms(self, tables):
        table = tables["segmentation"].set_index("method")
        ones, halves, truth, zeros = (table.loc[name] for name in ("1", "0.5", "G.T.", "0"))
        np.testing.assert_allclose(ones["iou"], ones["truth"], rtol=1e-5)
        np.testing.assert_allclose(ones["accuracy"], ones["truth"], rtol=1e-5)
        np.testing.assert_allclose(halves["mae"], 0.5, rtol=1e-5)
        assert (truth["iou"] == 1).all()
        assert (zeros["iou"] == 0).all()
        random = table.loc["random"]
        np.testing.assert_allclose(random["area"], 0.5, atol=0.05)
        np.testing.assert_allclose(random["mae"], 0.5, atol=0.05)  # whatever the truth

    def test_variants_differ_in_the_saliency_of_hidden_pixels_alone(self, tables):
        table = tables["segmentation"].pivot(index=["image", "method"], columns="variant")
        for name in ("iou", "accuracy", "mae", "f1_50"):
            np.testing.assert_array_equal(table[name]["corrected"], table[name]["published"])
        whole = table["saliency"].xs("1", level="method")  # nothing is hidden
        np.testing.assert_allclose(whole["corrected"], whole["published"], atol=1e-5)

    def test_class_scores_have_every_mask_for_every_target(self, tables, study):
        table, names = tables["class-scores"], chosen_classes(study)
        assert set(table["mask"]) == {"none", *names}
        assert set(table["method"]) == set(COMPARED)
        assert table["probability"].between(0, 1).all()
        none = table[table["mask"] == "none"].groupby(["image", "target"])["probability"]
        assert (none.max() - none.min() < 1e-5).all()  # the same for all methods and variants

    def test_class_scores_are_of_images_that_show_the_target(self, tables, study):
        rows = dict(zip(study.images.names, study.images.labels, strict=True))
        for row in tables["class-scores"].itertuples():
            assert bool(rows[row.image][SCENE_CLASSES.index(row.target)])

    def test_decisions_count_all_classes_of_all_images(self, tables, study):
        table = tables["multilabel-scores"]
        total = table[["true_positives", "false_positives", "true_negatives", "false_negatives"]].sum(axis=1)
        assert (total == len(SCENE_CLASSES)).all()
        assert table.groupby(["variant", "input", "threshold"])["image"].nunique().eq(len(study.images)).all()
        shown = study.images.labels.sum(1).tolist()
        plain = table[(table["input"] == "plain") & (table["threshold"] == 0) & (table["variant"] == "corrected")]
        assert (plain["true_positives"] + plain["false_negatives"]).tolist() == shown

    def test_compute_times_are_of_the_same_images(self, tables):
        table = tables["compute-time"]
        assert tuple(table["method"]) == METHODS
        assert table["images"].nunique() == table["masks"].nunique() == 1
        assert (table["seconds"] > 0).all()

    def test_classes_are_counted(self, tables, study):
        table = tables["classes"].set_index("class")
        assert tuple(table.index) == SCENE_CLASSES
        assert table["images"].sum() == int(study.images.labels.sum())
        assert table["objects"].sum() == int((study.scenes.object_classes >= 0).sum())

    def test_class_truth_has_a_row_for_each_class_that_is_seen(self, tables, study):
        table = tables["class-truth"]
        assert len(table) == (len(METHODS) + 3) * int(study.segmented.images.labels[:3].sum())
        constant = table[table["method"] == "constant"]  # chance: a share of the mass as large as the class's area
        np.testing.assert_allclose(constant["mass_above_chance"], 0, atol=1e-6)
        np.testing.assert_allclose(constant["iou"], constant["area"], atol=1e-6)
        random = table[table["method"] == "random"]
        assert random["mass_above_chance"].abs().max() < 0.05
        assert (random["pixel_auroc"] - 0.5).abs().max() < 0.2
        assert table["visible"].between(0, 1, inclusive="right").all()
        assert table["pixel_auroc"].between(0, 1).all()

    def test_slow_methods_may_have_fewer_images(self, tables, profile, root, unchecked):
        evaluation = profile.explainer.evaluation.model_copy(update={"images_of": {"rise": 1, "igos++": 2}})
        fewer = profile.explainer.model_copy(update={"evaluation": evaluation})
        study = TinyStudy(profile.model_copy(update={"explainer": fewer}), root=root)
        counts = {"rise": 1, "igos++": 2}
        parts = ((segmentation_table, "segmentation", "variant"), (class_truth_table, "class-truth", "class"))
        for make, whole, key in parts:
            table, order = make(study), list(dict.fromkeys(tables[whole]["image"]))
            for name, rows in table.groupby("method"):
                assert list(dict.fromkeys(rows["image"])) == order[: counts.get(name, 3)]
                same = tables[whole].merge(rows, on=["image", "method", key], suffixes=("", "_again"))
                assert len(same) == len(rows)
                np.testing.assert_allclose(same["iou"], same["iou_again"], atol=1e-6)
        table = comparison.comparison_table(study)
        expected = {**dict.fromkeys(comparison.COMPARED, 3), **counts}
        assert table.groupby("method")["image"].nunique().to_dict() == expected

    def test_a_table_is_read_where_it_is_up_to_date(self, tables, profile, root, monkeypatch):
        again = TinyStudy(profile, root=root)
        monkeypatch.setattr(ClassStudy, "masks", None)
        monkeypatch.setattr(ClassStudy, "write", None)
        for name, table in tables.items():
            pd.testing.assert_frame_equal(again.table(f"explainer-{name}"), table)

    def test_its_provenance_says_what_it_is_of(self, tables, study, root):
        about = read_provenance(study.profile, "explainer-segmentation-voc2007-vgg16", root=root)
        assert about["dataset"] == "voc2007"
        assert about["images"] == 3
        assert about["depends"]["methods"]["rise"]["options"]["masks"] == 8
        assert about["wall_seconds"] > 0

    def test_an_unknown_table_is_named(self, study):
        with pytest.raises(ValueError, match=r"(?i)no table 'explainer-tab9'.*the tables are"):
            study.table("explainer-tab9")

    def test_pairs_are_those_of_the_paper(self, profile):
        (scores,) = open_studies(profile, "explainer-class-scores")
        assert (scores.dataset, scores.classifier_name) == ("voc2007", "vgg16")
        assert len(open_studies(profile, "explainer-segmentation")) == 4

    def test_all_pairs_in_one_table(self, profile, root):
        table = table_of_pairs(profile, "explainer-classes", root=root)
        assert set(table["dataset"]) == {"voc2007", "coco2014"}


class TestShortcut:
    def test_pairs_are_scenes_with_the_class_and_without_it(self, study):
        pairs = shortcut_pairs(study)
        assert pairs.shown.tolist() == [True, True, False, False]
        assert SCENE_CLASSES[pairs.target] == "fish"
        assert bool(pairs.marked.shortcut_present.all())
        assert not bool(pairs.without.shortcut_present.any())
        assert torch.equal(pairs.without.label[:2], torch.full((2,), pairs.target))

    def test_scores_of_scenes_without_the_class_are_of_the_marked_version(self, tables):
        table = tables["shortcut"]
        assert len(table) == len(METHODS) * (4 + 2)
        assert bool(table[~table["shown"]]["marked"].all())
        assert table["over_background"].between(0, 1).all()

    def test_what_the_mark_adds_is_the_difference_of_the_answers(self, tables):
        rows = tables["shortcut"]
        rows = rows[rows["shown"] & (rows["method"] == "rise")].pivot(index="image", columns="marked")
        change = rows["logit"][True] - rows["logit"][False]
        np.testing.assert_allclose(change, rows["logit_change"][True], atol=1e-4)


class TestPublished:
    def test_table_one_is_whole(self):
        table = published_class_scores()
        assert len(table) == 4 * 5 * 6
        cell = table[(table["method"] == "explainer") & (table["target"] == "dog") & (table["mask"] == "dog")]
        assert cell["probability"].item() == pytest.approx(0.5760)

    def test_the_f_scores_of_table_four_are_those_of_its_precision_and_recall(self):
        table = published_decisions()
        expected = 2 / (1 / table["precision"] + 1 / table["recall"])
        np.testing.assert_allclose(table["f_score"], expected, atol=2e-3)  # the paper rounds to a tenth of a per cent
