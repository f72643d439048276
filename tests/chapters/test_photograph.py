"""The photograph of all chapters: its album, its steps, and what chapters draw of it."""

import io
from pathlib import Path

import numpy as np
import pytest
import pywt
import torch
from matplotlib.figure import Figure
from PIL import Image

from helpers.__main__ import main
from helpers.chapters.photograph.album import NAME, PHOTOGRAPH, SMALL, Entry, to_table
from helpers.chapters.photograph.drawings import CREDIT, DRAWINGS, draw_photograph, read_photograph
from helpers.chapters.photograph.judge import CATS, Judge
from helpers.chapters.photograph.maps import _first_pixels, explainer_files
from helpers.chapters.photograph.taken_away import SHARES, TakenAway, read_taken_away
from helpers.classifiers import load_classifier
from helpers.core.files import ROOT
from helpers.data.photographs import gallery_images
from helpers.results import results_folder
from helpers.results.stored_pictures import read_pictures, write_pictures
from helpers.site.chapters import load_chapters

PROFILE = """
name: trial
description: small enough for a test
device: cpu
batch_size: 1
images: {source: gallery, size: 64, count: 1, resize: crop}
classifier: {name: mobilenetv3_small_050, weights: random}
cartoonx: {samples: 2, steps: 2, learning_rate: 0.5, levels: 2}
pixel_rde: {samples: 2, steps: 2, learning_rate: 0.5, sparsity_weight: 4}
curves: {resolution: 2, draws: 1}
sweep: {sparsity_weights: [2, 20]}
"""


class TestJudge:
    def test_a_judgement_is_the_softmax_of_the_classifier(self):
        classifier = load_classifier("mobilenetv3_small_050", weights="random")
        image = gallery_images(64, names=[NAME]).images
        judge = Judge(classifier, image)
        picture = image.flip(-1)
        logits = classifier(picture)[0].double()
        odds = logits.exp() / logits.exp().sum()
        found = judge(picture)
        assert found["class"] == classifier.class_names[int(logits.argmax())]
        assert found["probability"] == pytest.approx(float(odds[int(classifier(image).argmax())]), rel=1e-4)
        assert found["cats"] == pytest.approx(
            float(odds[281] + odds[282] + odds[283] + odds[284] + odds[285]), rel=1e-4
        )
        assert [classifier.class_names[index] for index in CATS] == [
            "tabby",
            "tiger cat",
            "Persian cat",
            "Siamese cat",
            "Egyptian cat",
        ]


class TestAlbum:
    def test_numbers_words_and_pictures_are_told_apart(self, tmp_path):
        picture = torch.rand(3, 100, 100)
        table = to_table({"a": Entry({"rate": 0.25, "class": "tabby"}, {"kept": picture})}, tmp_path)
        assert table.loc[0, ["entry", "name", "number", "words"]].tolist() == ["a", "rate", 0.25, ""]
        assert table["number"].isna().tolist() == [False, True]
        assert table["words"][1] == "tabby"
        assert list(table.attrs["provenance"]["pictures"]) == ["a/kept"]
        assert (tmp_path / "pictures" / "a-kept.webp").is_file()

    def test_small_pictures_lose_nothing(self, tmp_path):
        picture = torch.randint(0, 256, (3, 32, 32)) / 255
        write_pictures({"a/small": picture}, tmp_path, lossless=SMALL)
        with Image.open(tmp_path / "pictures" / "a-small.webp") as stored:
            pixels = torch.tensor(list(stored.convert("RGB").tobytes())).view(32, 32, 3).permute(2, 0, 1)
        assert torch.equal(pixels, (picture * 255).round().long())

    def test_the_books_own_is_complete_and_light(self):
        album = read_photograph()
        folder = results_folder("photograph")
        assert (
            sum(
                path.stat().st_size
                for path in folder.rglob("*")
                if path.is_file() and "work" not in path.relative_to(folder).parts
            )
            < 1.5e6
        )
        numbers = [value for entry in album.values() for value in entry.numbers.values()]
        assert all(isinstance(value, str) or value == value for value in numbers)  # none is nan
        assert album["photograph"].numbers["class"] == "Egyptian cat"
        image = gallery_images(256, names=[NAME]).images[0]
        assert float((album["photograph"].pictures["image"] - image).abs().mean()) < 0.02
        assert PHOTOGRAPH.licence == "CC0"

    def test_every_chapter_has_a_picture(self):
        assert set(DRAWINGS) == {page.removeprefix("book/").removesuffix(".md") for page in load_chapters()}
        for chapter in DRAWINGS:
            figure = draw_photograph(chapter)
            assert isinstance(figure, Figure)
            figure.savefig(io.BytesIO(), dpi=20)
        assert any(CREDIT in text.get_text() for text in draw_photograph("pixel-rde").texts)
        with pytest.raises(ValueError, match="no picture for 'pixel-rd'; did you mean 'pixel-rde'"):
            draw_photograph("pixel-rd")

    def test_every_chapter_shows_it(self):
        without = {
            page for page in load_chapters() if f'draw_photograph("{Path(page).stem}")' not in (ROOT / page).read_text()
        }
        assert without == set()

    def test_missing_networks_are_named_with_the_command(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="python -m helpers train --profile voc-animals"):
            explainer_files(tmp_path)


