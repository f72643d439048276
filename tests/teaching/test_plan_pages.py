"""The teacher's pages: they agree with the slides and the chapters, and their numbers are those of the book's code."""

import math
import re

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from helpers import CartoonX
from helpers.chapters.gallery import read_gallery
from helpers.chapters.judging import maps_of
from helpers.classifiers import load_classifier
from helpers.core.files import ROOT
from helpers.core.statistics.means import mean_p_values
from helpers.data.scenes import make_scenes
from helpers.methods.explainer import ExplainerLoss
from helpers.methods.wavelets import WaveletTransform
from helpers.profiles import load_profile
from helpers.site.chapters import load_chapters
from helpers.teaching.projects import judge_maps
from helpers.teaching.slides import load_plan

TEACH, SESSIONS, PROJECTS = (
    (ROOT / f"book/{name}.md").read_text(encoding="utf-8") for name in ("teach", "sessions", "projects")
)
BELIEFS = {
    cells[0]: cells[1:]
    for cells in re.findall(r"^\| \[[^]]+\]\(([\w-]+\.md)\) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TEACH, re.MULTILINE)
}


class TestSessions:
    def test_the_tables_have_the_sections_and_minutes_of_the_slides(self):
        parts = re.split(r"^## Session \d: ", SESSIONS, flags=re.MULTILINE)[1:]
        for session, part in zip(load_plan().sessions, parts, strict=True):
            title, table = part.split("\n", 1)
            assert title == session.title
            rows = re.findall(r"^\| (\d+)–(\d+) \| \[(.+?)\]\(([\w-]+)\.md(?:#[^)]*)?\) \| .+ \|$", table, re.MULTILINE)
            begin = 0
            for row, block in zip(rows, session.blocks, strict=True):
                text = (ROOT / f"book/{block.page}.md").read_text(encoding="utf-8")
                heading = block.section or re.search(r"^# (.+)$", text, re.MULTILINE).group(1)
                assert row == (str(begin), str(begin + block.minutes), heading, block.page)
                assert re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE)
                begin += block.minutes

    def test_each_exercise_of_the_homework_is_on_a_page_of_its_session(self):
        for session, part in zip(load_plan().sessions, SESSIONS.split("\n## Session ")[1:], strict=True):
            pages = "\n".join((ROOT / f"book/{page}.md").read_text(encoding="utf-8") for page in session.pages)
            homework = re.findall(r"\{ref\}`([\w-]+)`, \*(.+?)\* \((\d+) minutes\)", part)
            assert homework
            for label, title, minutes in homework:
                assert re.search(rf": {re.escape(title)} \({minutes} minutes, \w+\)\n:label: {label}\n", pages), label

    def test_the_overview_links_to_each_session_and_its_slides(self):
        for number, session in enumerate(load_plan().sessions, start=1):
            row = next(line for line in TEACH.splitlines() if line.startswith(f"| [{number}. "))
            assert f'href="../slides/session-{number}.html"' in row
            assert [f"({page}.md)" in row for page in session.pages] == [True] * len(session.pages)


