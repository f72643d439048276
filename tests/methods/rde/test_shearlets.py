"""ShearletX and WaveletX: restated, on their own promises, and end to end on scenes."""

import ast
import itertools
from collections import Counter
from pathlib import Path

import pytest
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images

import helpers.methods
from helpers.classifiers import load_classifier
from helpers.core.runtime import random_generator
from helpers.data.scenes import make_scenes
from helpers.methods.rde import RECIPES, CartoonX, Representation, Shearlets, ShearletX, WaveletX

SIZE = 24


@pytest.fixture(scope="module")
def images():
    return smooth_images(2, SIZE)


class TestRepresentation:
    def test_satisfies_the_protocol_and_inverts(self):
        shearlets = Shearlets((21, 30), scales=3)
        assert isinstance(shearlets, Representation)
        images = torch.rand(2, 3, 21, 30)
        coefficients = shearlets.analyse(images)
        torch.testing.assert_close(shearlets.synthesise(coefficients), images, atol=1e-5, rtol=0)

    def test_bands_are_scales_that_partition_the_coefficients(self):
        shearlets = Shearlets((8, 9), scales=4)
        assert list(shearlets.bands) == ["approximation", "details-4", "details-3", "details-2", "details-1"]
        covered = [i for band in shearlets.bands.values() for i in range(band.start, band.stop)]
        assert covered == list(range(shearlets.transform.coefficients))
        assert [(b.stop - b.start) // 72 for b in shearlets.bands.values()] == [1, 8, 8, 16, 16]

    def test_relevance_is_the_share_of_the_amplitude_kept(self):
        """Against the definition, one shearlet of an impulse after the other."""
        size, shearlets = (5, 6), Shearlets((5, 6), scales=1)
        images = torch.rand(2, 3, *size, dtype=torch.float64)
        coefficients = shearlets.analyse(images)
        k = coefficients.shape[2]
        mask = torch.rand(2, 1, k, dtype=torch.float64)
        waves = shearlets.synthesise(torch.eye(k, dtype=torch.float64).unsqueeze(1)).abs()[:, 0]  # k, height, width
        amplitude = coefficients.abs().mean(1)  # batch, k
        kept = torch.einsum("bk,khw->bhw", mask[:, 0] * amplitude, waves)
        expected = kept / torch.einsum("bk,khw->bhw", amplitude, waves)
        torch.testing.assert_close(shearlets.relevance(mask, coefficients)[:, 0], expected)

    def test_a_constant_mask_has_that_relevance(self, images):
        shearlets = Shearlets((SIZE, SIZE))
        coefficients = shearlets.analyse(images)
        mask = torch.full_like(coefficients[:, :1], 0.3)
        torch.testing.assert_close(shearlets.relevance(mask, coefficients), torch.full((2, 1, SIZE, SIZE), 0.3))
        assert shearlets.relevance(mask, torch.zeros_like(coefficients)).max() == 0

    def test_norms_are_those_of_single_shearlets(self):
        shearlets = Shearlets((6, 5), scales=2)
        identity = torch.eye(shearlets.transform.coefficients, dtype=torch.float64).unsqueeze(1)
        waves = shearlets.synthesise(identity)
        torch.testing.assert_close(shearlets.norms(identity), waves.square().sum((1, 2, 3)).sqrt())


class TestNoise:
    def test_matched_noise_has_the_energy_of_what_it_replaces(self, images):
        norms = Shearlets((SIZE, SIZE), scales=2).norms(images)
        assert norms.square().max() < 0.2  # the share of its energy that independent noise keeps
        problem = ShearletX(TinyClassifier(), scales=2, matched_noise=True).problem(images)
        plain = ShearletX(TinyClassifier(), scales=2, matched_noise=False).problem(images)
        torch.testing.assert_close(problem.deviation * norms, plain.deviation)
        shearlets = problem.representation
        noise = problem.draw(100, random_generator(0, images.device)) * problem.deviation[:1]
        for name in ("details-2", "details-1"):
            alone = torch.zeros_like(noise)
            alone[..., shearlets.bands[name]] = noise[..., shearlets.bands[name]]
            energy = shearlets.synthesise(alone).square().sum((1, 2, 3)).mean()
            replaced = plain.deviation[0, 0, shearlets.bands[name]].square().sum() * 3
            assert float(energy / replaced) == pytest.approx(1, abs=0.1)

    def test_independent_noise_nearly_vanishes_in_four_scales(self):
        """The shares of its energy that the docstring of ShearletX states."""
        shearlets = Shearlets((64, 64))
        squares = shearlets.norms(torch.zeros(1)).square()
        shares = {name: float(squares[indices].mean()) for name, indices in shearlets.bands.items()}
        assert shares["details-1"] == pytest.approx(0.05, abs=0.005)
        assert max(shares["approximation"], shares["details-4"], shares["details-3"]) < 0.01

    def test_the_published_recipe_has_independent_noise(self):
        assert ShearletX(TinyClassifier()).matched_noise
        assert not ShearletX(TinyClassifier(), recipe="published").matched_noise
        assert ShearletX(TinyClassifier(), recipe="published", matched_noise=True).matched_noise


class TestMethods:
    def test_recipes_have_the_published_weights(self):
        options = ShearletX.recipe("published")
        assert (options.sparsity_weight, options.spatial_weight) == (1, 2)
        assert (options.steps, options.samples, options.learning_rate) == (300, 16, 0.1)
        assert (options.noise, options.distortion, options.optimiser) == ("uniform", "maximise", "adam")
        assert (WaveletX.recipe("fast").sparsity_weight, WaveletX.recipe("fast").spatial_weight) == (2, 10)
        assert CartoonX.recipe("fast").spatial_weight == 0

    def test_waveletx_is_cartoonx_with_a_spatial_weight(self, images):
        run = {"levels": 2, "steps": 4, "tolerance": None}
        ours = WaveletX(TinyClassifier(), **run).explain(images)
        by_options = CartoonX(TinyClassifier(), sparsity_weight=2, spatial_weight=10, **run).explain(images)
        torch.testing.assert_close(ours.representation_mask, by_options.representation_mask, atol=0, rtol=0)

    def test_the_published_recipe_restated(self, images):
        """The loop of the paper, one image and one channel at a time, on the same noise."""
        images, classifier = images.double(), TinyClassifier().double()
        method = ShearletX(classifier, recipe="published", steps=5, samples=3, scales=2)
        ours = method.explain(images)
        problem, transform = method.problem(images), method.representation((SIZE, SIZE)).transform
        for index, image in enumerate(images):
            generator = random_generator(method.options.seed, images.device)
            target = classifier(image[None]).argmax()
            h = transform.analyse(image[None])[0]  # channels, k
            grey = transform.analyse(image.mean(0)[None, None])[0]  # 1, k
            mean, deviation = torch.zeros(h.shape[1]).double(), torch.zeros(h.shape[1]).double()
            for band in Shearlets((SIZE, SIZE), scales=2).bands.values():
                mean[band], deviation[band] = h[:, band].mean(), h[:, band].std()
            mask = torch.ones(h.shape[1], dtype=torch.float64, requires_grad=True)
            adam = torch.optim.Adam([mask], lr=0.1)
            for step in range(5):
                loss = mask.mean()
                for noise in problem.draw(3, generator):
                    channels = [mask * h[c] + (1 - mask) * (mean + deviation * noise[c]) for c in range(3)]
                    shown = [transform.synthesise(channel[None, None])[0, 0].clamp(0, 1) for channel in channels]
                    probability = classifier(torch.stack(shown)[None]).softmax(1)[0, target]
                    loss = loss + (1 - probability) ** 2 / 3
                loss = loss + 2 * transform.synthesise((mask * grey)[None]).clamp(0, 1).mean()
                torch.testing.assert_close(ours.history["objective"][index, step], loss.detach())
                adam.zero_grad()
                loss.backward()
                adam.step()
                mask.data.clamp_(0, 1)
            torch.testing.assert_close(ours.representation_mask[index, 0], mask.detach())

    def test_a_batch_is_its_images_one_by_one(self, images):
        method = ShearletX(TinyClassifier(), scales=2, steps=5, tolerance=None)
        together = method.explain(images)
        for index in range(2):
            alone = method.explain(images[index : index + 1])
            torch.testing.assert_close(alone.mask[0], together.mask[index], atol=1e-4, rtol=0)

    def test_the_window_that_counts_is_found(self):
        """A corner of the image holds all that the classifier looks at; the relevance there is higher."""
        classifier = WindowClassifier((slice(0, 16), slice(0, 16)))
        images = 0.3 * torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        images[..., :16, :16] += 0.6
        mask = ShearletX(classifier, sparsity_weight=0.1, spatial_weight=0.1, steps=60).explain(images).mask[0, 0]
        assert mask[2:14, 2:14].mean() > 1.5 * mask[18:30, 18:30].mean()

    def test_scenes_end_to_end(self):
        classifier, scenes = load_classifier("scenes-cnn"), make_scenes(2, size=64, seed=5)
        method = ShearletX(classifier, steps=40, learning_rate=0.1, tolerance=None)
        explanation = method.explain(scenes.images)
        start = explanation.history["objective"][:, 0]
        assert (explanation.history["objective"][:, -1] < start).all()
        assert explanation.mask.shape == (2, 1, 64, 64)
        assert 0 <= explanation.mask.min() <= explanation.mask.max() <= 1
        assert explanation.representation_mask.mean() < 0.8
        attributed = method.with_options(steps=2).attribute(scenes.images[:1], target=0)
        assert attributed.shape == (1, 3, 64, 64)

    def test_a_given_rate_goes_through(self, images):
        method = ShearletX(TinyClassifier(), scales=2, keep=0.1, steps=8, tolerance=None)
        explanation = method.explain(images)
        k = explanation.representation_mask.shape[2]
        assert explanation.representation_mask.sum(2).max() <= 0.1 * k + 1
        assert method.binary(images, explanation).representation_mask.sum(2).max() <= 0.1 * k

    def test_unknown_options_are_refused(self):
        with pytest.raises((TypeError, ValueError), match="shears"):
            ShearletX(TinyClassifier(), shears=3)


BASES = {
    "Attributable",
    "AttributionMethod",
    "ClassMaskMethod",
    "PairMethod",
    "RateDistortionExplainer",
    "SpatialPenalty",
}
METHODS = Path(helpers.methods.__file__).parent


def code_lines(tree: ast.Module) -> Counter:
    """The lines of classes and functions, laid out alike, without docstrings and bare keywords."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    body = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    lines = (line.strip() for node in body for line in ast.unparse(node).splitlines())
    return Counter(line for line in lines if len(line) > 6)


def test_no_two_method_files_share_more_than_a_fifth_of_their_lines():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in METHODS.rglob("*.py")}
    lines = {
        path: code_lines(tree)
        for path, tree in trees.items()
        if any(isinstance(node, ast.ClassDef) and BASES & set(map(ast.unparse, node.bases)) for node in tree.body)
    }
    assert METHODS / "rde/shearlets.py" in lines
    shares = {
        (a.name, b.name): (lines[a] & lines[b]).total() / (lines[a] | lines[b]).total()
        for a, b in itertools.combinations(lines, 2)
    }
    assert len(lines) > 15
    assert max(shares.values()) <= 0.2, sorted((share, pair) for pair, share in shares.items())[-5:]


def test_the_method_is_one_short_file():
    assert len((METHODS / "rde/shearlets.py").read_text(encoding="utf-8").splitlines()) <= 150
    assert RECIPES["fast"].spatial_weight == 0
