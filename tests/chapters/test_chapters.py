"""What the chapters need: pyramid, truth, border_to_mass_ratio, words, and the stored gallery."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest
import pywt
import torch
import yaml
from PIL import Image
from tiny import TinyClassifier, named, smooth_images

from helpers.__main__ import main
from helpers.chapters.gallery import read_gallery, read_sweep
from helpers.chapters.gallery_page import credits_table, draw_entry, draw_sweep, numbers_table, objective
from helpers.chapters.predictions import describe_predictions
from helpers.chapters.readme import write_readme_picture
from helpers.chapters.wavelets.pyramid import wavelet_pyramid
from helpers.core.files import ROOT
from helpers.data.images import load_image
from helpers.data.scenes import make_scenes
from helpers.methods.wavelets import WaveletTransform
from helpers.metrics.truth_scores import border_to_mass_ratio, region_of_class, relevance_mass_accuracy
from helpers.papers.recartoonx.experiments import Study
from helpers.results import read_provenance


class TestPyramid:
    def test_periodized_bands_lie_where_pywavelets_puts_them(self):
        transform = WaveletTransform("haar", 3, "periodization", size=(32, 64))
        image = torch.rand(1, 1, 32, 64, generator=torch.Generator().manual_seed(0))
        coarse, *details = pywt.wavedec2(image[0, 0].numpy(), "haar", "periodization", level=3)
        # it puts horizontal details below, its own pictures put them on the right, as is done here
        wanted, _ = pywt.coeffs_to_array([coarse, *((v, h, d) for h, v, d in details)])
        found = wavelet_pyramid(transform, transform.analyse(image)[0, 0], gap=0)
        torch.testing.assert_close(found[0], torch.from_numpy(wanted).float(), atol=1e-5, rtol=0)

    @pytest.mark.parametrize("size", [(64, 64), (50, 81)])
    def test_every_coefficient_is_shown_once(self, size):
        transform = WaveletTransform("db3", 3, size=size)
        values = torch.arange(1.0, transform.coefficients + 1)
        shown = wavelet_pyramid(transform, values, gap=1, gap_value=0)
        assert torch.equal(shown[shown > 0].sort().values, values)

    def test_other_values_are_refused(self, unchecked):
        with pytest.raises(ValueError, match="one per coefficient"):
            wavelet_pyramid(WaveletTransform("haar", 1, size=8), torch.zeros(3))


class TestTruth:
    def test_the_region_is_that_of_the_classs_objects(self):
        scenes = make_scenes(4, size=32, seed=3, objects=(2, 2))
        second = scenes.object_classes[:, 1]
        assert torch.equal(region_of_class(scenes, second), scenes.object_masks[:, 1:2])
        absent = torch.full((4,), -2)
        assert not region_of_class(scenes, absent).any()

    def test_shares_by_hand(self):
        mask = torch.tensor([[1.0, 0.5], [0.5, 0.0]])[None, None].repeat(3, 1, 1, 1)
        mask[2] = 0
        region = torch.tensor([[True, False], [False, True]])[None, None].repeat(3, 1, 1, 1)
        region[1] = True
        shares = relevance_mass_accuracy(mask, region)
        assert shares[:2].tolist() == [0.5, 1.0]
        assert shares[2].isnan()

    def test_a_constant_mask_scores_the_regions_area(self):
        region = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(1)) > 0.6
        shares = relevance_mass_accuracy(torch.full((2, 1, 9, 9), 0.3), region)
        torch.testing.assert_close(shares, region.float().mean((1, 2, 3)))

    def test_roughness_of_a_dot_a_patch_and_nothing(self):
        masks = torch.zeros(3, 1, 12, 12)
        masks[0, 0, 4, 4] = 0.7
        masks[1, 0, 2:7, 3:9] = 0.4
        values = border_to_mass_ratio(masks)
        torch.testing.assert_close(values[:2], torch.tensor([4.0, 2 * (5 + 6) / (5 * 6)]))  # border over area
        assert values[2].isnan()


def test_predictions_in_words():
    classifier = named(TinyClassifier(classes=3), 32, ("cat", "dog", "owl"))
    images = smooth_images(4, 32)
    for words, probabilities in zip(
        describe_predictions(classifier, images), classifier(images).softmax(1), strict=True
    ):
        best = int(probabilities.argmax())
        assert words == f"{classifier.class_names[best]}, {100 * float(probabilities[best]):.0f} %"


PROFILE = """
name: trial
description: a gallery small enough for a test
device: cpu
batch_size: 2
images: {source: gallery, size: 64, count: 2}
classifier: {name: mobilenetv3_small_050, weights: random}
cartoonx: {samples: 2, steps: 2, learning_rate: 0.5, levels: 2}
pixel_rde: {samples: 2, steps: 2, learning_rate: 0.5, sparsity_weight: 4}
curves: {resolution: 2, draws: 1}
sweep: {sparsity_weights: [2, 20]}
"""


def make(arguments):
    """Both tables of the gallery."""
    for name in ("gallery", "gallery-sweep"):
        main([arguments[0], name, *arguments[2:]])


@pytest.fixture(scope="class")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    profile = folder / "trial.yaml"
    profile.write_text(PROFILE)
    arguments = ["table", "gallery", "--profile", str(profile), "--results", str(folder)]
    make(arguments)
    write_readme_picture(read_gallery(folder, "trial")[0], folder / "readme.webp")
    return folder, arguments


def test_a_folder_of_ones_own_photographs_becomes_pictures(tmp_path, capsys, monkeypatch):
    """As the README and `profiles/my-images.yaml` say, with a small classifier and few steps."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-images").mkdir()
    for name, colour in {"a.jpg": "red", "b.png": "green", "b.JPG": "blue"}.items():
        Image.new("RGB", (50, 40), colour).save(tmp_path / "my-images" / name)
    content = yaml.safe_load((ROOT / "profiles" / "my-images.yaml").read_text())
    content["images"]["size"] = 32
    content["classifier"]["name"] = "scenes-small"
    content["device"] = "cpu"
    for method in ("cartoonx", "pixel_rde"):
        content[method]["steps"] = 2
    content["cartoonx"]["levels"] = 2
    (tmp_path / "my-images.yaml").write_text(yaml.safe_dump(content))
    main(["table", "gallery", "--profile", "my-images.yaml", "--results", "results"])
    folder = tmp_path / "results" / "my-images"
    assert capsys.readouterr().out.split()[:2] == ["results/my-images/gallery-01.png", "results/my-images/gallery.csv:"]
    with Image.open(folder / "gallery-01.png") as overview:
        assert overview.width > overview.height > 300  # a row for each of three photographs, five columns
    table = pd.read_csv(folder / "gallery.csv")
    assert list(table["image"]) == ["a", "b.JPG", "b.png"] * 2
    assert set(table["method"]) == {"cartoonx", "pixel-rde"}
    kinds = ("image", "cartoonx-mask", "cartoonx-kept", "cartoonx-cartoon", "pixel-rde-mask", "pixel-rde-kept")
    for picture in (f"{name}-{kind}.webp" for name in ("a", "b.JPG", "b.png") for kind in kinds):
        assert load_image(folder / "pictures" / picture).shape == (3, 32, 32)


