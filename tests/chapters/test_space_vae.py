"""What the chapters on VQ-VAE, SpaCE-VAE and kept images compute, draw and ask."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import torch
from scipy import stats
from tiny import TinyClassifier, named
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional
from uploads import upload

from helpers.chapters.space_vae.drawings import (
    code_colours,
    dimmed,
    draw_grids,
    draw_predictions,
    draw_terms,
    signed_picture,
)
from helpers.chapters.space_vae.game import GameCards, chance_of_score, game_panel, make_game
from helpers.chapters.space_vae.limits import (
    brightness_inside,
    change,
    cost_inside,
    first_of_each_class,
    object_region,
    on_white,
    predict_enlarged,
    prediction_agreement,
    region_summary,
)
from helpers.chapters.space_vae.linear import LinearVAE, noise_for_bits, principal_directions
from helpers.chapters.space_vae.linear_drawings import draw_linear_vae, draw_posteriors
from helpers.chapters.space_vae.measures import count_colours, darken, kept_summary, subtract
from helpers.chapters.space_vae.panel import beta_panel, brightness_left, show_kept, show_networks
from helpers.chapters.space_vae.stamps import (
    another_of_its_class,
    brightness_correlation,
    darkest_of_each_class,
    targeted_patterns,
)
from helpers.chapters.space_vae.toy import as_grid, toy_points, train_codebook
from helpers.chapters.space_vae.toy_drawings import draw_codebooks, draw_straight_through
from helpers.chapters.space_vae.training_drawings import draw_trainings
from helpers.classifiers import Classifier
from helpers.classifiers.architectures import Preprocessing
from helpers.data.scenes import make_scenes
from helpers.methods.space_vae import NetworkOptions, SpaceVAE, SpaceVAENetwork, VectorQuantiser

NAMES = ("cat", "dog", "owl", "fox", "hen")


@pytest.fixture(scope="module")
def classifier():
    return Classifier(
        TinyClassifier(classes=5),
        name="tiny",
        class_names=NAMES,
        preprocessing=Preprocessing(mean=(0.5,) * 3, std=(0.25,) * 3, input_size=32),
        digest="0",
        source="test",
    )


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(24, size=32, seed=5, objects=(1, 1))


@pytest.fixture(scope="module")
def networks(classifier):
    options = {"hidden": 8, "residual_hidden": 4, "residual_layers": 1, "embedding": 4, "codes": 16}
    plain = SpaceVAENetwork(NetworkOptions(**options), seed=1)
    conditioned = SpaceVAENetwork(NetworkOptions(**options, conditioned=True), seed=2)
    for module in (conditioned.encoder_beta, conditioned.decoder_beta):
        torch.nn.init.normal_(module.second.weight, generator=torch.Generator().manual_seed(3))
    return SpaceVAE(plain, classifier), SpaceVAE(conditioned, classifier, beta=10.0)


@pytest.fixture(scope="module")
def principal():
    draws = torch.randn(200, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    scales = torch.logspace(0, -1.5, 48).reshape(3, 4, 4)
    return principal_directions(0.5 + draws * scales), 0.5 + draws * scales


@pytest.fixture(scope="module")
def walks():
    points = toy_points(300, seed=1)
    return points, [
        train_codebook(points, 6, (0, 1, 20), restart_dead_codes=restart_dead_codes)
        for restart_dead_codes in (False, True)
    ]


@pytest.fixture(scope="module")
def questions(classifier, scenes):
    noise = torch.rand(scenes.images.shape, generator=torch.Generator().manual_seed(4))
    kept = {"nothing at all": scenes.images, "noise & <more>": noise, "black": 0 * noise}
    return make_game(classifier, scenes.images, kept, count=6, seed=1)


class TestLinearVAE:
    def test_directions_are_those_of_the_covariance(self, principal):
        found, images = principal
        values = torch.linalg.eigvalsh(torch.cov(images.flatten(1).T, correction=0)).flip(0)
        torch.testing.assert_close(found.variances, values, atol=1e-5, rtol=1e-4)
        product = found.directions @ found.directions.T
        torch.testing.assert_close(product, torch.eye(48), atol=1e-4, rtol=0)

    def test_codes_are_the_posterior_means_of_bayes_rule(self, principal):
        found, images = principal
        vae = LinearVAE(found, 0.2)
        w, centred = vae.decoder.T, (images - found.mean).flatten(1)
        matrix = w.T @ w + 0.2**2 * torch.eye(vae.active)
        wanted = torch.linalg.solve(matrix, w.T @ centred.T).T
        torch.testing.assert_close(vae.encode(images), wanted, atol=1e-4, rtol=1e-3)

    def test_bits_are_the_mean_divergence_of_posterior_and_prior(self, principal):
        found, images = principal
        vae = LinearVAE(found, 0.2)
        spread = (0.2**2 / found.variances[: vae.active]).sqrt().expand(len(images), -1)
        posterior = Independent(Normal(vae.encode(images), spread), 1)
        prior = Independent(Normal(torch.zeros_like(spread), torch.ones_like(spread)), 1)
        mean = float(kl_divergence(posterior, prior).mean()) / torch.tensor(2.0).log()
        assert vae.bits == pytest.approx(float(mean), rel=1e-3)

    def test_no_other_decoder_makes_the_images_likelier(self, principal):
        found, images = principal
        vae, centred = LinearVAE(found, 0.2), (images - found.mean).flatten(1)

        def likelihood(w):
            covariance = w @ w.T + 0.2**2 * torch.eye(48)
            normal = torch.distributions.MultivariateNormal(torch.zeros(48), covariance)
            return float(normal.log_prob(centred).mean())

        best = likelihood(vae.decoder.T)
        for seed in range(5):
            noise = torch.randn(vae.decoder.T.shape, generator=torch.Generator().manual_seed(seed))
            assert likelihood(vae.decoder.T + 0.02 * noise) < best

    def test_directions_below_the_noise_are_dead(self, principal):
        found, images = principal
        active = [LinearVAE(found, noise).active for noise in (0.01, 0.2, 0.5, 5.0)]
        assert active == sorted(active, reverse=True)
        assert active[-1] == 0
        dead = LinearVAE(found, 5.0)
        assert dead.bits == 0
        torch.testing.assert_close(dead.reconstruct(images[:2]), found.mean.expand(2, -1, -1, -1))

    def test_a_drawn_code_costs_the_noise_in_each_living_direction(self, principal):
        """Reverse water-filling: the error is the noise's variance where a direction lives, its own where not."""
        found, images = principal
        vae = LinearVAE(found, 0.2)
        many = images.repeat(40, 1, 1, 1)
        drawn = vae.reconstruct(many, torch.Generator().manual_seed(2))
        error = float((drawn - many).square().flatten(1).sum(1).mean())
        assert error == pytest.approx(float(found.variances.clamp(max=0.2**2).sum()), rel=0.02)

    def test_samples_have_the_models_variance(self, principal):
        vae = LinearVAE(principal[0], 0.2)
        drawn = vae.sample(20_000, torch.Generator().manual_seed(1))
        wanted = vae.decoder.square().sum(0)
        torch.testing.assert_close(drawn.flatten(1).var(0), wanted, atol=0.02, rtol=0.1)

    @pytest.mark.parametrize("bits", [0.5, 20, 60])
    def test_noise_for_bits_is_the_inverse_of_bits(self, principal, bits):
        assert LinearVAE(principal[0], noise_for_bits(principal[0], bits)).bits == pytest.approx(bits, rel=1e-4)

    def test_what_does_not_fit_is_an_error(self, unchecked, principal):
        few = principal_directions(principal[1], count=3)
        with pytest.raises(ValueError, match="more than the 3 directions"):
            noise_for_bits(few, 100)
        with pytest.raises(ValueError, match="bits=0"):
            noise_for_bits(few, 0)
        with pytest.raises(ValueError, match="noise=0"):
            LinearVAE(few, 0)
        with pytest.raises(ValueError, match="1 images"):
            principal_directions(principal[1][:1])

    def test_the_picture_tells_what_lives(self, principal):
        vae = LinearVAE(principal[0], 0.3)
        figure = draw_linear_vae(
            vae, principal[1][:2], vae.reconstruct(principal[1][:2]), vae.sample(2, torch.Generator().manual_seed(0))
        )
        assert figure.axes[0].get_title() == f"{vae.active} active, {vae.bits:.0f} bits per image"
        assert len(figure.axes) == 1 + 3 * 2

    def test_ellipses_are_the_posteriors(self, principal):
        found, images = principal
        vae = LinearVAE(found, 0.2)
        left, right = draw_posteriors(vae, images[:3]).axes
        (points,) = left.lines
        coordinates = (images[:3] - found.mean).flatten(1) @ found.directions[1:3].T
        assert list(points.get_xdata()) == pytest.approx(coordinates[:, 0].tolist(), rel=1e-4)
        *ellipses, prior = right.patches
        assert [ellipse.center for ellipse in ellipses] == [
            pytest.approx(tuple(mean)) for mean in vae.encode(images[:3])[:, 1:3].tolist()
        ]
        spread = 0.2 / found.variances[1:3].sqrt()
        assert (ellipses[0].width, ellipses[0].height) == pytest.approx(tuple((4 * spread).tolist()))
        assert prior.radius == 2