class TestBeliefs:
    def test_each_chapter_has_one(self):
        assert {f"book/{page}" for page in BELIEFS} == set(load_chapters())

    def answer(self, page: str) -> str:
        return BELIEFS[f"{page}.md"][2]

    def test_a_step_between_two_haar_pairs(self):
        step = torch.tensor([0.0] * 4 + [1.0] * 4)
        image = step.expand(1, 1, 8, 8)
        transform = WaveletTransform("haar", 1, "zero", size=(8, 8))
        # 4 x 4 averages, of which the right half is not 0; no detail
        assert int((transform.analyse(image).abs() > 1e-6).sum()) == 4 * 2
        assert self.answer("wavelets").startswith("0.")

    def test_the_largest_rates(self):
        assert self.answer("pixel-rde").startswith(f"{0.4**2 / 4:.0%}".replace("%", " %"))
        assert f"{100 * 0.1**2 / 20:.2f} %" in self.answer("own-price")

    def test_the_pictures_of_a_search(self):
        options = load_profile("quick").cartoonx
        assert f"{options.steps} steps" in BELIEFS["cartoonx.md"][1]
        assert options.samples == 2
        assert f"None of the {options.steps * options.samples}." in self.answer("cartoonx")

    def test_five_tosses(self):
        same = mean_p_values(np.array([[0.2, 0.3, 0.4, 0.5, 0.6], [0.3, 0.3, 0.31, 0.3, 0.3]]))
        assert np.isnan(same).all() | (same >= 2 / 2**5 - 1e-9).all()
        assert f"{2 / 2**5:.0%}".replace("%", " %") in self.answer("judging")
        assert mean_p_values(np.array([[0.2, 0.3, 0.4, 0.5, 0.6, 0.7]]))[0] < 0.05

    def test_uniform_attention(self):
        layer = (np.full((257, 257), 1 / 257) + np.eye(257)) / 2
        own = np.linalg.matrix_power(layer, 6)[5, 5]
        assert self.answer("vit-rollout").startswith(f"{100 * own:.1f} %")

    def test_the_cells_of_the_last_layer(self):
        network = load_classifier("scenes-multilabel").network
        with torch.no_grad():
            features = network.forward_features(torch.zeros(1, 3, 64, 64))
        assert features.shape[-2:] == (2, 2)

    def test_exchanged_masks(self):
        classifier = load_classifier("scenes-multilabel")
        scene = make_scenes(1, size=64, seed=5, objects=(2, 2))
        labels = torch.zeros(1, 10, dtype=torch.bool)
        labels[0, scene.object_classes[0].unique()[-2:]] = True
        two = labels[0].nonzero()[:, 0].tolist()
        masks = torch.rand(1, 10, 64, 64, generator=torch.Generator().manual_seed(0))
        exchanged = masks.clone()
        exchanged[:, two] = masks[:, two[::-1]]
        loss = ExplainerLoss()
        with torch.no_grad():
            terms = [loss.terms(classifier, scene.images, labels, each.logit()) for each in (masks, exchanged)]
        torch.testing.assert_close(*terms)

    def test_bits(self):
        assert f"64 · 9 = {64 * int(math.log2(512))}" in self.answer("vq-vae")
        assert f"{math.log2(10):.1f} bits" in self.answer("kept-image")

    def test_a_mask_that_is_worse_than_none(self):
        row = next(entry.numbers["pixel-rde"] for entry in read_gallery() if entry.name == "coffee")
        weight = load_profile("gallery").pixel_rde.sparsity_weight
        assert row["distortion"] + weight * row["sparsity"] > row["confidence"] ** 2

    def test_passes_of_the_published_recipe(self):
        options = CartoonX(load_classifier("scenes-cnn"), recipe="published").options
        passes = 2 * options.steps * options.samples + 1
        assert f"{passes:,}" in self.answer("which-method")
        assert f"{passes / 8001:.0f} times" in self.answer("which-method")

    def test_a_right_transpose(self):
        transform = WaveletTransform("db3", 3, "zero", size=(64, 64)).double()
        image = torch.randn(1, 1, 64, 64, dtype=torch.float64, requires_grad=True)
        coefficients = transform.analyse(image)
        other = torch.randn_like(coefficients)
        forward = (coefficients * other).sum()
        (back,) = torch.autograd.grad(forward, image)
        assert float(((back * image).sum() / forward).detach()) == pytest.approx(1, abs=1e-12)

    def test_half_way_after_five_hundred_steps(self):
        entry = torch.ones(1, requires_grad=True)
        adam = torch.optim.Adam([entry], lr=0.001)
        for _ in range(500):
            adam.zero_grad()
            (3 * entry).sum().backward()
            adam.step()
        assert float(entry.detach()) == pytest.approx(0.5, abs=1e-3)
        assert self.answer("convergence").startswith("To 0.5.")


class TestProjects:
    def test_the_points_make_a_hundred(self):
        points = re.findall(r"^\| (\d+) \| ", PROJECTS.split("## Marking")[1], re.MULTILINE)
        assert sum(map(int, points)) == 100

    def test_the_open_claims_are_those_of_the_ledger(self):
        path = ROOT / "_build/html/book/ledger.html"
        if not path.is_file():
            pytest.skip("the book has not been built")
        rows = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select("#ledger tr")
        texts = {row.get_text(" ", strip=True).split()[0]: row.get_text(" ", strip=True) for row in rows}
        claims = re.findall(r"^\| (\w+): [^|]+ \| ([^|]+) \| (\d+) \| `([\w-]+)` \|$", PROJECTS, re.MULTILINE)
        assert len(claims) >= 4
        for identifier, effect, scenes, figure in claims:
            assert f"{effect}, {scenes} scenes" in texts[identifier]
            assert figure in texts[identifier]
            assert re.search(r"undecided|too few", texts[identifier])

    def test_the_lines_that_a_retest_changes_are_in_the_profile(self):
        profile = (ROOT / "profiles/quick.yaml").read_text(encoding="utf-8")
        for old in re.findall(r"-e 's/([^/]+)/", PROJECTS):
            assert profile.count(old) == 1, old

    def test_maps_are_judged_beside_the_blob_and_a_random_order(self):
        classifier = load_classifier("scenes-cnn")
        scenes = make_scenes(6, size=64, seed=1, objects=(1, 1))
        maps = maps_of(classifier, scenes.images, scenes.label)
        table = judge_maps(classifier, scenes, scenes.label, maps).set_index("map")
        assert table["mass"].drop("random order").between(0, 1).all()
        assert table["above the blob"].isna()[["centre", "random order"]].all()
        assert table.loc["occlusion", "above the blob"].count == 6
        assert table["mass"].isna()["random order"]
        with pytest.raises(ValueError, match="a map named 'centre' is needed"):
            judge_maps(classifier, scenes, scenes.label, {"occlusion": maps["occlusion"]})
