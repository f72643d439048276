"""The drawings of the pages about SpaCE-VAE: what they compute before they draw, with networks of random weights."""

import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from space_vae_miniature import miniature_profile, write_weights
from tiny import WindowClassifier

from helpers.methods.space_vae.files import read_space_vae
from helpers.methods.space_vae.loss import SpaceVAELoss
from helpers.papers.spacevae.experiments.reference import recomposed_scenes
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.calibration import calibration
from helpers.papers.spacevae.figures.earlier import draw_cross_method_pictures
from helpers.papers.spacevae.figures.extensions import draw_extensions
from helpers.papers.spacevae.figures.fig1 import (
    choose_examples,
    draw_flips,
    flip_table,
    without_negative,
    without_random,
)
from helpers.papers.spacevae.figures.fig2 import ablate_regions, ablation_table, ablation_words, draw_ablation
from helpers.papers.spacevae.figures.fig3 import draw_framework
from helpers.papers.spacevae.figures.fig5 import appearance_table, draw_kept_images, fine_detail, mean_saturation
from helpers.papers.spacevae.figures.framework import code_pictures, loss_terms, term_table, trace_image, used_codes
from helpers.papers.spacevae.figures.grid import Column, draw_columns, predict_classes
from helpers.papers.spacevae.figures.page import picture_study
from helpers.papers.spacevae.figures.reference import distance_table, draw_backgrounds
from helpers.results import write_table


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A miniature of the quick profile with random networks."""
    folder = tmp_path_factory.mktemp("space")
    return write_weights(SpaceStudy(miniature_profile(), root=folder / "results", models=folder / "models"))


class TestAblation:
    @pytest.fixture
    def classifier(self):
        """Sees the upper right quarter only."""
        return WindowClassifier((slice(0, 16), slice(16, 32)))

    def test_only_the_region_that_is_seen_matters(self, classifier):
        image = torch.full((3, 32, 32), 0.6)
        found = ablate_regions(classifier, image)
        assert found.predicted == 0
        assert found.confidence == pytest.approx(torch.sigmoid(torch.tensor(12 * 0.6 - 3)).item())
        expected = [0, found.confidence - torch.sigmoid(torch.tensor(-3.0)).item(), 0, 0]
        assert found.attributions == pytest.approx(expected, abs=1e-6)
        assert found.predictions == (0, 1, 0, 0)
        assert [int((part == 0).sum()) for part in found.perturbed] == [3 * 16 * 16] * 4
        assert (found.perturbed[1][:, :16, 16:] == 0).all()

    def test_regions_divide_the_image(self, classifier):
        assert len(ablate_regions(classifier, torch.rand(3, 32, 32), side=4).attributions) == 16
        with pytest.raises(ValueError, match="side=3 must divide"):
            ablate_regions(classifier, torch.rand(3, 32, 32), side=3)

    def test_table_words_and_picture(self, classifier):
        found = ablate_regions(classifier, torch.full((3, 32, 32), 0.6))
        table = ablation_table(found, ("seen", "dark"))
        assert list(table["predicted"]) == ["seen", "dark", "seen", "seen"]
        words = ablation_words(found, ("seen", "dark"))
        assert re.findall(r"\*\*(.+?)\*\*", words)[0] == "upper right", "the region that is needed comes first"
        assert "*dark*" in words
        assert isinstance(draw_ablation(found, torch.randn(32, 32), ("seen", "dark")), Figure)


class TestFramework:
    def test_every_step_is_the_networks_own(self, study):
        method, image = study.model("beta-10"), study.test.floats()[0]
        _, about, _ = read_space_vae(study.weights_file("beta-10"))
        loss = SpaceVAELoss(about.loss, about.variance)
        found = trace_image(method, study.classifier, loss, image)
        torch.testing.assert_close(found.kept, method.explain(image[None]).kept[0])
        assert torch.equal(found.codes, method.codes(image[None])[0])
        # equation 7 by hand
        mean = lambda values: float(values.mean())  # noqa: E731
        raw = method.network(image[None]).raw[0]
        chosen = method.network.quantiser.codebook[found.codes].movedim(-1, 0)
        kept_class = study.classifier(image[None]).argmax(1)[0]
        doubt = -study.classifier(found.kept[None]).log_softmax(1)[0, kept_class]
        expected = {
            "reconstruction": mean((raw - image) ** 2) / about.variance,
            "commitment": about.loss.commitment * mean((found.encoded - chosen) ** 2),
            "sparsity": about.loss.alpha * mean(found.kept),
            "classification": about.loss.beta * float(doubt),
        }
        assert found.terms == pytest.approx(expected, rel=1e-4)

    def test_terms_of_many_are_means(self, study):
        method = study.model("beta-10")
        loss = SpaceVAELoss(study.settings.options("beta-10").loss, 0.06)
        images = study.test.floats()[:6]
        many = loss_terms(method, study.classifier, loss, images)
        each = [loss_terms(method, study.classifier, loss, image[None]) for image in images]
        for name, value in many.items():
            assert value == pytest.approx(sum(one[name] for one in each) / 6, rel=1e-4)
        assert list(term_table(many, many, 6)["term"]) == ["reconstruction", "commitment", "sparsity", "classification"]

    def test_a_code_is_drawn_by_the_decoder(self, study):
        method = study.model("beta-10")
        pictures, options = code_pictures(method), method.network.options
        assert pictures.shape == (options.codes, 3, 4, 4)
        vectors = method.network.quantiser.codebook[3][None, :, None, None].expand(1, -1, options.grid, options.grid)
        torch.testing.assert_close(pictures[3], method.network.decode(vectors).clamp(0, 1)[0, :, 16:20, 16:20])

    def test_use_of_the_codebook(self):
        assert used_codes(torch.arange(4).reshape(1, 2, 2), 8) == (4, pytest.approx(4.0))
        assert used_codes(torch.zeros(3, 2, 2, dtype=torch.long), 8) == (1, pytest.approx(1.0))

    def test_it_is_drawn(self, study):
        loss = SpaceVAELoss(study.settings.options("beta-10").loss, 0.06)
        found = trace_image(study.model("beta-10"), study.classifier, loss, study.test.floats()[1])
        assert isinstance(draw_framework(found, study.test.class_names), Figure)


class TestFlips:
    def test_what_is_negative_is_dropped(self):
        images = torch.rand(2, 3, 4, 4) + 0.1
        signs = torch.randn(2, 3, 4, 4)
        left = without_negative(images, signs)
        assert torch.equal(left == 0, signs < 0)
        assert torch.equal(left[signs >= 0], images[signs >= 0])

    def test_chance_drops_as_much(self):
        images = torch.rand(3, 3, 8, 8) + 0.1
        removed = torch.rand(3, 3, 8, 8) < torch.tensor([0.0, 0.4, 1.0])[:, None, None, None]
        left = without_random(images, removed, seed=5)
        assert torch.equal((left == 0).flatten(1).sum(1), removed.flatten(1).sum(1))
        assert not torch.equal(left[1] == 0, removed[1])
        assert torch.equal(left, without_random(images, removed, seed=5))

    def test_the_table_counts_changed_answers(self, study):
        table = flip_table(study)
        assert table.groupby("method").size().to_dict() == {
            **dict.fromkeys(("deeplift", "integrated-gradients", "feature-ablation"), 7),
            "space-vae": 7,
        }
        images = study.test[:7].floats()
        before, _ = predict_classes(study.classifier, images)
        after, _ = predict_classes(study.classifier, study.model("beta-10").explain(images).kept)
        own = table[table["method"] == "space-vae"]
        assert own["flipped"].tolist() == (before != after).float().tolist()
        assert isinstance(draw_flips(study, table), Figure)

    def test_the_first_telling_images_are_shown(self, study):
        table = flip_table(study).assign(flipped=[0, 1, 1, 0, 1, 0, 1] * 4)
        right = [True, True, False, True, True, True, True]
        assert choose_examples(table, right, 2, "deeplift") == [1, 4, 0]

    def test_pictures_are_of_scenes(self, study):
        assert picture_study(study) is study


class TestGrids:
    def test_a_changed_answer_is_bold(self):
        pictures = torch.rand(2, 3, 8, 8)
        figure = draw_columns([Column("image", pictures, ("cat 0.9", "dog 0.8"), (False, True))], ["a cat", "a dog"])
        assert [place.title.get_fontweight() for place in figure.axes] == ["normal", "bold"]
        with pytest.raises(ValueError, match="must have 2 pictures"):
            draw_columns([Column("image", pictures), Column("kept", pictures[:1])])

    def test_figure_five_has_a_column_a_method(self, study):
        table = study.table("space-vae-examples")
        figure = draw_kept_images(study, table)
        rows = table[table["figure"] == "fig5"]["image"].nunique()
        assert len(figure.axes) == 8 * rows  # the image, three competitors, the VQ-VAE, three betas

    def test_looks_are_measured(self, study):
        table = appearance_table(study)
        names = ("original", "beta-1", "dimmed to beta-1", "beta-100", "dimmed to beta-100")
        assert table.groupby("training").size().to_dict() == dict.fromkeys(names, 30)
        looks = {name: table[table["training"] == name].set_index("image") for name in names}
        dimmed, kept, original = looks["dimmed to beta-1"], looks["beta-1"], looks["original"]
        darker = kept["brightness"] < original["brightness"]
        assert darker.any()
        np.testing.assert_allclose(dimmed["brightness"][darker], kept["brightness"][darker], rtol=1e-4)
        np.testing.assert_allclose(dimmed["saturation"], original["saturation"], rtol=1e-4)
        np.testing.assert_allclose(dimmed["detail"], 1, rtol=1e-3)

    def test_detail_and_saturation_by_hand(self):
        flat, fine = torch.full((3, 4, 4), 0.5), torch.zeros(3, 4, 4)
        fine[:, ::2, ::2] = 1  # one pixel of each block of four
        assert fine_detail(torch.stack([flat, fine])).tolist() == pytest.approx([0, 3 * 4 * (0.75**2 + 3 * 0.25**2)])
        red = torch.zeros(3, 4, 4)
        red[0], red[1, :2] = 0.8, 0.4
        assert mean_saturation(torch.stack([flat, red])).tolist() == pytest.approx([0, 1])
        pale = red + 0.2
        assert mean_saturation(pale[None]).item() == pytest.approx(0.8)

    def test_extensions_references_and_earlier_methods_are_drawn(self, study):
        assert len(draw_extensions(study, 2).axes) == 2 * 3  # image, plain, few colours: the others are not trained
        assert len(draw_backgrounds(study, "white", 2).axes) == 2 * 3
        assert len(draw_cross_method_pictures(study, 2).axes) == 2 * 6


def test_distances_to_the_own_reference(study):
    table = distance_table(study, 6)
    assert len(table) == 2 * 3
    made = recomposed_scenes(6, "white", seed=0)
    images, kept = made.images.floats(), study.kept_by("mean-colour", made.images)
    own = images.mean((2, 3), keepdim=True)
    inside = made.objects[:, None].expand_as(images)
    row = table[(table["background"] == "white") & (table["training"] == "mean-colour")].iloc[0]
    left, there = ((each - own).abs() for each in (kept, images))
    assert row["object_kept"] == pytest.approx(float(left[inside].sum() / there[inside].sum()), rel=1e-4)
    assert row["object_share_before"] == pytest.approx(float(there[inside].sum() / there.sum()), rel=1e-4)
    black = table[(table["background"] == "white") & (table["training"] == "beta-10")].iloc[0]
    assert black["object_share_before"] == pytest.approx(float(images[inside].sum() / images.sum()), rel=1e-4)


def test_the_calibration_is_read_where_it_lies(study, tmp_path):
    table, words = calibration(study, root=tmp_path)
    assert table is None
    assert "space-vae-alpha-calibration --profile mini" in words
    frame = study.table("space-vae-sparsity").assign(alpha=1.0, epochs=3)
    write_table(frame, "study", "space-vae-alpha-calibration", {}, root=tmp_path)
    table, words = calibration(study, root=tmp_path)
    assert len(table) == len(frame)
    assert "results/study/" in words
    assert "3 epochs" in words