class TestToy:
    def test_it_walks_as_the_quantiser_does(self, walks):
        points, (_, restarted) = walks
        quantiser = VectorQuantiser(6, 2, decay=0.9)
        quantiser.codebook.copy_(restarted.codebooks[0])
        generator = torch.Generator().manual_seed(0)
        for step in range(20):
            if step == 1:
                torch.testing.assert_close(quantiser.codebook, restarted.codebooks[1])
            quantiser.train()(as_grid(points[torch.randint(300, (64,), generator=generator)]))
        torch.testing.assert_close(quantiser.codebook, restarted.codebooks[2])

    def test_use_and_errors_are_those_of_brute_force(self, walks):
        points, all_walks = walks
        for walk in all_walks:
            for codebook, used, error in zip(walk.codebooks, walk.used, walk.errors, strict=True):
                distances = torch.cdist(points, codebook)
                shares = functional.one_hot(distances.argmin(1), 6).float().mean(0)
                torch.testing.assert_close(used, shares)
                torch.testing.assert_close(error, distances.amin(1).square().mean())

    def test_revival_leaves_no_code_unused(self, walks):
        _, (published, restarted) = walks
        assert (published.used[-1] == 0).any()
        assert (restarted.used[-1] > 0).all()
        assert restarted.errors[-1] < published.errors[-1]

    @pytest.mark.parametrize("record", [(), (3, 1), (-1, 2)])
    def test_looks_must_ascend(self, unchecked, record):
        with pytest.raises(ValueError, match="must ascend, from 0 or more"):
            train_codebook(toy_points(20), 2, record, restart_dead_codes=True)

    def test_pictures(self, walks):
        points, (published, restarted) = walks
        figure = draw_codebooks({"a": published, "b": restarted}, points, 2)
        unused = int((published.used[2] == 0).sum())
        wanted = f"a\n{unused} unused, mean squared distance {float(published.errors[2]):.2f}"
        assert figure.axes[0].get_title() == wanted
        codes, vector = torch.tensor([[0.0, 0.0], [4.0, 0.0]]), torch.tensor([1.0, 0.5])
        drawn = draw_straight_through(vector, codes, torch.tensor([2.0, 2.0]), step=0.5)
        ends = [(text.xyann, text.xy) for text in drawn.axes[0].texts if text.get_text() == ""]
        assert ends[1:] == [((0.0, 0.0), (1.0, 1.0)), ((1.0, 0.5), (2.0, 1.5))]  # the same arrow at both


