"""What the smaller tables about SpaCE-VAE measure, against images and networks whose answer is known."""

import math

import numpy as np
import pytest
import torch
from space_vae_miniature import miniature_profile, write_weights

from helpers.data.scenes import make_scenes
from helpers.papers.spacevae.experiments import SpaceStudy, competitor_images, recomposed_scenes
from helpers.papers.spacevae.experiments.alpha_calibration import alpha_calibration_table, short_options
from helpers.papers.spacevae.experiments.competitors import COMPETITORS, attributions
from helpers.papers.spacevae.experiments.controls import amount_for, darken, subtract
from helpers.papers.spacevae.experiments.cross_method import kept_images, larger_scenes, rde_methods
from helpers.papers.spacevae.experiments.examples import QUARTERS, figure_five_rows, quarters
from helpers.papers.spacevae.experiments.networks import colour_counts, measures
from helpers.papers.spacevae.experiments.reference import BACKGROUNDS, DARK, contrast, sums


@pytest.fixture(scope="module")
def profile():
    return miniature_profile()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def study(profile, root):
    return write_weights(SpaceStudy(profile, root=root, models=root / "models"))


@pytest.fixture(scope="module")
def examples(study):
    return study.table("space-vae-examples")


@pytest.fixture(scope="module")
def cross_method(study):
    return study.table("space-vae-cross-method")


class TestNetworks:
    def test_the_bottleneck_has_other_grids_and_codebooks_only(self, study):
        table = study.table("space-vae-bottleneck").set_index("training")
        assert set(table.index) == {"beta-10", "grid-4", "codes-32"}
        assert table["bits"].to_dict() == {"beta-10": 64 * 3, "grid-4": 16 * 3, "codes-32": 64 * 5}
        assert (table["beta"] == 10).all()

    def test_the_conditioned_network_stands_beside_one_network_a_beta(self, study):
        table = study.table("space-vae-conditioned")
        assert table[table["conditioned"]]["beta"].tolist() == [1, 3, 10, 30, 100]
        own = table[~table["conditioned"]]
        assert dict(zip(own["training"], own["beta"], strict=True)) == {"beta-1": 1, "beta-10": 10, "beta-100": 100}

    def test_extensions_are_measured_on_the_plain_network_too(self, study):
        table = study.table("space-vae-extensions")
        assert set(zip(table["training"], table["measure"], strict=True)) == {
            (training, measure)
            for training in ("beta-10", "colours")
            for measure in ("contrast", "colours", "smoothness")
        }
        kept = study.kept_by("colours", study.test)
        value = table.set_index(["training", "measure"]).loc[("colours", "contrast"), "value"]
        assert value == pytest.approx(np.mean([image.mean(0).numpy().std() for image in kept]), abs=1e-3)

    def test_what_is_not_trained_is_said(self, profile, tmp_path):
        study = write_weights(SpaceStudy(profile, root=tmp_path, models=tmp_path), ("vq-vae",))
        for name in ("bottleneck", "conditioned", "extensions", "reference"):
            with pytest.raises(ValueError, match=r"train --profile mini"):
                study.table(f"space-vae-{name}")

    def test_colours_that_are_equally_frequent_are_counted(self):
        images = torch.zeros(3, 3, 8, 8)
        images[1, 0, :4] = 0.9
        images[2, 0, :, :4], images[2, 1, :4], images[2, 2] = 0.9, 0.6, 0.01  # the last makes no difference
        torch.testing.assert_close(colour_counts(images), torch.tensor([1.0, 2.0, 4.0]))

    def test_rare_colours_count_less(self):
        image = torch.zeros(1, 3, 10, 10)
        image[0, :, 0, 0] = 1
        share = 0.01
        expected = math.exp(-share * math.log(share) - (1 - share) * math.log(1 - share))
        assert colour_counts(image).item() == pytest.approx(expected, rel=1e-5)

    def test_stripes_have_more_variation_than_a_slope_of_the_same_contrast(self):
        stripes = (torch.arange(16) % 2).float().expand(1, 3, 16, 16)
        slope = (torch.arange(16) >= 8).float().expand(1, 3, 16, 16)
        found = measures(torch.cat([stripes, slope]))
        torch.testing.assert_close(found["contrast"], torch.tensor([0.5, 0.5]), atol=1e-4, rtol=0)
        torch.testing.assert_close(found["smoothness"], torch.tensor([1.0, 1 / 15]))


