"""Scenes: what is said to be true of them is true of their pixels."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes
from helpers.data.scenes.palettes import PALETTES
from helpers.data.scenes.patterns import BACKGROUNDS, TEXTURES
from helpers.data.scenes.primitives import box, circle, ellipse, fold, lens, polygon, segment
from helpers.data.scenes.shapes import SHAPES


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return make_scenes(300, size=64, seed=11)


def assert_same(left: Scenes, right: Scenes) -> None:
    for field in fields(Scenes):
        assert torch.equal(getattr(left, field.name), getattr(right, field.name)), field.name


def plane(size: int = 160, reach: float = 1.5) -> tuple[torch.Tensor, torch.Tensor]:
    along = torch.linspace(-reach, reach, size)
    y, x = torch.meshgrid(-along, along, indexing="ij")
    return x[None], y[None]


# --- one series, whatever the shard -------------------------------------------------------------------------------


def test_a_seed_gives_the_same_scenes_and_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    assert_same(make_scenes(5, size=48, seed=3), make_scenes(5, size=48, seed=3))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(make_scenes(5, size=48, seed=3).images, make_scenes(5, size=48, seed=4).images)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31), start=st.integers(0, 10**6), first=st.integers(1, 5), size=st.integers(32, 80))
def test_a_scene_depends_only_on_its_number_and_the_seed(seed: int, start: int, first: int, size: int):
    options = {"size": size, "seed": seed, "shortcut_strength": 0.5, "shortcut_base_rate": 0.3}
    whole = make_scenes(7, start=start, **options)
    assert_same(whole[:first], make_scenes(first, start=start, **options))
    assert_same(whole[first:], make_scenes(7 - first, start=start + first, **options))


def test_scenes_painted_in_chunks_are_those_painted_at_once(monkeypatch):
    whole = make_scenes(9, size=40, seed=2)
    monkeypatch.setattr("helpers.data.scenes.scenes._PIXELS_AT_ONCE", 2 * 40**2)
    assert_same(whole, make_scenes(9, size=40, seed=2))


# --- the interface ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [32, 33, 64, 96, 128, 224, 256])
def test_every_size_has_the_shapes_types_and_ranges_that_are_promised(size):
    drawn = make_scenes(3, size=size, seed=1)
    count = len(SCENE_CLASSES)
    assert drawn.images.shape == (3, 3, size, size)
    assert drawn.object_masks.shape == drawn.object_full_masks.shape == (3, 4, size, size)
    assert drawn.shortcut_mask.shape == (3, size, size)
    assert drawn.labels.shape == (3, count)
    assert drawn.images.dtype == torch.float32
    assert drawn.images.min() >= 0
    assert drawn.images.max() <= 1
    levels = drawn.images * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)  # saving as an 8-bit file loses nothing


@pytest.mark.parametrize("size", [32, 64, 256])
def test_a_composition_is_the_same_at_every_size(size):
    reference, other = make_scenes(24, size=128, seed=5), make_scenes(24, size=size, seed=5)
    for name in ("label", "labels", "object_classes", "background"):
        assert torch.equal(getattr(reference, name), getattr(other, name))
    small = min(size, 128)
    pooled = [torch.nn.functional.adaptive_avg_pool2d(s.images, small) for s in (reference, other)]
    assert (pooled[0] - pooled[1]).abs().mean() < 0.02
    areas = [s.object_full_masks.float().mean(dim=(2, 3)) for s in (reference, other)]
    assert torch.allclose(*areas, atol=0.01)


def test_numbers_of_objects_classes_and_backgrounds_follow_what_was_asked():
    one = make_scenes(40, size=32, seed=0, objects=(1, 1))
    assert ((one.object_classes >= 0).sum(dim=1) == 1).all()
    several = make_scenes(200, size=32, seed=0, objects=(2, 3), classes=("ring", "leaf", "house"))
    number = (several.object_classes >= 0).sum(dim=1)
    assert set(number.tolist()) == {2, 3}
    named = {SCENE_CLASSES.index(name) for name in ("ring", "leaf", "house")}
    assert set(several.object_classes.unique().tolist()) == named | {-1}
    assert several.background.unique().tolist() == list(range(len(BACKGROUNDS)))


def test_all_classes_are_equally_likely_in_every_slot():
    drawn = make_scenes(1500, size=32, seed=9, objects=(4, 4))
    expected = 1500 / len(SCENE_CLASSES)
    for slot in range(4):
        counts = torch.bincount(drawn.object_classes[:, slot], minlength=len(SCENE_CLASSES))
        chi_square = ((counts - expected) ** 2 / expected).sum()
        assert chi_square < 27.9  # 99.9 % of the chi-square distribution with 9 degrees of freedom


def test_there_is_variety():
    assert len(SCENE_CLASSES) >= 8
    assert len(set(SCENE_CLASSES)) == len(SHAPES)
    assert min(len(PALETTES), len(BACKGROUNDS), len(TEXTURES)) >= 6


# --- the masks ----------------------------------------------------------------------------------------------------


def test_visible_masks_are_what_later_objects_leave_of_the_full_masks(scenes):
    for slot in range(4):
        hidden = torch.zeros_like(scenes.object_full_masks[:, 0])
        for later in range(slot + 1, 4):
            hidden |= scenes.object_full_masks[:, later]
        assert torch.equal(scenes.object_masks[:, slot], scenes.object_full_masks[:, slot] & ~hidden)
    assert scenes.object_masks.sum(dim=1).max() == 1


def test_empty_slots_come_last_and_are_empty(scenes):
    there = scenes.object_classes >= 0
    assert (there[:, :-1] | ~there[:, 1:]).all()
    assert not scenes.object_full_masks[~there].any()
    assert scenes.object_full_masks[there].flatten(1).any(dim=1).all()


def test_the_label_is_the_class_with_the_largest_visible_area(scenes):
    areas = scenes.object_masks.sum(dim=(2, 3))
    largest = areas.argmax(dim=1)
    assert torch.equal(scenes.label, scenes.object_classes[torch.arange(len(scenes)), largest])
    for image in range(len(scenes)):
        seen = {int(c) for c, a in zip(scenes.object_classes[image], areas[image], strict=True) if a > 0}
        assert seen == set(torch.nonzero(scenes.labels[image]).flatten().tolist())


def test_objects_overlap_often_and_stay_recognisable(scenes):
    full, visible = (m.sum(dim=(2, 3)) for m in (scenes.object_full_masks, scenes.object_masks))
    there = scenes.object_classes >= 0
    several = there.sum(dim=1) > 1
    overlapped = ((visible < 0.95 * full) & there).any(dim=1)
    assert overlapped[several].float().mean() > 0.2
    share = (visible / full.clamp_min(1))[there]
    assert share.quantile(0.05) > 0.7


def test_painting_an_object_changes_pixels_only_in_its_mask_its_edge_and_its_shadow(monkeypatch):
    """The same scenes with and without their only object, shadow and antialiasing accounted for."""
    monkeypatch.setattr("helpers.data.scenes.painter.SHADOW_DEPTH", 0.0)
    drawn = make_scenes(20, size=96, seed=8, objects=(1, 1))
    monkeypatch.setattr("helpers.data.scenes.scenes.paint_objects", lambda *_: [])
    empty = make_scenes(20, size=96, seed=8, objects=(1, 1))
    changed = (drawn.images != empty.images).any(dim=1)
    mask = drawn.object_full_masks[:, :1].float()
    # two pixels: at an acute tip the antialiased edge reaches further than at a straight side
    grown = torch.nn.functional.max_pool2d(mask, 5, stride=1, padding=2)[:, 0] > 0
    inner = -torch.nn.functional.max_pool2d(-mask, 3, stride=1, padding=1)[:, 0] > 0
    assert not (changed & ~grown).any()
    assert changed[inner].float().mean() > 0.97  # an object may by chance have its background's colour


def test_a_shadow_darkens_what_lies_beside_its_object_and_never_brightens(monkeypatch):
    drawn = make_scenes(20, size=64, seed=8, objects=(1, 1))
    monkeypatch.setattr("helpers.data.scenes.painter.SHADOW_DEPTH", 0.0)
    unshaded = make_scenes(20, size=64, seed=8, objects=(1, 1))
    difference = unshaded.images - drawn.images
    assert difference.min() >= -1e-6
    assert (difference.amax(dim=(1, 2, 3)) > 0.05).all()


# --- the planted shortcut -----------------------------------------------------------------------------------------


def rate(scenes: Scenes, marked: bool) -> tuple[float, int]:
    """How often images of the marked class (the first), or the others, carry the mark; and how many there are."""
    chosen = scenes.shortcut_present[(scenes.label == 0) == marked]
    return chosen.float().mean().item(), len(chosen)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("base", [0.0, 0.4])
def test_the_mark_co_occurs_with_its_class_at_the_rate_that_was_asked(strength, base):
    options = {"size": 32, "seed": 21, "objects": (1, 2), "classes": ("star", "heart", "ring")}
    drawn = make_scenes(1200, shortcut_strength=strength, shortcut_base_rate=base, **options)
    for marked, expected in ((True, base + strength * (1 - base)), (False, base * (1 - strength))):
        measured, number = rate(drawn, marked)
        assert abs(measured - expected) <= 3.5 * math.sqrt(expected * (1 - expected) / number)
    assert torch.equal(drawn.shortcut_mask.flatten(1).any(dim=1), drawn.shortcut_present)


def test_the_mark_changes_nothing_but_its_own_pixels():
    without = make_scenes(60, size=64, seed=4)
    with_mark = make_scenes(60, size=64, seed=4, shortcut_base_rate=1.0)
    assert with_mark.shortcut_present.all()
    assert not without.shortcut_present.any()
    grown = torch.nn.functional.max_pool2d(with_mark.shortcut_mask[:, None].float(), 3, stride=1, padding=1)[:, 0] > 0
    assert not ((without.images != with_mark.images).any(dim=1) & ~grown).any()
    assert torch.equal(without.label, with_mark.label)
    visible = without.object_masks & ~with_mark.shortcut_mask[:, None]
    assert torch.equal(with_mark.object_masks, visible)


def test_another_class_can_carry_the_mark():
    drawn = make_scenes(200, size=32, seed=4, shortcut_strength=1.0, shortcut_class="fish")
    assert torch.equal(drawn.shortcut_present, drawn.label == SCENE_CLASSES.index("fish"))


# --- bad arguments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count=0"),
        ({"start": -1}, "start=-1"),
        ({"seed": -2}, "seed=-2"),
        ({"size": 31}, "32 to 256"),
        ({"size": 257}, "size=257"),
        ({"objects": (0, 2)}, r"objects=\(0, 2\)"),
        ({"objects": (3, 2)}, "least <= most"),
        ({"objects": (1, 5)}, "<= 4"),
        ({"classes": ("star", "cat")}, "cat"),
        ({"classes": ("star", "star")}, "distinct"),
        ({"classes": ("star", "ring")}, "name more classes"),
        ({"classes": ()}, "classes"),
        ({"shortcut_strength": 1.1}, "shortcut_strength=1.1"),
        ({"shortcut_base_rate": -0.1}, "shortcut_base_rate=-0.1"),
        ({"shortcut_class": "cat"}, "shortcut_class='cat'"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_scenes(**{"count": 2, "size": 32, **options})


def test_scenes_are_indexed_by_slices_or_tensors(scenes):
    assert len(scenes[3:5]) == 2
    assert len(scenes[scenes.label == 2]) == int((scenes.label == 2).sum())
    with pytest.raises(TypeError, match=r"indexed by a slice"):
        scenes[3]


# --- the geometry beneath -----------------------------------------------------------------------------------------


def test_simple_figures_are_the_distances_that_geometry_gives():
    x, y = torch.tensor([[[3.0]]]), torch.tensor([[[4.0]]])
    assert circle(x, y, 2.0).item() == pytest.approx(3.0)
    assert box(x, y, (1.0, 1.0)).item() == pytest.approx(3.0)
    assert ellipse(x, y, (2.0, 2.0)).item() == pytest.approx(3.0)
    assert segment(x, y, (0.0, 0.0), (3.0, 0.0)).item() == pytest.approx(4.0)
    assert polygon(x, y, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))).item() == pytest.approx(3.0)
    tips = lens(torch.tensor([[[0.5, 0.0, 0.0]]]), torch.tensor([[[0.0, 1.0, -1.0]]]), (0.5, 1.0))
    assert torch.allclose(tips, torch.zeros(1, 1, 3), atol=1e-6)


def test_folding_keeps_the_radius_and_stays_in_one_sector():
    x, y = plane()
    outwards, sideways = fold(x, y, 5.0)
    assert torch.allclose(outwards**2 + sideways**2, x**2 + y**2, atol=1e-5)
    assert sideways.min() >= 0
    assert torch.atan2(sideways, outwards).max() <= math.pi / 5 + 1e-5


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_silhouettes_have_unit_area_and_distances_that_antialias(shape):
    """Scaled, each has about the area of the unit disc; near the edge the distance rises at about its true rate."""
    x, y = plane()
    vary = torch.rand(12, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    shape_x, shape_y = x.expand(12, -1, -1), y.expand(12, -1, -1)
    distance = shape.distance(shape_x, shape_y, vary)
    area = (distance < 0).float().mean() * 9 * shape.scale**2
    assert area == pytest.approx(math.pi, rel=0.1)
    step = 3.0 / 159
    down, across = torch.gradient(distance, spacing=step, dim=(1, 2))
    rise = torch.sqrt(down**2 + across**2)[distance.abs() < step]
    assert 0.75 < rise.median() < 1.25
    border = torch.cat([distance[:, 0], distance[:, -1], distance[:, :, 0], distance[:, :, -1]], dim=1)
    assert border.min() > 0  # nothing leaks out of the local frame