class TestDrawings:
    def test_bars_are_the_softmax(self, classifier, scenes):
        figure = draw_predictions(classifier, scenes.images[:2], ["a", "b"], target=3)
        bars = [bar.get_width() for bar in figure.axes[2].patches]
        assert bars == pytest.approx(classifier(scenes.images[:1])[0].softmax(0).tolist(), rel=1e-5)
        assert len({bar.get_facecolor() for bar in figure.axes[2].patches}) == 2

    def test_a_signed_picture_is_blue_above_and_orange_below(self):
        values = torch.tensor([[[1.0, 0.0, -1.0]]]).expand(3, 1, 3) / 3
        red, green, blue = signed_picture(values)[:, 0].T
        assert blue is not None
        assert red[2] > red[0]  # above: blue
        torch.testing.assert_close(green, torch.ones(3))  # nothing: white
        picture = signed_picture(values)[:, 0]
        assert picture[2, 0] > picture[0, 0]
        assert picture[0, 2] > picture[2, 2]

    def test_colours_of_codes_follow_the_codes(self):
        codebook = torch.randn(40, 6, generator=torch.Generator().manual_seed(2))
        colours = code_colours(codebook)
        assert 0 <= float(colours.min()) <= float(colours.max()) <= 1
        assert len(colours.unique(dim=0)) == 40
        order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
        torch.testing.assert_close(code_colours(codebook[order]), colours[order])

    def test_grids_show_their_codes(self, networks, scenes):
        method = networks[0]
        some = scenes.images[:2]
        figure = draw_grids(some, method.codes(some), method.explain(some).kept, method.network.quantiser.codebook)
        numbers = [text.get_text() for text in figure.axes[2].texts]
        assert numbers == [str(code) for code in method.codes(some)[0].flatten().tolist()]
        assert len(figure.axes[3].texts) == 0

    def test_the_best_pixel_by_brute_force(self):
        candidates = torch.linspace(-1, 1, 2001)
        for pixel in (0.0, 0.1, 0.5, 1.0):
            price = (candidates - pixel) ** 2 / 0.07 + 7.5 * candidates.clamp(0, 1)
            best = dimmed(torch.tensor(pixel), 7.5, 0.07)
            assert float(best) == pytest.approx(float(candidates[price.argmin()]), abs=2e-3)

    def test_terms(self):
        left, right = draw_terms((1, 2), 0.1, (1, 10), {"here": 0.5}).axes
        assert left.lines[1].get_ydata()[-1] == pytest.approx(0.9)
        assert right.lines[1].get_ydata()[0] == pytest.approx(-10 * torch.tensor(0.005).log().item())
        assert list(right.lines[2].get_xdata()) == [0.5, 0.5]

    def test_trainings_show_their_errors_and_images(self, scenes):
        some = scenes.images[:3]
        figure = draw_trainings({"one": [2.0, 1.0], "two": [3.0, 0.5]}, some, {"one": some, "two": 0 * some})
        curves, *pictures = figure.axes
        assert list(curves.lines[1].get_ydata()) == [3.0, 0.5]
        assert [axes.get_ylabel() for axes in pictures[::3]] == ["images", "one", "two"]