class TestGallery:
    def test_what_was_stored_is_read_back(self, made):
        folder, arguments = made
        study = Study(arguments[3], root=folder)
        entries = read_gallery(folder, "trial")
        assert [entry.name for entry in entries] == ["chelsea", "coffee"]
        explanation = study.explain("cartoonx")
        for place, entry in enumerate(entries):
            assert set(entry.numbers) == {"cartoonx", "pixel-rde"}
            prediction = int(study.predictions[0][place])
            assert entry.numbers["cartoonx"]["prediction_name"] == study.classifier.class_names[prediction]
            for name, wanted in (
                ("image", study.images.images[place]),
                ("cartoonx-kept", explanation.kept[place]),
                ("cartoonx-mask", explanation.mask[place]),
            ):
                found = entry.pictures[name]
                assert found.shape == wanted.shape
                assert (found - wanted).abs().mean() < 0.03  # as good as a lossy file is
            assert entry.pictures["cartoonx-cartoon"].shape == (1, 64, 64)
            assert entry.photograph.licence

    def test_the_sweep(self, made):
        table, pictures = read_sweep(made[0], "trial")
        assert list(table["sparsity_weight"]) == [2.0, 20.0] == list(pictures)
        assert pictures[2.0]["kept"].shape == (3, 64, 64)

    def test_it_is_small_and_its_pictures_are_vouched_for(self, made):
        folder, _ = made
        files = sorted((folder / "trial" / "pictures").iterdir())
        digests = read_provenance("trial", "gallery", root=folder)["pictures"]
        digests |= read_provenance("trial", "gallery-sweep", root=folder)["pictures"]
        assert {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == digests
        assert (folder / "readme.webp").stat().st_size > 1000

    def test_the_page_of_the_gallery(self, made):
        folder, _ = made
        gallery = {entry.name: entry for entry in read_gallery(folder, "trial")}
        weights = {"cartoonx": 20.0, "pixel-rde": 4.0}
        table = numbers_table(gallery, weights)
        assert table["photograph"].tolist() == ["chelsea", "chelsea", "coffee", "coffee"]
        assert table["method"].tolist() == ["CartoonX", "Pixel RDE"] * 2
        row = gallery["coffee"].numbers["pixel-rde"]
        assert table["rate"].iloc[3] == f"{100 * row['sparsity']:.2f}\N{NO-BREAK SPACE}%"
        assert objective(row, weights) == pytest.approx(row["distortion"] + 4 * row["sparsity"])
        assert credits_table(gallery)["licence"].tolist() == [entry.photograph.licence for entry in gallery.values()]
        figure = draw_entry(gallery["coffee"], weights)
        assert len(figure.axes) == 6
        assert figure.axes[2].get_title().startswith("Pixel RDE keeps:\n“")
        dear = draw_entry(gallery["coffee"], {"cartoonx": 1e9, "pixel-rde": 0.0})
        worse = [axes.get_title().endswith("worse than none") for axes in dear.axes]
        assert worse[4] == bool(gallery["coffee"].numbers["cartoonx"]["sparsity"])
        sweep, pictures = read_sweep(folder, "trial")
        figure = draw_sweep(gallery["chelsea"].pictures["image"], pictures[20.0], sweep.to_dict("records")[1])
        assert [axes.get_title().split(":")[0] for axes in figure.axes][::2] == ["λk = 20", "the photograph's class"]

    def test_a_second_run_computes_nothing_and_changes_nothing(self, made, monkeypatch):
        folder, arguments = made
        before = {path.name: path.read_bytes() for path in (folder / "trial" / "pictures").iterdir()}
        monkeypatch.setattr("helpers.methods.rde.methods.optimise", None)  # would fail
        make(arguments)
        assert before == {path.name: path.read_bytes() for path in (folder / "trial" / "pictures").iterdir()}

    def test_a_changed_or_missing_picture_is_an_error(self, made):
        folder, _ = made
        path = folder / "trial" / "pictures" / "coffee-pixel-rde-mask.webp"
        content = path.read_bytes()
        try:
            path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
            with pytest.raises(ValueError, match=r"coffee-pixel-rde-mask\.webp is missing or was changed"):
                read_gallery(folder, "trial")
            path.unlink()
            with pytest.raises(ValueError, match=r"python -m helpers table gallery"):
                read_gallery(folder, "trial")
        finally:
            path.write_bytes(content)

    def test_the_books_own_gallery_is_complete(self):
        entries = read_gallery()
        assert len(entries) >= 6
        for entry in entries:
            assert set(entry.pictures) == {
                *("image", "cartoonx-mask", "cartoonx-kept", "cartoonx-cartoon"),
                *("pixel-rde-mask", "pixel-rde-kept"),
            }
        assert read_sweep()[1]
