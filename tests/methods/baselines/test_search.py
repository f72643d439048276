"""Extremal perturbations and iGOS++ against plain statements of their parts, and on a classifier that is linear."""

import itertools
import math

import pytest
import torch
from tiny import TinyClassifier, WindowsClassifier, smooth_images, stripes
from torch.nn import functional

from benchmarks.published_class_methods import published_extremal, published_igos
from helpers.core.blur import gaussian_blur
from helpers.core.runtime import random_generator
from helpers.methods.baselines import ExtremalOptions, ExtremalPerturbation, IGOSOptions, IGOSPlusPlus
from helpers.methods.baselines.extremal import _Search, area_penalty, rewards
from helpers.methods.baselines.igos import Search, edge_weights
from helpers.methods.baselines.pyramid import BlurPyramid
from helpers.methods.baselines.smooth_max import SmoothMasks

WINDOWS = [(slice(2, 12), slice(10, 22)), (slice(20, 30), slice(10, 22))]  # mirrored, they stay where they are
BOTH = torch.ones(1, 2, dtype=torch.bool)


def draw(*shape, seed=0):
    """Numbers between 0 and 1."""
    return torch.rand(*shape, generator=random_generator(seed))


def board():
    """One image, all stripes: blurred it is grey, and no class of the windows' classifier is left."""
    return stripes(32).expand(1, 3, 32, 32).contiguous()


class TestSmoothMasks:
    def by_definition(self, grid, layout):
        """The smooth maximum over a window of cells, pixel by pixel."""
        reach, result = 1 + math.ceil(layout.sigma / layout.step), torch.zeros(layout.frame)
        shift = 1 + math.ceil(2 * layout.sigma / layout.step)
        for y, x in itertools.product(*map(range, layout.frame)):
            values = []
            for i, j in itertools.product(range(2 * reach + 1), repeat=2):
                row, column = y // layout.step + i - shift, x // layout.step + j - shift
                inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
                down, right = layout.sigma + layout.step * row - y, layout.sigma + layout.step * column - x
                kernel = math.exp(-2 * max(0.0, math.hypot(down, right) / layout.sigma - 0.5) ** 2)
                values.append(kernel * float(grid[row, column]) if inside else 0.0)
            weights = [math.exp(20 * value) for value in values]
            result[y, x] = sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)
        return result

    @pytest.mark.parametrize(("height", "width", "step", "sigma"), [(8, 12, 4, 5), (6, 6, 3, 3), (5, 7, 1, 2)])
    def test_against_the_definition(self, height, width, step, sigma):
        layout = SmoothMasks(height, width, step, sigma)
        grids = draw(2, *layout.cells)
        wanted = torch.stack([self.by_definition(grid, layout) for grid in grids])
        assert torch.allclose(layout(grids), wanted, atol=1e-4)
        assert torch.allclose(layout.plain(grids), wanted, atol=1e-4)

    def test_the_published_frame(self):
        layout = SmoothMasks(224, 224, 7, 21)
        assert layout.cells == (32, 32)
        assert layout.frame == (260, 260)
        assert layout.kernel.shape == (49, 9, 9)

    def test_its_slope(self):
        layout = SmoothMasks(6, 8, 2, 3)
        grids = draw(2, *layout.cells).double().requires_grad_()
        assert torch.autograd.gradcheck(layout, (grids,))

    def test_its_slope_is_that_of_the_plain_form(self):
        layout, slopes = SmoothMasks(32, 32, 2, 6), []
        weights = draw(40, *layout.frame, seed=1)
        for form in (layout, layout.plain):
            grids = draw(40, *layout.cells).requires_grad_()
            (form(grids) * weights).sum().backward()
            slopes.append(grids.grad)
        assert torch.allclose(*slopes, rtol=1e-3, atol=1e-3)

    def test_full_and_empty_grids(self):
        layout = SmoothMasks(32, 32, 2, 6)
        full, empty = layout(torch.stack([torch.ones(16, 16), torch.zeros(16, 16)]))
        assert empty.abs().max() == 0
        inner = layout.crop(full[None])[0]
        assert inner.shape == (32, 32)
        assert inner.min() > 0.9
        assert full.max() <= 1

    def test_what_does_not_fit_is_refused(self, unchecked):
        with pytest.raises(ValueError, match="sigma at least step"):
            SmoothMasks(32, 32, 4, 3)
        with pytest.raises(ValueError, match="must be of"):
            SmoothMasks(32, 32, 4, 4)(torch.ones(1, 3, 3))