class TestControls:
    def test_subtracting_and_darkening_are_what_they_say(self):
        image = torch.tensor([0.0, 0.2, 0.6, 1.0]).reshape(1, 1, 1, 4).expand(1, 3, 1, 4)
        torch.testing.assert_close(subtract(image, 0.3)[0, 0, 0], torch.tensor([0.0, 0.0, 0.3, 0.7]))
        torch.testing.assert_close(darken(image, 0.3)[0, 0, 0], torch.tensor([0.0, 0.14, 0.42, 0.7]))

    def test_an_amount_gives_the_sparsity_that_was_asked_for(self, study):
        images = study.test.floats()
        assert amount_for(images, "darkened", 37) == pytest.approx(0.37, abs=1e-4)
        kept = subtract(images, amount_for(images, "subtracted", 37))
        assert 100 * (1 - kept.sum() / images.sum()).item() == pytest.approx(37, abs=0.01)
        with pytest.raises(ValueError, match="'blurred' must be one of subtracted, darkened"):
            amount_for(images, "blurred", 37)

    def test_they_stand_beside_the_methods(self, study):
        table = study.table("space-vae-sparsity")
        rows = table[table["method"] == "darkened"]
        assert rows["split"].unique().tolist() == ["test"]
        np.testing.assert_allclose(rows["l1"], 100 * rows["amount"], rtol=1e-4)
        assert (rows["l0"] == 0).all()

    def test_a_second_classifier_judges_the_same_kept_images(self, study):
        table = study.table("space-vae-transfer").set_index("method")
        assert set(table["images"]) == {7}
        assert table.loc["original", "second_agreement"] == 1
        assert table.loc["original", "second_accuracy"] > 0.5  # it knows these scenes; the first one is random
        plain = table[table["training"] == "beta-10"]["l1"].item()
        for name in ("subtracted", "darkened"):
            assert table.loc[name, "l1"] == pytest.approx(min(max(plain, 0), 100), abs=0.1)
        with torch.no_grad():
            pixels = competitor_images(study, "test").floats()
            grey = study.classifier(pixels.mean(1, keepdim=True).expand_as(pixels)).argmax(1)
            same = (grey == study.classifier(pixels).argmax(1)).float().mean().item()
        assert table.loc["original", "grey_agreement"] == pytest.approx(same)
        assert table.loc["original", "second_grey_agreement"] > 0.5


class TestReference:
    def test_objects_are_the_same_on_every_background(self):
        drawn, bright, white = (recomposed_scenes(5, kind, seed=2) for kind in BACKGROUNDS)
        inside = drawn.objects[:, None].expand(-1, 3, -1, -1)
        assert torch.equal(drawn.objects, white.objects)
        assert bool((white.images.pixels[~inside] == 255).all())
        dark = DARK * drawn.images.floats()[inside]
        torch.testing.assert_close(white.images.floats()[inside], dark, atol=0.5 / 255 + 1e-6, rtol=0)
        assert torch.equal(white.images.pixels[inside], bright.images.pixels[inside])
        assert bool((bright.images.pixels[~inside] >= drawn.images.pixels[~inside]).all())

    def test_an_unknown_background_is_named(self):
        with pytest.raises(ValueError, match="'grey' is not known; use one of as drawn, bright, white"):
            recomposed_scenes(2, "grey")

    def test_sums_are_those_inside_and_outside(self):
        made = recomposed_scenes(3, "white")
        pixels, inside = made.images.floats(), made.objects[:, None].float()
        first, second = sums(pixels, inside)
        torch.testing.assert_close(first + second, pixels.sum((1, 2, 3)))
        torch.testing.assert_close(second, 3 * (~made.objects).sum((1, 2)).float())

    def test_contrast_is_the_distance_of_the_mean_colours(self):
        images, inside = torch.ones(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)
        inside[0, :, :2] = 1  # the second has no object
        images[0, 0, :2] = 0.5
        images[0, 1, :2] = 0.2
        expected = math.hypot(0.5, 0.8)
        torch.testing.assert_close(contrast(images, inside), torch.tensor([expected, 0.0]))

    def test_what_keeps_everything_keeps_the_object_and_the_contrast(self, study, monkeypatch):
        monkeypatch.setattr(SpaceStudy, "kept_by", lambda self, name, images: 0.5 * images.floats())
        table = study.table("space-vae-reference")
        assert set(zip(table["training"], table["background"], strict=True)) == {
            (training, kind) for training in ("beta-1", "beta-10", "beta-100", "mean-colour") for kind in BACKGROUNDS
        }
        np.testing.assert_allclose(table["darkened_agreement"], table["agreement"])  # what is kept is dimmed by half
        for column in ("object_kept", "background_kept", "contrast_kept"):
            np.testing.assert_allclose(table[[column, f"{column}_low", f"{column}_high"]], 0.5, rtol=1e-4)
        black = table[table["training"] == "beta-10"]  # from black, distance is brightness
        np.testing.assert_allclose(black["object_distance_kept"], black["object_kept"])
        np.testing.assert_allclose(black["background_distance_kept"], black["background_kept"])
        white = table[table["background"] == "white"].iloc[0]
        made = recomposed_scenes(30, "white")
        pixels, inside = made.images.floats(), made.objects[:, None]
        assert white["removed_inside"] == pytest.approx(((pixels * inside).sum() / pixels.sum()).item(), rel=1e-4)
        assert white["inside"] == pytest.approx(made.objects.float().mean().item(), rel=1e-4)


