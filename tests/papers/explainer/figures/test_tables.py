"""What the pages of Tables 1 to 5 and of the shortcut show, on small tables whose answers are known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers.metrics.segmentation import F1_THRESHOLDS, IOU_THRESHOLDS, SANITY_COLUMNS
from helpers.papers.explainer.experiments import METHODS, published_class_scores
from helpers.papers.explainer.figures.names import SCENE_NAMES
from helpers.papers.explainer.figures.shortcut import (
    draw_shortcut_scores,
    sensitivity_summary,
    shortcut_summary,
    verdicts,
)
from helpers.papers.explainer.figures.tab1 import (
    OTHERS,
    OWN,
    PLAIN,
    class_score_summary,
    draw_matrices,
    image_scores,
    score_matrix,
)
from helpers.papers.explainer.figures.tab2 import (
    beyond_control,
    class_truth_summary,
    compare_variants,
    draw_thresholds,
    table_two,
)
from helpers.papers.explainer.figures.tab3 import table_three
from helpers.papers.explainer.figures.tab4 import (
    compare_thresholds,
    micro_effects,
    table_four,
    variant_change,
)
from helpers.papers.explainer.measures import class_scores, decisions, segmentation, shortcut
from helpers.papers.explainer.measures.decisions import COUNTS
from helpers.papers.explainer.measures.shortcut import IGNORES, USES, told_apart
from helpers.reporting.committed import evidence_table
from helpers.results import write_table
from helpers.site.dependencies import page_inputs
from helpers.site.registry import find_figure

VARIANTS = ("corrected", "published")


class TestClassScores:
    @pytest.fixture
    def table(self):
        """Own masks keep 0.9 of 1.0; others keep 0.1 for the Explainer and Grad-CAM, 0.5 for the others."""
        rows = []
        for variant, method in itertools.product(VARIANTS, ("explainer", "grad-cam", "rise", "rtis")):
            for image, target in (
                ("a", "cat"),
                ("b", "cat"),
                ("b", "dog"),
                ("c", "dog"),
                ("d", "cat"),
                ("e", "dog"),
                ("f", "cat"),
            ):
                other = 0.1 if method in ("explainer", "grad-cam") else 0.5
                own = 0.6 if method == "grad-cam" else 0.9
                for mask in ("none", "cat", "dog"):
                    value = 1.0 if mask == "none" else own if mask == target else other
                    rows.append((variant, method, image, target, mask, value))
        return pd.DataFrame(rows, columns=["variant", "method", "image", "target", "mask", "probability"])

    def test_a_matrix_has_targets_in_rows_and_masks_in_columns(self, table):
        matrix = score_matrix(table, "rise")
        assert list(matrix.columns) == ["none", "cat", "dog"]
        np.testing.assert_allclose(matrix, [[1, 0.9, 0.5], [1, 0.5, 0.9]])

    def test_the_papers_matrix_is_read_in_the_same_way(self):
        matrix = score_matrix(published_class_scores(), "grad-cam")
        assert matrix.shape == (5, 6)
        assert matrix.loc["dog", "cat"] == pytest.approx(0.0823)

    def test_an_image_counts_once(self, table):
        scores = image_scores(table).loc["explainer"]
        assert list(scores.index) == [*"abcdef"]
        np.testing.assert_allclose(scores[[PLAIN, OWN, OTHERS]], [[1, 0.9, 0.1]] * 6)

    def test_the_summary_has_both_variants_and_the_paper(self, table):
        summary = class_score_summary(table)
        assert summary.groupby("variant").size().to_dict() == {"corrected": 4, "paper": 4, "published": 4}
        paper = summary[(summary["variant"] == "paper") & (summary["method"] == "Explainer")].iloc[0]
        assert paper[OWN] == "0.53"  # the mean of its diagonal

    def test_quantities_of_the_claims(self, table):
        assert class_scores.own_to_plain(table, "explainer").value == pytest.approx(0.9)
        assert class_scores.others_difference(table, "rise", "explainer").value == pytest.approx(0.4)
        assert class_scores.own_difference(table, "explainer", "grad-cam").value == pytest.approx(0.3)
        assert class_scores.own_above_others(table, "rtis").value == pytest.approx(0.4)
        assert class_scores.classes_kept_better(table, "explainer", "grad-cam").count == 2

    def test_chance_depends_on_the_classes_of_the_dataset(self, table):
        assert class_scores.others_above_chance(table, "explainer").value == pytest.approx(0.1 - 1 / 20)  # VOC
        scenes = table.replace({column: {"cat": "star", "dog": "fish"} for column in ("target", "mask")})
        assert class_scores.others_above_chance(scenes, "explainer").value == pytest.approx(0.1 - 1 / 10)

    def test_there_is_a_matrix_for_each_method_and_source(self, table):
        figure = draw_matrices(table)
        assert isinstance(figure, Figure)
        assert len(figure.axes) == 8


class TestSegmentation:
    @pytest.fixture
    def table(self):
        """The Explainer has an IoU of 0.8, all others 0.4; published saliency is 1 lower."""
        rows = []
        for pair, variant in itertools.product((("voc2007", "vgg16"), ("voc2007", "resnet50")), VARIANTS):
            for number, method in itertools.product(range(6), (*SANITY_COLUMNS, *METHODS)):
                iou = 0.8 if method == "explainer" else 0.4
                row = dict(zip(("dataset", "classifier"), pair, strict=True)) | {"image": f"i{number}"}
                row |= {"method": method, "variant": variant, "truth": 0.2, "accuracy": iou, "iou": iou}
                row |= {"mae": 1 - iou, "saliency": -iou - (variant == "published")}
                row |= {f"f1_{round(100 * t)}": iou for t in F1_THRESHOLDS}
                row |= {f"iou_{round(100 * t)}": iou * t for t in IOU_THRESHOLDS}
                rows.append(row)
        return pd.DataFrame(rows)

    def test_sanity_columns_come_first(self, table):
        shown = table_two(table, "iou")
        assert list(shown["mask"][:4]) == [f"mask {name}" for name in SANITY_COLUMNS]
        assert list(shown.columns[1:]) == ["VOC-2007, VGG-16", "VOC-2007, ResNet-50"]
        assert shown.loc[shown["mask"] == "Explainer", "VOC-2007, VGG-16"].item().startswith("0.80")

    def test_scenes_are_called_scenes(self, table):
        for shown in (table_two(table, "mae", SCENE_NAMES), compare_variants(table, SCENE_NAMES)):
            assert all(column.startswith("scenes A") for column in shown.columns[1:])
        titles = [axes.get_title() for axes in draw_thresholds(table, SCENE_NAMES).axes]
        assert titles[0] == "scenes A (for VOC-2007),\nsmall CNN (for VGG-16)"

    def test_the_best_rival_is_chosen_within_the_pair(self, table):
        pair = ("voc2007", "resnet50")
        assert segmentation.beyond_best_rival(table, *pair, "iou").value == pytest.approx(0.4)
        assert segmentation.beyond_best_rival(table, *pair, "mae").value == pytest.approx(-0.4)
        better = table["method"].eq("igos++") & table["classifier"].eq("resnet50")
        changed = table.assign(iou=table["iou"].mask(better, 0.9))
        assert segmentation.beyond_best_rival(changed, *pair, "iou").value == pytest.approx(-0.1)
        assert segmentation.beyond_best_rival(changed, "voc2007", "vgg16", "iou").value == pytest.approx(0.4)

    def test_occlusion_is_no_rival(self, table):
        ours = table.assign(iou=table["iou"].mask(table["method"] == "occlusion", 1.0))
        assert segmentation.beyond_best_rival(ours, "voc2007", "vgg16", "iou").value == pytest.approx(0.4)

    def test_a_pair_that_was_not_run_has_no_image(self, table):
        assert segmentation.beyond_best_rival(table, "coco2014", "vgg16", "iou").count == 0

    def test_variants_are_compared_image_by_image(self, table):
        shown = compare_variants(table)
        assert set(shown["VOC-2007"]) == {"−1.00 [all 6 equal]"}, "a scene with two classifiers is one"

    def test_there_is_a_line_for_each_method_in_each_panel(self, table):
        axes = draw_thresholds(table).axes
        assert [len(place.lines) for place in axes] == [len(METHODS)] * 2
        np.testing.assert_allclose(
            axes[0].lines[METHODS.index("explainer")].get_ydata(), 0.8 * np.array(IOU_THRESHOLDS)
        )

    def test_truth_of_each_class(self):
        values = {
            "iou": 0.5,
            "pointing_game": 1.0,
            "pixel_auroc": 0.9,
            "mass_above_chance": 0.4,
            "mass_above_chance_others": -0.02,  # below chance: a difference, not a share
        }
        table = pd.DataFrame([{"method": name, "image": image, **values} for name in METHODS for image in range(3)])
        shown = class_truth_summary(table)
        assert len(shown) == len(METHODS)
        assert shown["pixel AUROC ↑"].iloc[0].startswith("0.90")

    def test_methods_are_compared_with_a_control_on_their_own_images(self):
        score = dict.fromkeys(("iou", "pointing_game", "pixel_auroc", "mass_above_chance"), 0.0)
        rows = [{**score, "method": "centre", "image": f"i{n}", "iou": n / 10} for n in range(10)]
        rows += [{**score, "method": "explainer", "image": f"i{n}", "iou": n / 10 - 0.2} for n in range(10)]
        rows += [{**score, "method": "rise", "image": f"i{n}", "iou": n / 10 + 0.1} for n in range(6)]
        effects = beyond_control(pd.DataFrame(rows))
        assert [effects[name, "iou"].value for name in ("explainer", "rise")] == pytest.approx([-0.2, 0.1])
        assert [effects[name, "iou"].count for name in ("explainer", "rise")] == [10, 6]

    def test_times_are_projected_to_the_papers_images(self):
        times = pd.DataFrame({"method": METHODS, "seconds_per_image": [1.0] * 5 + [0.1, 18.0]})
        shown = table_three(times).set_index("method")
        assert shown.loc["RISE", "210 images (VOC-2007)"] == "00:03:30"
        assert shown.loc["Occlusion", "1000 images (COCO-2014)"] == "05:00:00"
        assert shown.loc["Occlusion", "÷ Explainer"] == "180"
        assert shown.loc["Explainer", "÷ Explainer"] == "1"


class TestDecisions:
    @pytest.fixture
    def table(self):
        """Plain decisions are all right; masked ones miss one class of two at 0, none at -1."""
        rows = []
        for variant, kind, threshold in itertools.product(
            VARIANTS, ("plain", "true classes", "named classes"), (0.0, -1.0)
        ):
            missed = int(kind != "plain" and threshold == 0)
            for number in range(6):
                counts = dict(zip(COUNTS, (2 - missed, 0, 8, missed), strict=True))
                rows.append(
                    {"variant": variant, "input": kind, "threshold": threshold, "image": f"i{number}", **counts}
                )
        return pd.DataFrame(rows).assign(dataset="voc2007", classifier="vgg16")

    def test_scores_are_those_of_all_decisions_together(self):
        counts = pd.DataFrame([(1, 1, 8, 0), (3, 0, 6, 1)], columns=COUNTS)
        effects = micro_effects(counts)
        assert effects["precision"].value == pytest.approx(4 / 5)
        assert effects["recall"].value == pytest.approx(4 / 5)
        assert effects["f_score"].value == pytest.approx(8 / 10)
        assert effects["f_score"].low <= 2 / 3 + 1e-6  # the first image drawn twice
        assert effects["f_score"].high >= 6 / 7 - 1e-6  # the second one

    def test_images_that_are_alike_leave_no_doubt(self, table):
        counts = table[(table["input"] == "true classes") & (table["threshold"] == 0)]
        effect = micro_effects(counts)["recall"]
        assert effect.value == effect.low == effect.high == 0.5

    def test_each_input_is_judged_at_its_own_threshold(self, table):
        shown = table_four(table).set_index("input")
        assert shown.loc["plain", "f_score"].startswith("1.00")
        assert shown.loc["masked, true classes", "recall"].startswith("1.00")  # at -1
        assert shown.loc["plain", "f_score, paper"] == pytest.approx(0.742)
        assert np.isnan(shown.loc["masked, predicted classes", "f_score, paper"])

    def test_both_thresholds_are_shown(self, table):
        shown = compare_thresholds(table).set_index("input")
        assert shown.loc["masked, predicted classes", "F at 0"].startswith("0.67")
        assert shown.loc["masked, predicted classes", "F at -1"].startswith("1.00")

    def test_variants_stand_side_by_side(self, table):
        assert set(variant_change(table).columns) >= {"corrected", "published"}

    def test_quantities_of_the_claims(self, table):
        pair = ("voc2007", "vgg16")
        assert decisions.masked_change(table, *pair, "f_score").value == 0  # at the lower threshold
        assert decisions.masked_change(table, *pair, "recall", threshold=0.0).value == pytest.approx(-0.5)
        assert decisions.label_leakage(table, *pair).value == 0

    def test_a_score_that_does_not_exist(self):
        with pytest.raises(ValueError, match="use precision, recall or f_score"):
            decisions.micro_score(np.ones(4), "accuracy")


class TestShortcut:
    @pytest.fixture
    def table(self):
        """All methods but Grad-CAM see the mark where it is used; Grad-CAM always does."""
        rows = []
        for classifier, method, shown, number in itertools.product((USES, IGNORES), METHODS, (True, False), range(12)):
            used = classifier == USES
            seen = 0.9 if used or method == "grad-cam" else 0.4
            scores = {
                "over_background": seen + 0.01 * number,
                "over_object": seen,
                "relevance_mass_above_chance": seen - 0.5 + 0.001 * number,
            }
            row = {"classifier": classifier, "method": method, "image": f"i{shown}{number}", "shown": shown}
            answers = {"logit": 2.0, "probability": 0.9, "logit_change": 3.0 * used, "probability_change": 0.5 * used}
            rows += [{**row, "marked": marked, **scores, **answers} for marked in (True, False)]
        return pd.DataFrame(rows)

    def test_the_mass_is_the_mean_over_marked_scenes(self, table):
        mass = table["relevance_mass_above_chance"]
        changed = table.assign(relevance_mass_above_chance=mass.where(table["marked"], 77))
        effect = shortcut.mass_on_mark(changed, "rise", USES)
        assert effect.value == pytest.approx(0.4055)
        assert effect.count == 12

    def test_the_classifiers_are_compared_scene_by_scene(self, table):
        shifted = table.assign(
            relevance_mass_above_chance=table["relevance_mass_above_chance"] + table["image"].str[-1].astype(int)
        )
        effect = told_apart(shifted, "rise")
        assert effect.value == pytest.approx(0.5)
        assert effect.high - effect.low == pytest.approx(0, abs=1e-12)  # what scenes share drops out
        assert told_apart(shifted, "grad-cam").value == pytest.approx(0)

    def test_a_saturated_share_is_not_certain(self, table):
        effect = shortcut.fooled(table)
        assert effect.value == 1
        assert effect.low == pytest.approx(0.025 ** (1 / 12))  # Clopper and Pearson's end for twelve of twelve
        assert shortcut.effect_of_mark(table).value == pytest.approx(0.5)
        assert shortcut.effect_of_mark(table, IGNORES).value == 0

    def test_only_who_finds_it_and_leaves_it_alone_passes(self, table):
        shown = verdicts(table).set_index("method")
        assert shown.loc["RISE"].tolist() == ["yes", "yes", "yes"]
        assert shown.loc["Grad-CAM"].tolist() == ["yes", "no", "no"]
        blind = verdicts(table.assign(relevance_mass_above_chance=-0.1)).set_index("method")
        assert blind.loc["RISE"].tolist() == ["no", "yes", "no"]

    def test_what_the_classifiers_do_is_told_first(self, table):
        shown = sensitivity_summary(table)
        assert list(shown["to the logit"].str[:4]) == ["3.00", "3.00", "0.00", "0.00"]

    def test_summaries_have_a_row_a_method(self, table):
        assert len(shortcut_summary(table)) == len(METHODS)
        assert len(shortcut_summary(table).columns) == 1 + 2 * 2 + 1

    def test_both_classifiers_are_drawn_in_each_panel(self, table):
        axes = draw_shortcut_scores(table).axes
        assert [len(place.containers) for place in axes] == [2, 2]


class TestCommitted:
    def test_pairs_that_were_run_are_joined(self, tmp_path):
        assert evidence_table("large", "explainer-shortcut", root=tmp_path) is None
        frame = pd.DataFrame({"image": ["a", "b"], "over_object": [0.1, 0.2]})
        write_table(frame, "large", f"explainer-shortcut-voc2007-{USES}", {}, root=tmp_path)
        found = evidence_table("large", "explainer-shortcut", root=tmp_path)
        assert found["classifier"].tolist() == [USES, USES]


@pytest.mark.parametrize("identifier", [*(f"explainer-tab{number}" for number in range(1, 6)), "explainer-shortcut"])
def test_a_page_reads_the_tables_that_it_needs(identifier, root):
    figure = find_figure(identifier)
    assert figure.needs
    text = (root / figure.notebook).read_text(encoding="utf-8")
    for need in figure.needs:
        assert f'"{need}"' in text


def test_a_page_depends_on_the_committed_tables_of_all_pairs(root):
    files = {path.name for path in page_inputs("book/figures/explainer-tab2.md", root=root).files}
    pairs = [(dataset, classifier) for dataset in ("voc2007", "coco2014") for classifier in ("vgg16", "resnet50")]
    assert {f"explainer-segmentation-{dataset}-{classifier}.csv" for dataset, classifier in pairs} <= files