class TestPyramid:
    def test_levels_and_what_lies_between(self):
        images = smooth_images(2, 16) + 0.2 * stripes(16)
        pyramid, places = BlurPyramid(images, 4.0, 5), torch.tensor([1, 0, 1])
        for level in range(5):
            seen = pyramid(torch.full((3, 16, 16), level / 4), places)
            assert torch.allclose(seen, gaussian_blur(images, 4 - level)[places], atol=1e-5)
        between = pyramid(torch.full((3, 16, 16), 0.35), places)
        wanted = 0.6 * gaussian_blur(images, 3) + 0.4 * gaussian_blur(images, 2)
        assert torch.allclose(between, wanted[places], atol=1e-5)

    def test_its_slope_is_the_difference_of_two_levels(self):
        images = smooth_images(1, 8)
        mask = torch.full((1, 8, 8), 0.6, requires_grad=True)
        BlurPyramid(images, 3.0, 3)(mask, torch.tensor([0])).sum().backward()
        wanted = 2 * (images - gaussian_blur(images, 1.5)).sum(1)
        assert torch.allclose(mask.grad, wanted, atol=1e-4)

    def test_one_level_is_refused(self):
        with pytest.raises(ValueError, match="at least 2"):
            BlurPyramid(smooth_images(1, 8), 3.0, 1)


class TestArea:
    def sorted_statement(self, masks, areas):
        """Fong et al., equation 3: the distance of the sorted mask from a template."""
        ordered, pixels = masks.flatten(1).sort(1).values, masks[0].numel()
        rows = len(masks) // len(areas)
        templates = torch.zeros(len(areas), pixels)
        for template, area in zip(templates, areas, strict=True):
            template[pixels - int(area * pixels) :] = 1
        return (ordered - templates.repeat_interleave(rows, 0)).square().mean(1)

    def test_against_a_sort(self):
        masks = draw(6, 9, 11).requires_grad_()
        other = masks.detach().clone().requires_grad_()
        found, wanted = area_penalty(masks, [0.1, 0.3, 0.31]), self.sorted_statement(other, [0.1, 0.3, 0.31])
        assert torch.allclose(found, wanted, atol=1e-5)
        (found * torch.arange(1, 7)).sum().backward()
        (wanted * torch.arange(1, 7)).sum().backward()
        assert torch.allclose(masks.grad, other.grad, atol=1e-6)

    def test_equal_entries(self):
        masks = draw(4, 8, 8).mul(4).round().div(4)
        assert torch.allclose(area_penalty(masks, [0.2, 0.5]), self.sorted_statement(masks, [0.2, 0.5]), atol=1e-6)
        ones = torch.ones(1, 10, 10, requires_grad=True)
        area_penalty(ones, [0.2]).sum().backward()
        assert torch.allclose(ones.grad, torch.full((1, 10, 10), 2 * 0.8 / 100))  # all alike, none comes first

    def test_the_right_area_costs_nothing(self):
        mask = torch.zeros(1, 10, 10)
        mask[0, :2] = 1
        assert area_penalty(mask, [0.2]).abs().max() < 1e-6


def test_rewards():
    logits, kinds = torch.tensor([[1.0, 5.0, 3.0], [4.0, 0.0, 2.0]]), torch.tensor([2, 0])
    assert rewards(logits, kinds, "simple").tolist() == [3.0, 4.0]
    assert rewards(logits, kinds, "contrastive").tolist() == [-2.0, 2.0]
    assert rewards(logits[:, :1], kinds * 0, "contrastive").tolist() == [1.0, 4.0]