class TestExamples:
    def test_figure_one_shows_the_first_image_that_most_methods_flip(self, examples, study):
        images = competitor_images(study, "test")
        pixels = images.floats()
        with torch.no_grad():
            before = study.classifier(pixels).argmax(1)
            kept = {name: pixels * (attributions(study, name, images) >= 0) for name in COMPETITORS}
            flips = {name: study.classifier(each).argmax(1) != before for name, each in kept.items()}
        votes = [sum(bool(each[row]) for each in flips.values()) for row in range(len(images))]
        right = [bool(before[row] == images.labels[row]) for row in range(len(images))]
        scores = [vote * fits for vote, fits in zip(votes, right, strict=True)]
        rows = examples[examples["figure"] == "fig1"]
        assert rows["image"].unique().tolist() == [scores.index(max(scores))]
        shown = rows[rows["method"].isin(COMPETITORS)].set_index("method")
        for name in COMPETITORS:
            assert shown.loc[name, "flips"] == pytest.approx(flips[name].float().mean().item())
            place = shown.loc[name, "image"]
            assert (shown.loc[name, "predicted_after"] != shown.loc[name, "predicted"]) == bool(flips[name][place])
        assert {"beta-1", "beta-10", "beta-100", "vq-vae"} <= set(rows["training"])

    def test_figure_two_has_real_scores_of_four_quarters(self, examples, study):
        rows = examples[examples["figure"] == "fig2"]
        assert tuple(rows["region"]) == QUARTERS
        image = study.test.floats()[int(rows["image"].iloc[0])]
        with torch.no_grad():
            before = study.classifier(image[None]).softmax(1)[0]
            for row, (top, left) in zip(rows.itertuples(), ((0, 0), (0, 16), (16, 0), (16, 16)), strict=True):
                hidden = image.clone()
                hidden[:, top : top + 16, left : left + 16] = 0
                after = study.classifier(hidden[None]).softmax(1)[0, before.argmax()]
                assert row.confidence_after == pytest.approx(after.item(), abs=1e-5)
                assert row.drop == pytest.approx((before.max() - after).item(), abs=1e-5)

    def test_quarters_cover_an_image_of_odd_sides_once(self):
        hidden = 1 - quarters(torch.ones(1, 3, 5, 7))[0]
        assert torch.equal(hidden.sum(0), torch.ones(3, 5, 7))

    def test_figure_five_shows_different_classes_and_a_mistake(self):
        labels = torch.tensor([4, 4, 2, 2, 7, 1, 0])
        predicted = torch.tensor([4, 4, 3, 2, 7, 1, 1])
        assert figure_five_rows(labels, predicted) == [0, 3, 4, 2]
        assert figure_five_rows(labels, labels) == [0, 2, 4, 5]

    def test_every_row_has_all_that_a_figure_needs(self, examples, study):
        assert examples["image"].between(0, 29).all()
        wrong = examples[(examples["figure"] == "fig5") & (examples["label"] != examples["predicted"])]
        assert wrong["image"].nunique() == 1
        assert examples[["confidence", "confidence_after"]].stack().between(0, 1).all()
        assert set(examples["label"]) | set(examples["predicted"]) <= set(study.test.class_names)
        five = examples[examples["figure"] == "fig5"]
        assert five.groupby("image").size().nunique() == 1  # the same methods for every image


