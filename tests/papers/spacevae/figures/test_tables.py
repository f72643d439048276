"""What the pages about SpaCE-VAE show, on small tables whose answers are known."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers.core.statistics import Effect, mean_effect
from helpers.papers.spacevae.figures.bottleneck import (
    alpha_summary,
    alpha_words,
    bottleneck_summary,
    conditioned_summary,
    draw_alpha,
    draw_bottleneck,
    interpolated_alpha,
)
from helpers.papers.spacevae.figures.controls import (
    control_numbers,
    control_summary,
    transfer_numbers,
    transfer_summary,
    warning_words,
)
from helpers.papers.spacevae.figures.earlier import cross_method_summary, draw_cross_method
from helpers.papers.spacevae.figures.extensions import extension_summary
from helpers.papers.spacevae.figures.fig1 import flip_summary, sparsity_flips
from helpers.papers.spacevae.figures.fig2 import cost_summary
from helpers.papers.spacevae.figures.fig4 import draw_accuracy_against_sparsity
from helpers.papers.spacevae.figures.fig5 import appearance_summary, example_rows, misclassified_words
from helpers.papers.spacevae.figures.larger import LARGER, CifarRuns, classifier_words, differences_words
from helpers.papers.spacevae.figures.reference import distance_summary, place_summary, reference_summary
from helpers.papers.spacevae.figures.tab1 import paper_thresholds, table_one, thresholds_by_rule
from helpers.papers.spacevae.figures.words import METRICS, number, row_name, source_words, with_interval
from helpers.papers.spacevae.measures.rows import (
    COMPETITORS,
    at_sparsity,
    chosen_row,
    difference,
    on_test_images,
    one_row,
    score,
)
from helpers.papers.spacevae.measures.sparsity import original_score
from helpers.profiles import load_profile
from helpers.reporting.committed import committed_table
from helpers.results import find_table, write_table
from helpers.site.registry import find_figure, load_registry, possible_figures
from helpers.training.options import LabelledOptions

NONE = math.nan
THRESHOLDS = (-1.0, -0.5, 0.0, 0.5)
SPACE_PAGES = [name for name in load_registry() if name.startswith("spacevae-")]


def metrics(width=0.01, **values):
    """All metrics (0.5, sparsities 50), each with an interval of half this width; sparsities a hundred times wider."""
    found = {name: 50.0 if name in ("l0", "l1") else 0.5 for name in METRICS} | values
    ends = {name: width * (100 if name in ("l0", "l1") else 1) for name in METRICS}
    row = {}
    for name, value in found.items():
        row |= {name: value, f"{name}_low": value - ends[name], f"{name}_high": value + ends[name]}
    return {**row, "images": 100, "source": "scenes of 32 px"}


@pytest.fixture
def sparsity():
    """Competitors lose a quarter of the answers with each step of their threshold, SpaCE-VAE hardly any."""
    rows = []
    for split in ("validation", "test"):
        plain = {"split": split, "training": "", "beta": NONE, "threshold": NONE, "chosen": ""}
        rows.append({**plain, "method": "original", **metrics(accuracy=0.92, agreement=1.0, l0=0.0, l1=0.0)})
        rows.append({**plain, "method": "vq-vae", "training": "vq-vae", **metrics(accuracy=0.56, l0=-0.2, l1=-0.9)})
        rows.append({**plain, "method": "vq-vae", "training": "vq-grid-16", **metrics(accuracy=0.9)})
        for training, beta, accuracy, l1 in (
            ("beta-100", 100.0, 0.76, 42.0),
            ("beta-1", 1.0, 0.71, 56.0),
            ("beta-10", 10.0, 0.74, 53.0),
            ("grid-16", 10.0, 0.95, 53.0),
        ):
            values = metrics(accuracy=accuracy, agreement=accuracy + 0.05, l1=l1, l0=l1 / 2)
            rows.append({**plain, "method": "space-vae", "training": training, "beta": beta, **values})
        for method in COMPETITORS:
            for step, threshold in enumerate(THRESHOLDS):
                value = 1 - 0.25 * step
                values = metrics(accuracy=value - 0.1, agreement=value, l0=20.0 * step, l1=25.0 * step)
                chosen = "published validation" if split == "test" and step == 2 else ""
                chosen = "confident" if split == "test" and step == 1 else chosen
                rows.append({**plain, "method": method, "threshold": threshold, **values, "chosen": chosen})
        for amount in (0.2, 0.4, 0.6, 0.8) if split == "test" else ():
            for method, lost in (("darkened", 0.5), ("subtracted", 1.0)):
                values = metrics(accuracy=0.9, agreement=1 - lost * amount, l0=0.0, l1=100 * amount)
                rows.append({**plain, "method": method, "amount": amount, **values})
    return pd.DataFrame(rows)


class TestWords:
    def test_a_difference_widens_as_independent_errors_do(self):
        first, second = Effect(0.7, 0.67, 0.73, 100), Effect(0.5, 0.46, 0.54, 50)
        found = difference(first, second)
        assert found.value == pytest.approx(0.2)
        assert found.low == pytest.approx(0.2 - 0.05)
        assert found.high == pytest.approx(0.2 + 0.05)
        assert found.count == 50

    def test_a_difference_agrees_with_a_bootstrap_of_both(self):
        generator = np.random.default_rng(0)
        one, two = generator.random(400) < 0.8, generator.random(400) < 0.55
        found = difference(mean_effect(one.astype(float)), mean_effect(two.astype(float)))
        drawn = [
            one[generator.integers(400, size=400)].mean() - two[generator.integers(400, size=400)].mean()
            for _ in range(4000)
        ]
        low, high = np.quantile(drawn, [0.025, 0.975])
        assert found.low == pytest.approx(low, abs=0.01)
        assert found.high == pytest.approx(high, abs=0.01)

    def test_numbers_have_true_minus_signs_and_no_negative_zero(self):
        assert number(-0.18) == "−0.18"
        assert number(-0.001) == "0.00"
        assert number(NONE) == ""
        assert with_interval(Effect(0.5, NONE, NONE, 1)) == "0.50"
        assert with_interval(Effect(-1.0, -2.0, 0.5, 9), 1) == "−1.0 [−2.0, 0.5]"

    def test_rows_are_named_by_what_sets_them_apart(self, sparsity):
        names = [row_name(row) for _, row in on_test_images(sparsity).iterrows()]
        assert {"SpaCE-VAE, β = 10", "DeepLIFT, σ = −0.5", "VQ-VAE", "original images"} <= set(names)

    def test_one_row_means_one(self, sparsity):
        assert one_row(sparsity, split="test", training="vq-vae")["l1"] == -0.9
        with pytest.raises(ValueError, match="4 rows have"):
            one_row(sparsity, split="test", method="deeplift")

    def test_the_source_stands_beside_the_numbers(self, sparsity, tmp_path):
        assert source_words(sparsity) == "scenes of 32 px; 100 test images"
        assert CifarRuns.read("quick", "space-vae-sparsity", root=tmp_path) == CifarRuns({}, "quick")
        openings = {CifarRuns({}, profile).opening() for profile in ("quick", "study")}
        assert len(openings) == 2, "the largest profile has no larger one"
        lossy = sparsity.assign(source="CIFAR-10, lossy edition")
        write_table(lossy, "study", "space-vae-sparsity", {}, root=tmp_path)
        runs = CifarRuns.read("quick", "space-vae-sparsity", root=tmp_path)
        assert list(runs.tables) == ["study"]
        assert CifarRuns.read("study", "space-vae-sparsity", root=tmp_path).tables == {}
        write_table(lossy, "cifar10-lossless", "space-vae-sparsity", {}, root=tmp_path)
        both = CifarRuns.read("quick", "space-vae-sparsity", root=tmp_path)
        assert list(both.tables) == ["cifar10-lossless", "study"], "the best run comes first"
        drawn = []
        for profile in (None, "study", "cifar10"):
            both.draw(drawn.append, profile)
        assert [table is run[0] for table, run in zip(drawn, both.tables.values(), strict=True)] == [True, True]
        assert CifarRuns.read("quick", "space-vae-sparsity", "space-vae-bottleneck", root=tmp_path).tables == {}
        assert "CIFAR-10, lossy edition; 100 test images" in runs.show(table_one).data

    def test_what_differs_from_the_paper_is_told(self):
        for name in LARGER:
            settings = load_profile(name, needs="space-vae").space_vae
            words = differences_words(name)
            assert f"**Classifier.** {settings.classifier.recipe.epochs} epochs (paper's recipe: 100)" in words
            calibrated = committed_table(name, "space-vae-alpha-calibration") is not None
            assert ("calibrated on validation images" in words) == calibrated
            assert ("never on these images" in words) != calibrated
            assert ("copies with losses" in words) == (name == "study")
            assert ("TrivialAugment" in words) == (name == "study")
            assert ("Cutout" in words) == (name == "study")
        assert "6 to 12 epochs (paper: up to 200), and begin with the weights of `vq-vae`" in differences_words("study")
        assert classifier_words(LabelledOptions(erase=5), LabelledOptions()).count("5 px") == 1
        assert "no other change of the images" in classifier_words(LabelledOptions(), LabelledOptions())
        runs = CifarRuns({"study": (), "cifar10": ()}, "quick").differences()
        assert runs.index("`study`") < runs.index("TrivialAugment") < runs.index("`cifar10`")
        assert CifarRuns({}, "quick").differences() == ""

    def test_costs_are_means_over_images_beside_those_of_integrated_gradients(self):
        costs = pd.DataFrame(
            {"image": [0, 1] * 2, "method": ["integrated-gradients"] * 2 + ["feature-ablation"] * 2}
            | {"seconds": [0.1, 0.3, 1.0, 3.0]}
        )
        shown = cost_summary(costs)
        assert shown["seconds per image"].tolist() == ["0.200", "2.000"]
        assert shown["÷ Integrated Gradients"].tolist() == ["1.00", "10.00"]


class TestControls:
    def test_shares_have_exact_intervals(self):
        found = score({"agreement": 1.0, "images": 100}, "agreement")
        assert (found.value, found.high) == (1.0, 1.0)
        assert found.low == pytest.approx(0.025 ** (1 / 100))  # Clopper and Pearson for 100 of 100
        assert score(metrics(l1=40.0), "l1").low == pytest.approx(39.0)
        with pytest.raises(ValueError, match="no whole number of 100 images"):
            score({"agreement": 0.7777, "images": 100}, "agreement")

    def test_controls_are_read_at_the_networks_sparsity(self, sparsity):
        summary = control_summary(sparsity).set_index("kept by")
        assert list(summary.index) == ["SpaCE-VAE, β = 1", "SpaCE-VAE, β = 10", "SpaCE-VAE, β = 100"]
        row = summary.loc["SpaCE-VAE, β = 100"]  # 42 % of the brightness removed
        assert row["agreement, all pixels dimmed by a factor"].startswith("0.79 ")
        assert row["agreement, a constant subtracted"].startswith("0.58 ")
        assert at_sparsity(sparsity, "darkened", "l1", 10, "agreement").value == pytest.approx(
            0.95
        )  # from the originals
        assert control_numbers(sparsity) == {
            **{"own": "79 %", "own-l1": "53 %"},
            **{"darkened": "74 %", "subtracted": "47 %"},
        }

    def test_the_first_sentences_of_a_page(self, sparsity):
        rows = [
            {"method": method, "training": training, "threshold": NONE, "beta": 10.0, "second_agreement": second}
            | metrics(agreement=0.9)
            for method, training, second in (
                ("space-vae", "beta-10", 0.25),
                ("darkened", "", 0.5),
                ("subtracted", "", 0.75),
            )
        ]
        transfer = pd.DataFrame(rows)
        assert transfer_numbers(transfer)["second-own"] == "25 %"
        assert len(transfer_summary(transfer)) == 3
        words = warning_words(CifarRuns({"study": (sparsity,)}, "quick"), transfer)
        assert "for 79 % of SpaCE-VAE's images (β = 10, 53 % of the brightness removed), for 74 % of images" in words
        assert "recognises 25 % of them, 50 % of equally dimmed images, and 75 % of equally dark ones" in words
        assert warning_words(CifarRuns({}, "quick"), None) == ""


class TestTableOne:
    def test_rows_come_in_the_papers_order(self, sparsity):
        shown = table_one(sparsity)
        assert list(shown["method"]) == [
            "original images",
            "VQ-VAE",
            *(f"{name}, σ = 0.0" for name in ("DeepLIFT", "Integrated Gradients", "Feature Ablation")),
            *(
                name
                for beta in (1, 10, 100)
                for name in (
                    f"SpaCE-VAE, β = {beta}",
                    "— all pixels dimmed by a factor, to the same L1",
                    "— a constant subtracted, to the same L1",
                )
            ),
        ]

    def test_the_papers_values_stand_beside_ours(self, sparsity):
        shown = table_one(sparsity).set_index("method")
        assert shown.loc["SpaCE-VAE, β = 10", "accuracy"] == "0.74 [0.64, 0.82] (paper 0.74)"
        assert shown.loc["SpaCE-VAE, β = 10", "L1, %"].endswith("(paper 53.6)")
        assert shown.loc["VQ-VAE", "L0, %"].endswith("(paper −0.2)")
        assert shown.loc["Feature Ablation, σ = 0.0", "accuracy"].endswith("(paper 0.65)")
        assert "paper" not in table_one(sparsity, paper=False).to_csv()

    def test_each_rule_has_its_threshold(self, sparsity):
        assert chosen_row(sparsity, "deeplift")["threshold"] == 0
        assert chosen_row(sparsity, "deeplift", "confident")["threshold"] == -0.5
        assert chosen_row(sparsity.assign(chosen=""), "deeplift") is None
        shown = thresholds_by_rule(sparsity)
        assert list(shown["σ"]) == ["0.0", "0.0", "−0.5"] * 3
        assert set(thresholds_by_rule(sparsity.assign(chosen=NONE))["σ"]) == {"none"}

    def test_the_papers_thresholds(self, sparsity):
        assert original_score(sparsity).value == 0.92
        assert paper_thresholds() == "DeepLIFT, σ = −0.2, Integrated Gradients, σ = −0.2, Feature Ablation, σ = −0.3"


class TestCurves:
    def test_a_curve_is_read_between_its_thresholds(self, sparsity):
        found = at_sparsity(sparsity, "deeplift", "l1", 37.5, "agreement")
        assert found.value == pytest.approx(1 - 0.25 * 1.5)
        ends = [score(metrics(agreement=value), "agreement").high for value in (0.75, 0.5)]
        assert found.high == pytest.approx(sum(ends) / 2)
        assert at_sparsity(sparsity, "deeplift", "l1", 99, "agreement").value == pytest.approx(0.25)
        with pytest.raises(ValueError, match="no rows of 'rise'"):
            at_sparsity(sparsity, "rise", "l1", 10)

    def test_every_method_is_drawn_in_every_panel(self, sparsity):
        figure = draw_accuracy_against_sparsity(sparsity)
        assert isinstance(figure, Figure)
        assert len(figure.axes) == 4
        # three curves, two controls, three betas, the VQ-VAE, the original images
        assert [len(place.containers) for place in figure.axes] == [10] * 4
        for place in figure.axes:  # the labels of the betas do not cover each other
            tops = sorted(text.xyann[1] for text in place.texts)
            assert [text.get_text() for text in place.texts] == ["β = 1", "β = 10", "β = 100"]
            assert min(np.diff(tops)) > 10
        labels = figure.axes[0].get_legend_handles_labels()[1]
        assert "the paper's Table 1 (CIFAR-10)" in labels
        assert len(labels) == len(set(labels))


class TestBottleneck:
    @pytest.fixture
    def table(self):
        rows = [
            {"training": f"grid-{grid}" if grid != 8 else "beta-10", "grid": grid, "codes": 512, "bits": grid**2 * 9.0}
            | {"alpha": 7.5, "beta": 10.0, **metrics(agreement=agreement, l1=l1)}
            for grid, agreement, l1 in ((4, 0.5, 60.0), (8, 0.8, 55.0), (16, 0.95, 53.0), (2, 0.99, 20.0))
        ]
        return pd.DataFrame(rows)

    def test_summary_and_picture(self, table, sparsity):
        summary = bottleneck_summary(table, sparsity)
        assert list(summary["bits"]) == ["36", "144", "576", "2304"]
        assert summary["agreement, a constant subtracted"].iloc[1].startswith("0.40 ")  # at an L1 sparsity of 60 %
        left, right = draw_bottleneck(table, sparsity).axes
        assert (len(left.containers), len(right.containers)) == (2, 1)
        (dimmed,) = [line for line in left.lines if line.get_label() == "agreement, all pixels dimmed by a factor"]
        assert list(dimmed.get_ydata()) == pytest.approx([0.9, 0.7, 0.725, 0.735])  # 20, 60, 55, 53 % removed

    def test_one_network_for_all_betas(self, sparsity):
        rows = [
            {"beta": beta, "training": "any", "conditioned": conditioned, **metrics(agreement=0.8 + 0.1 * conditioned)}
            for beta in (1.0, 10.0)
            for conditioned in (True, False)
        ]
        both = pd.DataFrame([*rows, {"beta": 3.0, "training": "any", "conditioned": True, **metrics()}])
        summary = conditioned_summary(both, sparsity)
        assert list(summary["network"]) == [
            *("one for this β", "one for all β", "one for all β", "one for this β", "one for all β")
        ]
        assert summary["agreement, all pixels dimmed by a factor"].str.startswith("0.75 ").all()

    def test_alpha_is_read_off_where_half_of_the_brightness_is_gone(self):
        rows = [{"alpha": float(a), "beta": 10.0, **metrics(l1=l1)} for a, l1 in ((2, 20.0), (6, 60.0), (10, 80.0))]
        table = pd.DataFrame(rows)
        assert interpolated_alpha(table).value == pytest.approx(5.0)
        assert interpolated_alpha(table).low == pytest.approx(4.9)
        assert "α = 5.0" in alpha_words(table, 7.5)
        assert "None of these" in alpha_words(table.head(1), 7.5)
        assert len(alpha_summary(table)) == 3
        assert len(draw_alpha(table, 7.5).axes) == 2


class TestOthers:
    def test_reference(self):
        controls = {"darkened_agreement": 0.25, "subtracted_agreement": 0.5}
        rows = [
            {"training": training, "background": background, "reference": reference, "contrast_kept": 0.5, **controls}
            | {"object_kept": inside, "background_kept": outside, "object_share": 0.1, "object_share_before": 0.2}
            | metrics(l1=l1)
            for background in ("as drawn", "white")
            for training, reference, inside, outside, l1 in (
                ("beta-1", "black", 0.3, 0.35, 60.0),
                ("beta-10", "black", 0.4, 0.6, 40.0),
                ("mean-colour", "mean", 0.7, 0.5, 30.0),
            )
        ]
        table = pd.DataFrame(rows)
        for name in ("contrast_kept", "object_kept", "background_kept", "object_share", "object_share_before"):
            table = table.assign(**{f"{name}_low": table[name] - 0.01, f"{name}_high": table[name] + 0.01})
        summary = reference_summary(table)
        assert len(summary) == 4, "two networks on two backgrounds"
        assert list(summary["contrast kept, all pixels dimmed"]) == ["0.60", "0.70"] * 2
        assert summary["agreement, all pixels dimmed by a factor"].str.startswith("0.25 ").all()
        assert len(distance_summary(table[table["training"] != "beta-1"])) == 4
        places = place_summary(table)
        assert list(places["network"]) == ["β = 1", "β = 10"]
        assert list(places["left on the background"]) == ["0.35 [0.34, 0.36]", "0.60 [0.59, 0.61]"]

    def test_extensions(self):
        values = {"beta-10": (0.2, 20.0, 0.10), "contrast": (0.3, 25.0, 0.12), "colours": (0.2, 9.0, 0.1)}
        rows = []
        for training, found in {**values, "smooth": (0.1, 20.0, 0.15)}.items():
            for measure, value in zip(("contrast", "colours", "smoothness"), found, strict=True):
                ends = {"value": value, "value_low": 0.99 * value, "value_high": 1.01 * value}
                controls = {"darkened_agreement": 0.25, "subtracted_agreement": 0.5}
                rows.append({"training": training, "measure": measure, **ends, **controls, **metrics()})
        summary = extension_summary(pd.DataFrame(rows))
        assert list(summary["network"]) == ["no term", "contrast", "few colours", "smooth"]
        assert summary["agreement, a constant subtracted"].str.startswith("0.50 ").all()

    def test_earlier(self):
        rows = [{"method": "original", "beta": NONE, "training": "", **metrics(agreement=1.0, l1=0.0)}]
        rows += [
            {"method": name, "beta": NONE, "training": "", **metrics(agreement=0.3, l1=70.0)}
            for name in ("cartoonx", "pixel-rde", "explainer", "explainer (another's)")
        ]
        rows.append({"method": "space-vae", "beta": 10.0, "training": "beta-10", **metrics(agreement=0.8, l1=50.0)})
        table = pd.DataFrame(rows).assign(threshold=NONE)
        assert len(cross_method_summary(table)) == 6
        assert [len(place.containers) for place in draw_cross_method(table).axes] == [6] * 4

    def test_flips_are_summed_up(self):
        rows = []
        for number_of, name in enumerate(COMPETITORS):
            rows += [
                {
                    "image": image,
                    "method": name,
                    "dropped": 0.5,
                    "flipped": float(image < 12),
                    "flipped_random": number_of / 2,
                }
                for image in range(30)
            ]
        rows += [
            {
                "image": image,
                "method": "space-vae",
                "dropped": NONE,
                "flipped": float(image < 1),
                "flipped_random": NONE,
            }
            for image in range(30)
        ]
        table = pd.DataFrame(rows)
        summary = flip_summary(table)
        assert list(summary["entries dropped"]) == ["50 %"] * 3 + ["–"]
        assert summary["class changed"].iloc[-1].startswith("0.03")

    def test_flips_can_be_read_off_the_curves(self, sparsity):
        shown = sparsity_flips(sparsity)
        assert list(shown["class changed"].str[:4]) == ["0.50"] * 3 + ["0.21", "0.27", "0.53"]
        assert list(shown["method"].tail(2)) == [
            "all pixels dimmed by a factor, as dark as SpaCE-VAE",
            "a constant subtracted, as dark as SpaCE-VAE",
        ]

    def test_looks(self):
        values = {"brightness": 0.3, "colours": 9.0, "smoothness": 0.1, "detail": 0.5, "saturation": 0.4}
        first = pd.DataFrame([{"training": "beta-1", "image": k, **values} for k in range(9)])
        shown = appearance_summary(pd.concat([first, first.assign(training="dimmed to beta-1", smoothness=0.2)]))
        assert list(shown["image"]) == ["β = 1", "dimmed to β = 1"]
        assert shown["total variation"].str.contains("all 9 equal").all()

    def test_the_misclassified_image_is_told(self):
        rows = [
            {
                "figure": "fig5",
                "image": 4,
                "label": "cat",
                "predicted": "cat",
                "training": "beta-1",
                "predicted_after": "cat",
            },
            {
                "figure": "fig5",
                "image": 9,
                "label": "bird",
                "predicted": "cat",
                "training": "beta-1",
                "predicted_after": "cat",
            },
        ]
        table = pd.DataFrame(rows)
        assert example_rows(table, "fig5") == [4, 9]
        assert "shows a **bird**" in misclassified_words(table)
        assert "the mistake is kept" in misclassified_words(table)
        assert "predicts **dog**. So the mistake is not kept" in misclassified_words(
            table.assign(predicted_after="dog")
        )
        assert "all of these images right" in misclassified_words(table.head(1))


class TestRegistry:
    @pytest.mark.parametrize("identifier", SPACE_PAGES)
    def test_a_page_needs_tables_of_its_own_paper(self, identifier):
        assert all(find_table(need).paper == "spacevae" for need in find_figure(identifier).needs)

    def test_scenes_are_known_and_photographs_are_not(self):
        photographs = set(possible_figures("study"))
        assert set(SPACE_PAGES) <= set(possible_figures("quick"))
        assert {"spacevae-fig4", "spacevae-tab1", "spacevae-bottleneck"} <= photographs
        assert not {"spacevae-reference", "spacevae-extensions", "spacevae-earlier"} & photographs
        assert not [name for name in possible_figures("paper") if name.startswith("spacevae-")]