class TestExtremal:
    def options(self, **changes):
        return ExtremalOptions(**{"cells": 16, "spread": 1.5, "smooth": 0.0, **changes})

    @pytest.mark.parametrize("number", [0, 1])
    def test_a_step_against_a_plain_statement(self, number):
        model, image, kind, areas = TinyClassifier(), smooth_images(1, 32) + 0.2 * stripes(32), 3, [0.1, 0.3]
        options = self.options(areas=tuple(areas))
        search = _Search(model, options, image, torch.tensor([0]), torch.tensor([kind]))
        start = draw(2, 16, 16) * 0.8 + 0.1
        search.grids.data.copy_(start)
        search.step(number)
        grids = start.clone().requires_grad_()
        layout = SmoothMasks(32, 32, 2, 3)
        masks, loss = layout.plain(grids), 0.0
        weight = 300 * 1.0035**number
        levels = [gaussian_blur(image, 20 / 224 * 32 * (1 - level / 7))[0] for level in range(8)]
        for mask, area in zip(masks, areas, strict=True):
            place = layout.crop(mask[None])[0] * 7
            seen = sum((1 - (place - level).abs()).clamp_min(0) * each for level, each in enumerate(levels))
            logits = model((seen.flip(2) if number == 0 else seen)[None])[0]
            reward = logits[kind] - max(value for other, value in enumerate(logits) if other != kind)
            loss = loss - reward + weight * TestArea().sorted_statement(mask[None], [area])[0]
        loss.backward()
        assert torch.allclose(search.grids.detach(), (start - 0.01 * grids.grad).clamp(0, 1), atol=2e-4)

    @pytest.mark.parametrize("reward", ["contrastive", "simple"])
    def test_it_finds_the_windows(self, reward):
        method = ExtremalPerturbation(
            WindowsClassifier(WINDOWS, 32), self.options(areas=(0.1,), steps=100, reward=reward, learning_rate=0.05)
        )
        for mask, window in zip(method.class_masks(board(), BOTH)[0], WINDOWS, strict=True):
            outside = mask.sum() - mask[window].sum()
            assert mask[window].mean() > 0.6
            assert outside < mask[window].sum()

    def test_the_smallest_area_that_has_the_whole_logit(self):
        model = WindowsClassifier(WINDOWS, 32)
        search = _Search(model, self.options(areas=(0.3, 0.1, 0.2)), board(), torch.tensor([0]), torch.tensor([0]))
        assert search.areas == [0.1, 0.2, 0.3]
        masks = lambda: search.smooth.crop(search.smooth(search.grids)).detach()  # noqa: E731
        search.images = search.images * 0.9  # the whole image's logit is now within reach
        search.grids.data.zero_()
        search.grids.data[1:] = 1
        assert torch.equal(search.best()[0], masks()[1])
        assert search.best().mean() > 0.9
        search.grids.data[1:] = 0.0
        search.grids.data[2, :2] = 0.5  # no mask has the logit: the largest area
        assert torch.equal(search.best()[0], masks()[2])
        assert search.best().mean() > 0
        search.images = search.images * 0  # any mask has it: the smallest area
        assert search.best().mean() == 0

    def test_the_fast_recipe_goes_as_far(self):
        fast, published = ExtremalOptions.fast(cells=8), ExtremalOptions()
        assert fast.cells == 8
        assert fast.steps * fast.learning_rate == pytest.approx(published.steps * published.learning_rate)
        assert fast.area_growth**fast.steps == pytest.approx(published.area_growth**published.steps)

    def test_searches_run_as_the_published_one(self):
        """From masks that are no longer alike everywhere: there the sort of the published code has favourites."""
        model, image = WindowsClassifier(WINDOWS, 32), board()
        masks, history = published_extremal(
            model, image, 0, areas=[0.1, 0.3], steps=60, step=2, sigma=3, blur=20 / 224 * 32
        )
        assert history.shape == (2, 2, 60)
        search = _Search(model, self.options(areas=(0.1, 0.3)), image, torch.tensor([0]), torch.tensor([0]))
        for number in range(60):
            search.step(number)
        ours = search.smooth(search.grids).detach()
        inside = (slice(None), slice(3, 35), slice(3, 35))
        for mine, theirs in zip(ours[inside], masks[inside], strict=True):
            assert abs(float(mine[WINDOWS[0]].mean() - theirs[WINDOWS[0]].mean())) < 0.1