class TestGame:
    def test_half_are_true_and_no_image_comes_twice(self, questions):
        assert [q.same for q in questions].count(True) == 3
        assert len({q.image.sum().item() for q in questions}) == 6

    def test_the_classifier_says_what_is_told(self, classifier, questions):
        for question in questions:
            place, confidence = classifier.predict(question.kept[None])
            assert question.after == NAMES[int(place)]
            assert question.answer.startswith("Yes" if question.same else "No")
            assert f"{question.after}, {100 * float(confidence):.0f} %" in question.answer
            assert question.before == NAMES[int(classifier.predict(question.image[None])[0])]

    def test_the_page_hides_the_answers_and_needs_nobody_else(self, questions):
        html = GameCards(tuple(questions))._repr_html_()
        tree = ElementTree.fromstring(html)
        assert len(tree.findall(".//details")) == 6
        assert "http" not in html
        assert "<script" not in html
        for card, question in zip(tree.findall("div"), questions, strict=True):
            assert "".join(card.find("details/p").itertext()) == question.answer
            told = "".join(card.find("p").itertext()) + " ".join(i.get("alt") for i in card.findall(".//img"))
            assert question.method not in told
            assert all(image.get("src").startswith("data:") for image in card.findall(".//img"))

    def test_the_same_seed_gives_the_same_game(self, classifier, scenes, questions):
        noise = torch.rand(scenes.images.shape, generator=torch.Generator().manual_seed(4))
        kept = {"nothing at all": scenes.images, "noise & <more>": noise, "black": 0 * noise}
        again, other = (make_game(classifier, scenes.images, kept, count=6, seed=seed) for seed in (1, 2))
        assert [q.answer for q in again] == [q.answer for q in questions]
        assert [q.answer for q in other] != [q.answer for q in questions]

    def test_too_few_of_one_answer(self, unchecked, classifier, scenes):
        with pytest.raises(ValueError, match="0 do not; 2 of each"):
            make_game(classifier, scenes.images, {"all": scenes.images}, count=4)
        with pytest.raises(ValueError, match="count=3"):
            make_game(classifier, scenes.images, {"all": scenes.images}, count=3)

    def test_a_method_may_have_looked_at_the_first_images_only(self, classifier, scenes):
        kept = {"all": scenes.images, "few": 0 * scenes.images[:8]}
        for question in make_game(classifier, scenes.images, kept, count=6, seed=1):
            if question.method == "few":
                assert any(torch.equal(question.image, image) for image in scenes.images[:8])

    @pytest.mark.parametrize("right", [0, 6, 9, 12])
    def test_chance_is_binomial(self, right):
        assert chance_of_score(right, 12) == pytest.approx(stats.binom.sf(right - 1, 12, 0.5))

    def test_the_first_guess_counts_and_a_new_card_has_none(self, questions):
        panel = game_panel(questions)
        picture = panel.output.outputs
        panel.controls["guess"].value = questions[0].same
        assert panel.output.outputs != picture
        answered = panel.output.outputs
        panel.controls["guess"].value = not questions[0].same
        assert panel.output.outputs == answered
        panel.controls["card"].value = 1
        assert panel.controls["guess"].value is None
        assert [output["output_type"] for output in panel.output.outputs] == ["display_data"]