class TestEarlier:
    def test_every_method_with_the_classifier_that_it_explains(self, cross_method):
        found = cross_method.set_index("method")
        assert {"original", "cartoonx", "pixel-rde", "explainer", "vq-vae", "space-vae"} <= set(found.index)
        assert (found.loc["explainer", "classifier"], found.loc["explainer", "size"]) == ("scenes-multilabel", 64)
        others = found.drop(index="explainer")
        assert (others["classifier"] == "mini").all()
        assert (cross_method["images"] == 3).all()
        assert found.loc["explainer", "source"] == "scenes of 64 px"

    def test_searches_have_the_profiles_options_and_are_stored(self, cross_method, study, monkeypatch):
        methods = rde_methods(study)
        assert {name: method.options.steps for name, method in methods.items()} == {"cartoonx": 5, "pixel-rde": 5}
        images = study.test[:2]
        expected = methods["pixel-rde"].explain(images.floats()).kept
        monkeypatch.setattr(type(methods["pixel-rde"]), "explain", None)
        found = kept_images(study, "pixel-rde", methods["pixel-rde"], images)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)

    def test_larger_scenes_are_the_same_scenes(self, study):
        larger, small = larger_scenes(study, 6), study.test[:6]
        assert torch.equal(larger.labels, small.labels)
        shrunk = torch.nn.functional.avg_pool2d(larger.floats(), 2)
        assert (shrunk - small.floats()).abs().mean().item() < 0.05
        drawn = make_scenes(6, size=64, seed=34_000 + study.settings.data.seed, objects=(1, 1))
        assert torch.equal(larger.pixels, (drawn.images * 255).round().byte())

    def test_a_profile_that_names_no_images_says_so(self, profile, root):
        evaluation = profile.space_vae.evaluation.model_copy(update={"cross_method": None})
        section = profile.space_vae.model_copy(update={"evaluation": evaluation})
        study = SpaceStudy(profile.model_copy(update={"space_vae": section}), root=root, models=root / "models")
        with pytest.raises(ValueError, match=r"space_vae.evaluation.cross_method"):
            study.table("space-vae-cross-method")


class TestAlpha:
    def test_short_trainings_differ_in_alpha_alone(self, study):
        options = short_options(study, 3.0, 1)
        plain = study.settings.options("beta-10").plain()
        plain["loss"]["alpha"], plain["epochs"] = 3.0, 1
        assert options.plain() == plain

    def test_the_nearest_alpha_is_marked_and_a_second_run_reads_what_the_first_wrote(self, study, monkeypatch):
        table = study.table("space-vae-alpha-calibration")
        assert table["alpha"].tolist() == [1, 20]
        distances = (table["l1"] - 50).abs()
        assert table.loc[distances.idxmin(), "nearest"]
        assert table["nearest"].sum() == 1
        assert not table["used"].any()  # the miniature's own alpha is neither
        assert table["images"].unique().tolist() == [5]
        monkeypatch.setattr("helpers.papers.spacevae.experiments.alpha_calibration.train_space_vae", None)
        assert study.table("space-vae-alpha-calibration").equals(table)

    def test_a_profile_without_calibration_says_so(self, profile, root):
        section = profile.space_vae.model_copy(update={"calibration": None})
        study = SpaceStudy(profile.model_copy(update={"space_vae": section}), root=root, models=root / "models")
        with pytest.raises(ValueError, match=r"no section `space_vae.calibration`"):
            alpha_calibration_table(study)


def test_a_network_of_another_classifier_is_refused(profile, tmp_path):
    write_weights(SpaceStudy(profile, root=tmp_path, models=tmp_path), ("beta-1",))
    study = SpaceStudy(profile, root=tmp_path, models=tmp_path)
    write_weights(study, (), seed=5)
    with pytest.raises(ValueError, match="was trained for the classifier 'mini'"):
        study.model("beta-1")