def test_the_first_pixels_are_the_largest():
    mask = torch.arange(100.0).view(1, 1, 10, 10)
    assert _first_pixels(mask, 0.3).flatten().nonzero()[:, 0].tolist() == list(range(70, 100))


def _parts(levels):
    """The arrays of a decomposition by PyWavelets."""
    return [levels[0], *(band for level in levels[1:] for band in level)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photograph")
    profile = folder / "trial.yaml"
    profile.write_text(PROFILE)
    main(["table", "photograph-taken-away", "--profile", str(profile), "--results", str(folder)])
    return folder, read_taken_away(folder, "trial")


class TestTakenAway:
    def test_the_largest_coefficients_agree_with_pywavelets(self, made):
        image = gallery_images(64, names=[NAME]).images[0].double().numpy()
        levels = [pywt.wavedec2(channel, "db3", "zero", 2) for channel in image]
        arrays, slices = zip(*(pywt.coeffs_to_array(level) for level in levels), strict=True)
        coefficients = np.stack(arrays)
        inside = np.concatenate([np.ravel(part) for part in _parts(levels[0])]).size  # the array has empty corners
        rows = made[1].steps("size").set_index("share")
        assert rows["count"].tolist() == [max(1, round(share * inside)) for share in SHARES]
        energy = (coefficients**2).sum(0)
        kept = coefficients * (energy >= np.sort(energy.ravel())[-rows["count"][0.1]])
        picture = [
            pywt.waverec2(pywt.array_to_coeffs(channel, own, output_format="wavedec2"), "db3", "zero")
            for channel, own in zip(kept, slices, strict=True)
        ]
        classifier = load_classifier("mobilenetv3_small_050", weights="random")
        shown = torch.tensor(np.stack(picture)[None, :, :64, :64]).clamp(0, 1).float()
        target = int(classifier(torch.tensor(image[None]).float()).argmax())
        expected = float(classifier(shown).softmax(-1)[0, target])
        assert rows["probability"][0.1] == pytest.approx(expected, rel=1e-3)

    def test_the_orders_are_judged_at_the_same_steps(self, made):
        _, taken = made
        for order in ("relevance", "size", "random"):
            assert taken.steps(order)["share"].tolist() == list(SHARES)
            # with all coefficients, their order does not matter
            assert taken.steps(order)["probability"][0] == pytest.approx(taken.table["probability"][0], rel=1e-4)

    def test_all_coefficients_are_the_photograph(self, made):
        image = gallery_images(64, names=[NAME]).images
        classifier = load_classifier("mobilenetv3_small_050", weights="random")
        row = made[1].steps("relevance").iloc[0]
        assert row["confidence"] == pytest.approx(float(classifier(image).softmax(-1).max()), rel=1e-3)
        assert float((made[1].pictures[1.0] - image[0]).abs().mean()) < 0.02

    def test_a_changed_picture_is_refused(self, made):
        folder, _ = made
        path = folder / "trial" / "pictures" / "taken-away-1.webp"
        content = path.read_bytes()
        path.write_bytes(content[:-1])
        try:
            with pytest.raises(ValueError, match="python -m helpers table photograph-taken-away --profile trial"):
                read_pictures("trial", "photograph-taken-away", folder)
        finally:
            path.write_bytes(content)

    def test_the_last_cat_is_the_step_before_the_first_that_is_none(self, made):
        table = made[1].table.assign(cat=1.0)
        assert TakenAway(table, {}).last_cat("size") == SHARES[-1]
        lost = (table["order"] == "size") & (table["share"] == SHARES[4])
        assert TakenAway(table.assign(cat=1.0 - lost), {}).last_cat("size") == SHARES[3]
