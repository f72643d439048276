"""The comparison of the wavelet family: a small run on disk, one image's row recomputed in plain steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from helpers.chapters.measures import family as measures
from helpers.core.files import ROOT
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.methods.wavelets import WaveletTransform
from helpers.papers.recartoonx.experiments import Study
from helpers.papers.recartoonx.experiments.family_images import chosen_images, images_of
from helpers.papers.recartoonx.experiments.family_methods import control_order, searched, stored_explanation
from helpers.papers.recartoonx.experiments.family_scores import truth_scores
from helpers.profiles import load_profile
from helpers.reporting.committed import committed_table

METHODS = {
    "cartoonx": {"trials": [10, 40]},
    "shearletx": {"trials": [8]},
    "pixel-rde": {"trials": [4]},
    "wam-path": {"rate_of": "cartoonx", "options": {"samples": 2}},
    "random-wavelets": {"rate_of": "cartoonx"},
    "random-shearlets": {"rate_of": "shearletx"},
    "largest-wavelets": {"rate_of": "cartoonx"},
    "centre": {},
    "dimming": {},
    "everything": {},
}
COMMITTED = ("family-scenes", "family-photographs")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("family")
    content = yaml.safe_load((ROOT / "profiles" / "family-scenes.yaml").read_text())
    content["name"] = "small"
    content["images"]["count"] = 12
    content["cartoonx"]["steps"] = content["pixel_rde"]["steps"] = 4
    family = content["family"]
    family |= {"images": 1, "tuning": 1, "methods": METHODS, "samples": 2, "steps": 3, "draws": 1}
    family["fractions"] = [0.1, 0.5]
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return Study(load_profile(path), root=folder)


@pytest.fixture(scope="module")
def table(study):
    return study.table("family")


def row_of(table, method, kind="curved"):
    rows = table[(table["method"] == method) & (table["kind"] == kind)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_each_image_has_a_row_for_each_method(table):
    assert [list(rows["method"]) for _, rows in table.groupby(["kind", "image"])] == [list(METHODS)] * 2
    assert table.drop(columns="invented").notna().all().all()
    assert table["kind"].unique().tolist() == ["curved", "straight"]
    assert (table.loc[table["method"].isin(["cartoonx", "shearletx"]), "processor_seconds"] > 0.001).all()


def test_scenes_are_right_and_of_their_kind(study):
    scenes = make_scenes(12, size=64, seed=study.profile.images.seed, objects=(1, 2))
    with torch.no_grad():
        predictions = study.classifier(scenes.images).argmax(1)
    taken = {}
    for tuning in (False, True):
        chosen = chosen_images(study, tuning=tuning)
        for name, kind, target in zip(chosen.names, chosen.kinds, chosen.targets.tolist(), strict=True):
            assert SCENE_CLASSES[target] in study.profile.family.kinds[kind]
            taken.setdefault(kind, []).append((name, target))
    for kind, found in taken.items():
        right = [
            (study.images.names[row], label)
            for row, label in enumerate(scenes.label.tolist())
            if predictions[row] == label and SCENE_CLASSES[label] in study.profile.family.kinds[kind]
        ]
        assert found == right[:2], "the first ones are compared, the following ones choose the settings"


def test_a_slow_method_explains_the_first_images_of_each_kind(study):
    profile = study.profile
    methods = {**profile.family.methods, "centre": profile.family.methods["centre"].model_copy(update={"images": 1})}
    family = profile.family.model_copy(update={"images": 2, "tuning": 0, "methods": methods})
    larger = Study(profile.model_copy(update={"family": family}), root=study.root)
    chosen, few = chosen_images(larger), images_of(larger, "centre")
    assert chosen.kinds == ("curved", "curved", "straight", "straight")
    assert few.names == (chosen.names[0], chosen.names[2])
    assert images_of(larger, "dimming").names == chosen.names


def test_unsure_images_are_left_out(study):
    family = study.profile.family.model_copy(update={"least": 1.0})
    with pytest.raises(ValueError, match="too few"):
        chosen_images(Study(study.profile.model_copy(update={"family": family}), root=study.root))


def test_the_price_nearest_to_the_distortion_is_chosen(study):
    tuning = study.table("family-tuning")
    assert tuning["method"].tolist() == ["cartoonx", "cartoonx", "shearletx", "pixel-rde"]
    for _, trials in tuning.groupby("method"):
        distances = (trials["distortion"] - study.profile.family.distortion).abs()
        assert trials["chosen"].tolist() == (distances == distances.min()).tolist()


def test_the_price_of_the_picture_goes_with_that_of_the_entries(study):
    methods = study.profile.family.methods
    methods = {**methods, "shearletx": methods["shearletx"].model_copy(update={"spatial_ratio": 0.4})}
    family = study.profile.family.model_copy(update={"methods": methods})
    other = Study(study.profile.model_copy(update={"family": family}), root=study.root)
    assert searched(other, "shearletx", sparsity_weight=5).options.spatial_weight == pytest.approx(2)
    assert searched(other, "shearletx").options.spatial_weight == pytest.approx(8), "the profile's λk is 20"
    assert searched(study, "shearletx", sparsity_weight=5).options.spatial_weight == 2, "the method's own γ"


def test_one_row_is_what_its_columns_say(study, table):
    scenes = make_scenes(12, size=64, seed=study.profile.images.seed, objects=(1, 2))
    row = row_of(table, "cartoonx")
    number = study.images.names.index(row["image"])
    image, explanation = scenes.images[number], stored_explanation(study, "cartoonx")
    mask, kept = explanation.representation_mask[0, 0], explanation.kept[0]
    transform = WaveletTransform(wavelet="db3", levels=5, mode="zero", size=(64, 64))
    pictured = transform.synthesise(mask * transform.analyse(image[None]))[0].clamp(0, 1)
    assert (pictured - kept).abs().max() < 2e-3  # stored in half precision
    with torch.no_grad():
        before, after = study.classifier(torch.stack([image, kept])).softmax(1)
    assert row["share"] == pytest.approx(float(mask.mean()), abs=1e-5)
    assert row["kept_class"] == float(after.argmax() == row["target"])
    assert row["probability"] == pytest.approx(float(after[row["target"]] / before[row["target"]]), abs=1e-4)
    assert row["brightness"] == pytest.approx(float(kept.sum() / image.sum()), abs=1e-4)
    assert row["energy"] == pytest.approx(float((kept**2).sum() / (image**2).sum()), abs=1e-4)
    assert row["cp_pixels"] == pytest.approx(row["probability"] / row["brightness"], rel=1e-3)
    assert row["cp_entropy"] == pytest.approx(row["probability"] / row["entropy"], rel=1e-3)
    region = np.zeros((64, 64), dtype=bool)
    for slot, name in enumerate(scenes.object_classes[number].tolist()):
        region |= scenes.object_masks[number, slot].numpy() & (name == row["target"])
    values = explanation.mask[0, 0].numpy()
    top = values >= np.sort(values.ravel())[-region.sum()]
    assert row["area"] == pytest.approx(region.mean(), abs=1e-5)
    if top.sum() == region.sum():  # without ties
        assert row["iou"] == pytest.approx((top & region).sum() / (top | region).sum(), abs=1e-5)
    assert row["mass"] == pytest.approx(values[region].sum() / values.sum() - region.mean(), abs=1e-4)


def test_methods_that_only_order_keep_the_share_of_their_twin(study, table):
    tuning = study.table("family-tuning")
    share = tuning.loc[tuning["chosen"] & (tuning["method"] == "cartoonx"), "share"].iloc[0]
    for method in ("wam-path", "random-wavelets", "largest-wavelets"):
        assert row_of(table, method)["share"] == pytest.approx(share, abs=1e-3), method


def test_controls_score_as_they_must(table):
    everything, dimming = row_of(table, "everything"), row_of(table, "dimming")
    shares = everything[["kept_class", "probability", "brightness", "energy", "entropy", "cp_pixels"]]
    assert shares.tolist() == pytest.approx([1] * 6, abs=1e-3)  # pictures are stored in half precision
    assert everything[["hallucination", "mass", "keep_gain", "randomise_gain"]].tolist() == [0] * 4
    assert dimming["brightness"] == pytest.approx(0.3, abs=1e-3)
    assert dimming["energy"] == pytest.approx(0.09, abs=1e-3)
    for row in (everything, dimming):  # a constant map hits an object as often as chance
        assert row["rank"] == pytest.approx(row["area"], abs=1e-4)


def test_intersection_over_union_of_known_sets():
    region = torch.zeros(1, 4, 4, dtype=torch.bool)
    region[0, :2, :2] = True
    masks = torch.zeros(1, 4, 4)
    masks[0, 1, :] = 1  # four pixels, two of them in the region: 2 of 6
    scores = truth_scores(masks, region, 0)
    assert scores["iou"].item() == pytest.approx(2 / 6)
    assert all(values.isnan().all() for values in truth_scores(masks, None, 0).values())


def test_orders_of_controls():
    coefficients = torch.tensor([[[3.0, 0.0, -4.0, 1.0], [0.0, 2.0, 3.0, 0.0]]])
    assert control_order("largest-wavelets", coefficients, (2, 2), 0)[0, 0].tolist() == [3, 2, 5, 1]
    first, again = (control_order("random-pixels", coefficients, (2, 2), 7) for _ in range(2))
    assert torch.equal(first, again)
    with pytest.raises(ValueError, match="no control"):
        control_order("cartoonx", coefficients, (2, 2), 0)


def test_effects_are_those_of_a_loop():
    random = np.random.default_rng(0)
    rows = [
        ("curved" if image < 7 else "straight", image, method, random.random() + 0.1)
        for method in ("shearletx", "cartoonx")
        for image in range(14)
    ]
    table = pd.DataFrame(rows, columns=["kind", "image", "method", "iou"]).sample(frac=1, random_state=1)
    values = {(method, image): value for _, image, method, value in rows}
    gaps = [values["shearletx", image] - values["cartoonx", image] for image in range(14)]
    ratios = [values["shearletx", image] / values["cartoonx", image] for image in range(14)]
    assert measures.difference(table, "shearletx", "cartoonx", "iou").value == pytest.approx(np.mean(gaps))
    curved = measures.difference(table, "shearletx", "cartoonx", "iou", "curved")
    assert curved.value == pytest.approx(np.mean(gaps[:7]))
    assert measures.ratio(table, "shearletx", "cartoonx", "iou").value == pytest.approx(np.prod(ratios) ** (1 / 14))
    between = measures.between_kinds(table, "shearletx", "cartoonx", "iou")
    assert between.value == pytest.approx(np.mean(gaps[:7]) - np.mean(gaps[7:]))
    few = table[(table["method"] == "cartoonx") | (table["image"] < 9)]
    assert measures.difference(few, "shearletx", "cartoonx", "iou").value == pytest.approx(np.mean(gaps[:9]))
    assert measures.difference(table, "cartoonx", "waveletx", "iou").count == 0, "not explained yet"
    with pytest.raises(ValueError, match="no method"):
        measures.difference(table, "cartoonx", "cartonx", "iou")


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_tables_have_all_images_and_methods(name):
    table = committed_table(name, "family")
    if table is None:
        pytest.skip("the run is not committed yet")
    family = load_profile(name).family
    kinds = list(family.kinds) or ["photographs"]
    for method, rows in table.groupby("method"):
        count = family.methods[method].images or family.images
        assert rows.groupby("kind")["image"].nunique().to_dict() == dict.fromkeys(kinds, count), method
    assert set(table["method"]) == set(family.methods)
    assert not table.duplicated(["kind", "image", "method"]).any()


def test_the_committed_row_of_a_control_follows_from_its_scene():
    table = committed_table("family-scenes", "family")
    settings = load_profile("family-scenes").images
    rows = table[table["method"] == "centre"].set_index("image")
    scenes = make_scenes(settings.count, size=settings.size, seed=settings.seed, objects=settings.objects)
    line = np.exp(-0.5 * ((np.arange(64) + 0.5 - 32) / 16) ** 2)
    bump = np.multiply.outer(line, line)
    for name, row in rows.iterrows():
        number = int(name.rsplit("-", 1)[1])
        assert scenes.label[number] == row["target"], name
        shown = scenes.object_masks[number] & (scenes.object_classes[number] == row["target"])[:, None, None]
        region = shown.any(0).numpy()
        top = bump >= np.sort(bump.ravel())[-region.sum()]  # symmetric pixels tie
        iou = (top & region).sum() / (top | region).sum()
        assert row["area"] == pytest.approx(region.mean(), abs=1e-5)
        assert row["iou"] == pytest.approx(iou, abs=0.02), name
        assert row["brightness"] == pytest.approx(
            float((scenes.images[number].numpy() * bump).sum() / scenes.images[number].sum()), abs=1e-3
        )