class TestIGOS:
    def search(self, options=None, count=2):
        model, images = TinyClassifier(), smooth_images(2, 24)[:count] + 0.2 * stripes(24)
        options = options or IGOSOptions(cells=6, integration_steps=3, noise=0.0)
        return Search(model, options, images, torch.tensor([1, 4])[:count]), images

    def enlarged(self, mask, published=False):
        """A mask of cells at 24 pixels; published: the outer cells' centres lie on the image's border."""
        if not published:
            return functional.interpolate(mask[None, None], (24, 24), mode="bilinear")[0, 0]
        cells, rows = len(mask), []
        for pixel in range(24):
            position = pixel * (cells - 1) / 23
            cell = min(int(position), cells - 2)
            rows.append((1 - position + cell) * functional.one_hot(torch.tensor(cell), cells))
            rows[-1] = rows[-1] + (position - cell) * functional.one_hot(torch.tensor(cell + 1), cells)
        weights = torch.stack(rows)
        return weights @ mask @ weights.T

    def statement(self, search, images, x, y, shares=(1.0,), noise=None, published=False):
        """Equation 7, term by term, averaged over shares of the way; halved where it is an integral."""
        total = 0.0
        for place, kind in enumerate(search.class_index.tolist()):
            image = images[place : place + 1]
            hidden = gaussian_blur(image, 50 / 224 * 24, round(25 / 224 * 24))
            only_x, only_y = self.enlarged(x[place], published), self.enlarged(y[place], published)
            both = only_x * only_y if published else self.enlarged((x * y)[place])
            large = [both, both, only_x, only_y]
            for term, mask in enumerate(large):
                for number, share in enumerate(shares):
                    begin, end = (hidden, image) if term % 2 == 0 else (image, hidden)
                    seen = end * mask * share + begin * (1 - mask * share)
                    seen = seen if noise is None else seen + noise[number]
                    score = search.classifier(seen).softmax(1)[0, kind]
                    total = total + (1 if term % 2 == 0 else -1) * score / len(shares)
        return total

    def plain_regulariser(self, images, masks, options):
        total = 0.0
        for image, mask in zip(images, masks, strict=True):
            grey = functional.avg_pool2d(image.mean(0)[None, None], 4)[0, 0]
            total = total + options.mean_weight * (1 - mask).mean()
            for i, j in itertools.product(range(6), repeat=2):
                for k, m in ((i + 1, j), (i, j + 1)):
                    if max(k, m) < 6:
                        weight = torch.exp(-(((grey[i, j] - grey[k, m]) / options.variation_width) ** 2))
                        total = total + options.variation_weight * weight * (mask[i, j] - mask[k, m]) ** 2 / 36
        return total

    def published_regulariser(self, images, masks, options):
        """From the definition: differences of cells, and of pixels of the enlarged mask, weighted by the image's."""
        total = 0.0
        for image, mask in zip(images, masks, strict=True):
            large, x = self.enlarged(mask, published=True), image / 0.25  # in units of the normaliser
            plain = sum(((mask[i + 1] - mask[i]) ** 2).sum() for i in range(5)) / 30
            plain = plain + sum(((mask[:, i + 1] - mask[:, i]) ** 2).sum() for i in range(5)) / 30
            edges = 0.0
            for i in range(23):
                between = sum(x[c, i] - x[c, i + 1] for c in range(3)) / 3
                weight = torch.exp(-(between**2) / options.variation_width)
                edges = edges + (weight * (large[i] - large[i + 1]) ** 2).sum() / (23 * 24)
                beside = [x[c, :, i] - x[c, :, i + 1] for c in range(3)]
                weight = sum(torch.exp(-(each**2) / options.variation_width) for each in beside) / 3
                edges = edges + (weight * (large[:, i] - large[:, i + 1]) ** 2).sum() / (23 * 24)
            total = total + options.mean_weight * (1 - mask).mean()
            total = total + options.variation_weight * 0.5 * (plain + edges)
        return total

    def test_the_published_arithmetic_against_loops(self):
        options = IGOSOptions(
            cells=6, iterations=4, integration_steps=2, noise=0.0, variation_width=0.1, variant="published"
        )
        search, images = self.search(options)
        x, y = search.masks = draw(2, 2, 6, 6)
        wanted = self.statement(search, images, x, y, published=True)
        wanted = wanted + self.published_regulariser(images, x * y, options)
        assert torch.allclose(search.objective(search.masks[:, None])[0].sum(), wanted, atol=1e-4)
        leaf = search.masks.clone().requires_grad_()
        shares = (0.25, 0.5, 0.75, 1.0)  # four, as the two counts are swapped
        total = self.statement(search, images, *leaf, shares=shares, published=True) / 2
        (total + self.published_regulariser(images, leaf.prod(0), options)).backward()
        found = search.gradient(random_generator(0))
        assert torch.allclose(found, leaf.grad, atol=1e-5)
        corrected, _ = self.search(IGOSOptions(cells=6, integration_steps=4, noise=0.0, variation_width=0.1))
        corrected.masks = search.masks
        assert not torch.allclose(corrected.gradient(random_generator(0)), found, atol=1e-3)

    def test_the_objective_against_loops(self):
        search, images = self.search(IGOSOptions(cells=6, variation_width=0.1, batch=16))
        masks = draw(2, 3, 2, 6, 6)  # three tries
        found = search.objective(masks)
        assert found.shape == (3, 2)
        for tried in range(3):
            x, y = masks[:, tried]
            wanted = self.statement(search, images, x, y) + self.plain_regulariser(images, x * y, search.options)
            assert torch.allclose(found[tried].sum(), wanted, atol=1e-4)

    @pytest.mark.parametrize("batch", [8, 1000])
    def test_the_gradient_against_loops(self, batch):
        options = IGOSOptions(cells=6, integration_steps=4, noise=0.2, batch=batch, variation_width=0.1)
        search, images = self.search(options)
        search.masks = draw(2, 2, 6, 6)
        found = search.gradient(random_generator(8))
        generator, sizes = random_generator(8), [1] * 4 if batch == 8 else [4]
        noise = torch.cat([torch.randn(size, 1, 1, 24, 24, 3, generator=generator) for size in sizes])
        noise = noise[:, 0].permute(0, 1, 4, 2, 3) * 0.2 * 0.25  # the classifier has no normaliser: its unit is ¼
        leaf = search.masks.clone().requires_grad_()
        total = self.statement(search, images, *leaf, shares=(0.25, 0.5, 0.75, 1.0), noise=noise) / 2
        (total + self.plain_regulariser(images, leaf.prod(0), options)).backward()
        assert torch.allclose(found, leaf.grad, atol=1e-5)

    def test_a_step_takes_the_first_rate_that_is_good_enough(self):
        search, _ = self.search()
        for _ in range(3):
            before, value, found = search.masks.clone(), search.value, []
            slope = search.gradient(random_generator(0))
            value = search.objective(before[:, None])[0] if value is None else value
            for pair in range(2):
                for rate in search.options.rates:
                    tried = before.clone()
                    tried[:, pair] = (before[:, pair] - rate * slope[:, pair]).clamp(0, 1)
                    expected = 1e-4 * rate * slope[:, pair].square().sum()
                    if search.objective(tried[:, None])[0, pair] <= value[pair] - expected:
                        break
                else:
                    tried = before
                found.append(tried[:, pair])
            search.step(random_generator(0))
            assert torch.allclose(search.masks, torch.stack(found, 1), atol=1e-6)
            assert torch.allclose(search.value, search.objective(search.masks[:, None])[0], atol=1e-5)

    def test_the_objective_never_rises(self):
        search, _ = self.search(IGOSOptions(cells=6, integration_steps=3, noise=0.2))
        generator, values = random_generator(0), []
        for _ in range(6):
            search.step(generator)
            values.append(search.value)
        assert (torch.stack(values).diff(dim=0) <= 0).all()
        assert (values[-1] < values[0]).any()

    def test_rates_and_counts(self):
        options = IGOSOptions()
        assert len(options.rates) == 12
        assert options.rates[0] == 1000
        assert options.rates[-1] >= 1e-5 > options.rates[-1] * 0.2
        assert options.counts == (15, 20)
        assert IGOSOptions(variant="published").counts == (20, 15)
        fast = IGOSOptions.fast(iterations=7)
        assert fast.counts == (7, 3)
        assert fast.rates == pytest.approx([1000, 100, 10, 1, 0.1])

    def test_edges_are_free(self):
        image = torch.zeros(1, 3, 12, 12)
        image[..., 6:] = 0.5
        down, right = edge_weights(image, 6, 0.01)
        assert torch.equal(down, torch.ones(1, 5, 6))
        assert torch.equal(right[0, 0], torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0]))

    @pytest.mark.parametrize("score", ["softmax", "sigmoid"])
    def test_it_finds_the_windows(self, score):
        model = WindowsClassifier(WINDOWS, 32)
        method = IGOSPlusPlus(model, IGOSOptions(cells=16, iterations=6, integration_steps=5, score=score))
        for mask, window in zip(method.class_masks(board(), BOTH)[0], WINDOWS, strict=True):
            outside = torch.ones(32, 32, dtype=torch.bool)
            outside[window] = False
            assert mask[window].mean() > 3 * mask[outside].mean()

    def test_it_gets_as_far_as_the_published_search(self):
        model, image, tries = WindowsClassifier(WINDOWS, 32), board(), []
        model.std = torch.full((1, 3, 1, 1), 0.25)
        settings = {"iterations": 5, "integration_steps": 5, "cells": 16, "noise": 0.0}
        theirs = published_igos(model, image, 0, **settings, generator=random_generator(0), tries=tries)
        assert len(tries) == 5
        search = Search(model, IGOSOptions(**settings), image, torch.tensor([0]))
        for _ in range(5):
            search.step(random_generator(0))
        ours = search.masks.prod(0)[0]
        correlation = torch.corrcoef(torch.stack([ours.flatten(), theirs.prod(0).flatten()]))[0, 1]
        assert correlation > 0.5