class TestLimits:
    def test_objects_on_white(self, scenes):
        white, region = on_white(scenes), object_region(scenes).expand(-1, 3, -1, -1)
        assert (white[~region] == 1).all()
        assert torch.equal(white[region], scenes.images[region])

    def test_what_is_paid_inside_by_hand(self):
        kept = torch.zeros(1, 3, 2, 2)
        kept[0, :, 0, 0], kept[0, :, 1, 1] = 0.75, 0.25
        region = torch.tensor([[[[True, False], [False, False]]]])
        assert float(cost_inside(kept, torch.zeros(1, 3, 1, 1), region)) == pytest.approx(0.75)
        grey = torch.full((1, 3, 1, 1), 0.25)
        assert float(cost_inside(kept, grey, region)) == pytest.approx(0.5 / (0.5 + 2 * 0.25))

    def test_brightness_inside_by_hand(self):
        images, kept = torch.full((1, 3, 1, 2), 0.5), torch.tensor([0.25, 0.1]).expand(1, 3, 1, 2)
        left = torch.tensor([[[[True, False]]]])
        assert brightness_inside(images, kept, left) == pytest.approx(50)
        assert brightness_inside(images, kept, ~left) == pytest.approx(20)

    def test_regions_of_a_dimmed_image_keep_the_same(self, scenes):
        table = region_summary({"half": scenes.images / 2, "objects": scenes.images * object_region(scenes)}, scenes)
        assert table.iloc[0, 1:].tolist() == pytest.approx([50, 50], rel=1e-5)
        assert table.iloc[1, 1:].tolist() == pytest.approx([100, 0], rel=1e-5)

    def test_a_change_is_the_difference(self, scenes):
        kept = scenes.images.flip(0)
        moved = change(scenes.images, kept)
        torch.testing.assert_close(moved.removed - moved.added, scenes.images - kept)
        assert (moved.removed * moved.added == 0).all()
        brighter = change(torch.full((1, 3, 1, 2), 0.5), torch.tensor([0.25, 1.0]).expand(1, 3, 1, 2))
        assert float(brighter.added_share) == pytest.approx(100 * 0.5 / 0.75)

    def test_a_second_opinion_is_about_enlarged_images(self, classifier, scenes):
        large = functional.interpolate(scenes.images, size=(64, 64), mode="bilinear", align_corners=False)
        wanted = classifier(large).argmax(1)
        assert torch.equal(predict_enlarged(classifier, scenes.images, 64, batch=7), wanted)
        assert prediction_agreement(wanted, wanted) == 100
        assert prediction_agreement(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 0, 0])) == 50

    def test_the_first_of_each_class(self):
        classes, fits = torch.tensor([2, 0, 0, 1, 2, 1]), torch.tensor([True, False, True, False, True, False])
        assert first_of_each_class(classes, fits, 5).tolist() == [2, 0]
        assert first_of_each_class(classes, fits, 1).tolist() == [2]


