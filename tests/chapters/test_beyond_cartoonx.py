"""The sums, orders and tables of the page beyond CartoonX."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from tiny import TinyClassifier, named, smooth_images

from helpers.chapters.beyond_cartoonx.drawings import (
    draw_edges,
    draw_errors,
    draw_kept,
    draw_maps,
    draw_noise,
    draw_polytope,
    draw_sums,
    draw_waves,
)
from helpers.chapters.beyond_cartoonx.found import compared, draw_family, found_table, score_of
from helpers.chapters.beyond_cartoonx.orders import (
    blind_orders,
    explain_first,
    first_kept,
    insertion_summary,
    insertion_table,
    kept_summary,
    kept_table,
    noise_energy,
)
from helpers.chapters.beyond_cartoonx.printed import printed_faithfulness
from helpers.chapters.beyond_cartoonx.pursuit import (
    SHAPES,
    largest_waves,
    matching_pursuit,
    shape_pictures,
    wave_norms,
)
from helpers.chapters.beyond_cartoonx.rates import compare_masks
from helpers.methods.rde import CartoonX, ShearletX, Wavelets, relevance_order
from helpers.methods.shearlets import ShearletTransform
from helpers.methods.wavelets import WaveletTransform

SIZE = 16


@pytest.fixture(scope="module")
def shapes():
    return shape_pictures(SIZE)


class TestPursuit:
    def test_the_shapes_have_one_area(self):
        areas = shape_pictures(64).sum((1, 2, 3))
        torch.testing.assert_close(areas, areas[:1].expand(3), rtol=0.01, atol=0)
        assert len(SHAPES) == 3

    def test_in_an_orthonormal_basis_it_takes_the_largest_coefficients(self):
        pictures = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
        haar = WaveletTransform("haar", 3, "periodization", size=SIZE)
        torch.testing.assert_close(wave_norms(haar), torch.ones(SIZE**2))
        pursued, largest = (find(haar, pictures, [3, 9]) for find in (matching_pursuit, largest_waves))
        torch.testing.assert_close(pursued.errors[:, [2, 8]], largest.errors, atol=1e-5, rtol=0)
        torch.testing.assert_close(pursued.pictures[9], largest.pictures[9], atol=1e-5, rtol=0)
        assert matching_pursuit(haar, pictures, [SIZE**2]).errors[:, -1].max() < 1e-8

    def test_each_wave_removes_the_energy_of_its_projection(self, shapes):
        shearlets = ShearletTransform(2, size=SIZE)
        first = matching_pursuit(shearlets, shapes, [1])
        products = shearlets.analyse(shapes) / wave_norms(shearlets)  # with waves of norm 1
        removed = products.square().amax((1, 2)) / shapes.square().sum((1, 2, 3))
        torch.testing.assert_close(first.errors[:, 0], 1 - removed, atol=1e-5, rtol=0)
        errors = matching_pursuit(shearlets, shapes, [12]).errors
        assert (errors.diff(dim=1) <= 1e-7).all()

    def test_all_waves_of_a_frame_make_the_picture(self, shapes):
        shearlets = ShearletTransform(2, size=SIZE)
        everything = largest_waves(shearlets, shapes, [shearlets.coefficients])
        assert everything.errors.max() < 1e-8


@pytest.fixture(scope="module")
def explained():
    images, classifier = smooth_images(2, SIZE), named(TinyClassifier(), SIZE)
    method = CartoonX(classifier, levels=2, steps=4, samples=2, tolerance=None)
    return images, classifier, method


class TestOrders:
    def test_blind_orders_know_places_and_sizes_only(self, explained):
        images, _, _ = explained
        wavelets = Wavelets((SIZE, SIZE), levels=2)
        orders = blind_orders(wavelets, images)
        assert orders["coarse bands first"][0, 0].argmax() == 0
        h = wavelets.analyse(images)
        assert orders["largest first"][1, 0].argmax() == h[1].square().sum(0).argmax()
        everything = first_kept(wavelets, images, orders["largest first"], h.shape[2])
        torch.testing.assert_close(everything, images, atol=1e-5, rtol=0)

    def test_with_all_coefficients_every_order_keeps_the_class(self, explained):
        images, classifier, method = explained
        classes = classifier.predict(images)[0]
        problem = method.problem(images, classes)
        orders = blind_orders(problem.representation, images)
        table = kept_table(classifier, images, classes, problem, orders, problem.coefficients.shape[2])
        assert table["kept"].all()
        assert (table["distortion"] < 1e-6).all()
        expected = 100 * classifier(images).softmax(1).amax(1)
        assert table["probability"].tolist() == pytest.approx(expected.tolist() * 2, abs=1e-3)
        assert table["any"].tolist() == pytest.approx(table["probability"].tolist())
        assert kept_summary(table)["class kept on black"].tolist() == ["2 of 2", "2 of 2"]

    def test_exactly_so_many_are_kept(self, explained):
        images, classifier, method = explained
        ordered = relevance_order(method, images[:1], keeps=[4, 16])
        found = explain_first(method, images[:1], ordered, 9)
        assert int(found.representation_mask.sum()) == 9
        places = found.representation_mask[0, 0].nonzero()[:, 0].tolist()
        assert sorted(places) == sorted(ordered.order[0, :9].tolist())
        assert len(draw_kept(classifier, method.problem(images[:1]), images[:1], found).axes) == 4

    def test_only_orders_with_a_map_have_an_area_in_pixels(self, explained):
        images, classifier, _ = explained
        orders = blind_orders(Wavelets((SIZE, SIZE), levels=2), images)
        maps = {"largest first": images.mean(1, keepdim=True)}
        classes = classifier.predict(images)[0]
        table = insertion_table(classifier, images, classes, Wavelets((SIZE, SIZE), levels=2), orders, maps)
        assert table["coefficients"].between(0, 1).all()
        assert table.set_index("order")["pixels"].isna().tolist() == [True, True, False, False]
        assert insertion_summary(table)["pixels inserted"].tolist()[0] == ""


def test_matched_noise_is_as_strong_as_the_image(explained):
    images, classifier, _ = explained
    weak, matched = (
        noise_energy(ShearletX(classifier, matched_noise=match).problem(images), images, draws=16)
        for match in (False, True)
    )
    assert (weak < 0.1 * matched).all()
    assert (matched > 0.2).all()


class TestFound:
    frame = pd.DataFrame(
        {
            "kind": ["curved"] * 8 + ["straight"] * 8,
            "image": [0, 1, 2, 3] * 4,
            "method": (["cartoonx"] * 4 + ["shearletx"] * 4) * 2,
            "kept_class": [1.0, 1, 0, 1] * 4,
            "iou": [0.1, 0.2, 0.3, 0.4] * 2 + [0.5, 0.6, 0.7, 0.8] * 2,
            "insertion": [0.2, 0.2, 0.4, 0.4] * 4,
        }
    )
    frame["seconds"] = frame["method"].map({"cartoonx": 2.0, "shearletx": 10.0})
    frame["processor_seconds"] = frame["method"].map({"cartoonx": 1.0, "shearletx": 6.0})

    def test_methods_are_compared_in_pairs_within_kinds(self):
        frame = self.frame.copy()
        frame.loc[frame["method"] == "shearletx", "iou"] += 0.1
        effect = compared(frame, "iou", "shearletx", "cartoonx", ["curved", "straight"])
        assert effect.value == pytest.approx(0.1)
        assert effect.count == 8

    def test_means_by_kind(self):
        assert score_of(self.frame, "cartoonx", "straight", "iou").value == pytest.approx(0.65)
        assert score_of(self.frame, "cartoonx", None, "kept_class").value == 0.75
        table = found_table(self.frame)
        assert table["method"].tolist() == ["CartoonX, price", "ShearletX"]
        assert table["time, scenes"].tolist() == ["1.00", "5.00"]
        assert [cell.split()[0] for cell in table["insertion, scenes"]] == ["0.30", "0.30"]
        assert not [head for head in table if "photographs" in head]
        photographs = self.frame.assign(kind="photographs", iou=float("nan"))
        both = found_table(pd.concat([self.frame, photographs[photographs["method"] == "cartoonx"]]))
        assert both["class kept, photographs"].tolist() == ["0.75 [0.35, 0.97]", ""]
        assert both["processor time, photographs"].tolist() == ["1.00", ""]
        assert len(draw_family(self.frame, "iou").axes[0].get_yticks()) == 2


def test_masks_of_two_searches_are_compared(explained):
    images, _, method = explained
    found = {"one": method.explain(images), "other": method.with_options(keep=9).explain(images)}
    table = compare_masks(method, images, found).set_index(["search", "image"])
    assert len(table) == 2 * len(images)
    mask = found["other"].representation_mask
    assert table.loc[("other", 1), "coefficients"] == pytest.approx(float(mask[1].sum()), abs=1e-5)
    values = method.problem(images).evaluate(mask, samples=64)["distortion"]
    assert table.loc["other", "distortion"].tolist() == pytest.approx(values.tolist(), abs=1e-6)


def test_printed_faithfulness():
    printed = printed_faithfulness()
    assert printed.groupby("modality").size().tolist() == [6, 6, 6]
    off = printed[~printed["agrees"]].set_index(["modality", "method"])
    assert off["difference"].to_dict() == {  # by hand
        ("sounds", "Integrated Gradients"): 0.22,
        ("images", "WAM, path"): 0.398,
        ("images", "WAM, gradient"): 0.322,
    }
    kept = printed[printed["agrees"]]
    assert (kept["printed"] - kept["difference"]).abs().max() == pytest.approx(0.001)  # Grad-CAM of sounds: rounding


def test_drawings(shapes, explained):
    images, classifier, method = explained
    haar, shearlets = WaveletTransform("haar", 2, "periodization", size=SIZE), ShearletTransform(2, size=SIZE)
    assert len(draw_waves({"a": (haar, "vertical-2"), "b": (shearlets, "0°-2")}).axes) == 2
    sums = {"Haar": matching_pursuit(haar, shapes, [2, 4]), "largest": largest_waves(shearlets, shapes, [2, 4])}
    assert len(draw_sums(shapes, sums, 4).axes) == 9
    assert len(draw_errors(sums, "largest", [2, 4]).axes) == 3
    path = torch.rand(5, 2)
    assert len(draw_polytope(lambda s: s.square().sum(-1), path, torch.rand(5), torch.rand(5)).axes) == 2
    assert len(draw_maps(classifier, images, {"CartoonX": method.explain(images)}).axes) == 4
    assert len(draw_edges(images).axes) == 6
    assert len(draw_noise(images[:1], {"wavelets": method.problem(images[:1])}).axes) == 2