class TestStamps:
    def test_the_darkest_of_each_class_by_hand(self, scenes):
        class Reds(torch.nn.Module):
            """Class 1 for images that are redder than green."""

            def forward(self, images):
                red, green, _ = images.mean((2, 3)).T
                return 40 * torch.stack([green - red, red - green], 1)

        classifier = named(Reds(), 2, ("green", "red"))
        colours = torch.tensor([[0.9, 0.1, 0.0], [0.5, 0.1, 0.0], [0.0, 0.9, 0.9], [0.2, 0.6, 0.0], [0.01, 0.0, 0.0]])
        kept = colours[:, :, None, None].expand(-1, 3, 2, 2)
        stamps = darkest_of_each_class(classifier, kept)
        assert torch.equal(stamps, kept[[3, 1]])  # the last one is darker, but not sure
        with pytest.raises(ValueError, match="no kept image of class 'green'"):
            darkest_of_each_class(classifier, kept[:2])

    def test_another_of_its_class(self):
        classes = torch.tensor([2, 0, 2, 2, 0, 1])
        assert another_of_its_class(classes).tolist() == [2, 4, 3, 0, 1, 5]

    def test_correlations_are_pearsons(self, scenes):
        first, second = scenes.images[:4], scenes.images[4:8]
        wanted = [
            stats.pearsonr(a.mean(0).flatten().numpy(), b.mean(0).flatten().numpy()).statistic
            for a, b in zip(first, second, strict=True)
        ]
        assert brightness_correlation(first, second).tolist() == pytest.approx(wanted, abs=1e-5)
        assert brightness_correlation(first, 0 * first).tolist() == [0] * 4

    def test_patterns_are_small_and_raise_their_class(self, classifier, scenes):
        images, targets = scenes.images[:6], torch.arange(6) % 5
        changed = targeted_patterns(classifier, images, targets, largest=0.05)
        assert float((changed - images).abs().max()) <= 0.05 + 1e-6
        assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
        before, after = (classifier(pictures).log_softmax(1)[range(6), targets] for pictures in (images, changed))
        assert (after > before).all()


class TestMeasures:
    def test_a_summary_by_hand(self, classifier, scenes):
        images = scenes.images[:8]
        kept = {"half": images * 0.5, "black": images * 0}
        table = kept_summary(classifier, images, kept).set_index("kept by")
        before, after = classifier(images), classifier(images * 0.5)
        same = sum(int(a.argmax() == b.argmax()) for a, b in zip(before, after, strict=True))
        sure = sum(float(b.softmax(0)[a.argmax()]) for a, b in zip(before, after, strict=True))
        assert table.loc["half"].tolist() == pytest.approx([100 * same / 8, 100 * sure / 8, 0, 50], rel=1e-4)
        assert table.loc["black", ["L0 sparsity", "L1 sparsity"]].tolist() == [100, 100]

    @pytest.mark.parametrize("lazy", [darken, subtract])
    def test_the_lazy_ones_keep_as_much_as_they_are_told(self, scenes, lazy):
        images = scenes.images[:5]
        whole = images.sum((1, 2, 3))
        for share in (0.0, 0.3, 1.0):
            done = lazy(images, share * whole)
            torch.testing.assert_close(done.sum((1, 2, 3)), share * whole, rtol=1e-4, atol=0.1)
            assert (done <= images + 1e-6).all()
            assert float(done.min()) >= 0

    def test_subtraction_takes_the_same_from_every_pixel(self, scenes):
        image = scenes.images[:1]
        done = subtract(image, 0.4 * image.sum((1, 2, 3)))
        taken = (image - done)[done > 0]
        assert float(taken.max() - taken.min()) < 1e-5

    def test_colours_are_counted(self):
        two = torch.zeros(1, 3, 2, 2)
        two[0, 0, 0, 0] = 1
        assert count_colours(torch.cat([two, 0 * two])) == 1.5


class TestPanel:
    def test_what_is_shown_of_a_network(self, classifier, networks, scenes):
        some = scenes.images[:2]
        kept = networks[0].explain(some).kept
        figure = show_kept(classifier, some, networks[0])
        title = figure.axes[2].get_title()
        assert title.endswith(f"brightness {float(100 * kept[0].sum() / some[0].sum()):.0f} %")
        assert float(brightness_left(some, kept)[1]) == pytest.approx(float(100 * kept[1].sum() / some[1].sum()))
        beside = show_networks(classifier, some, {"one": networks[0], "two": networks[1]})
        assert [axes.get_title().split("\n")[0] for axes in beside.axes[:3]] == ["the image", "one", "two"]

    def test_each_control_redraws_and_a_bad_file_is_told(self, networks, scenes):
        panel = beta_panel(networks[1], scenes.images[:2], start=10)
        for control, value in (("beta", 100.0), ("scene", 1)):
            before = panel.output.outputs
            panel.controls[control].value = value
            assert panel.output.outputs != before
        upload(panel.controls["upload"], "x.png", b"no image")
        assert [output["output_type"] for output in panel.output.outputs] == ["display_data"]
        assert "x.png is not a picture" in panel.output.outputs[0]["data"]["text/plain"]

    def test_a_network_of_one_beta_has_no_slider(self, networks, scenes):
        with pytest.raises(ValueError, match="conditioned on beta"):
            beta_panel(networks[0], scenes.images, start=10)
