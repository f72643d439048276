"""The page of photographs with truth: its table from masks to scores, and its effects, recomputed in plain loops."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from helpers.chapters import truth as page
from helpers.chapters.measures import truth as measures
from helpers.core.statistics import MINIMUM_UNITS, holm
from helpers.data.class_regions import ClassRegions, load_class_regions
from helpers.data.scenes import make_scenes
from helpers.metrics import pixel_curve
from helpers.papers.recartoonx.experiments import Study, truth, truth_masks
from helpers.profiles import TruthMethod, TruthSettings, load_profile
from helpers.reporting.committed import evidence_table
from helpers.reporting.ledger.entries import claims_of_figure
from helpers.reporting.ledger.outcomes import claim_p_value, judge

FIGURE, COUNT = "recartoonx-truth", 4
OPTIONS = {
    "grad-cam": {},
    "occlusion": {"window": 0.5, "stride": 0.5},
    "rise": {"masks": 16, "score": "softmax"},
    "cartoonx": {"steps": 2},
    "pixel-rde": {"steps": 2},
    "rollout": {},
    "rollout-published": {},
}


@pytest.fixture(scope="module")
def regions():
    """Scenes as photographs: the class of the first object, with some void pixels; one scene with two classes."""
    scenes = make_scenes(COUNT, size=128, seed=77, objects=(2, 2))
    rows = [0, 0, 1, 2, 3]
    classes = [int(scenes.object_classes[row, index]) for row, index in zip(rows, (0, 1, 0, 0, 0), strict=True)]
    inside = torch.stack(
        [
            (scenes.object_masks[row] & (scenes.object_classes[row] == kind)[:, None, None]).any(0)
            for row, kind in zip(rows, classes, strict=True)
        ]
    )
    counted = torch.ones_like(inside)
    counted[:, :9] = False
    return ClassRegions(
        names=tuple(f"scene-{row}" for row in rows),
        classes=tuple(str(kind) for kind in classes),
        kinds=tuple((kind, (kind + 1) % 3) for kind in classes),
        pixels=(scenes.images[rows] * 255).round().byte(),
        regions=inside,
        counted=counted,
    )


@pytest.fixture(scope="module")
def study(regions, tmp_path_factory):
    profile = load_profile("quick")
    methods = {name: TruthMethod(options=options) for name, options in OPTIONS.items()}
    methods["rise"] = TruthMethod(options=OPTIONS["rise"], photographs={"voc-animals": 2})
    settings = TruthSettings(sources=("voc-animals", "imagenet-val"), methods=methods)
    images = profile.images.model_copy(update={"count": 3})
    changed = profile.model_copy(update={"truth": settings, "images": images, "batch_size": 2})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(truth, "_regions", lambda source, size: regions)
        yield Study(changed, root=tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def table(study):
    return truth.truth_table(study)


class TestTable:
    def test_it_has_a_row_for_each_pair_and_method(self, table, regions):
        every = table[table["source"] == "imagenet-val"]
        assert set(every["method"]) == {*OPTIONS, *truth_masks.CONTROLS} - {"rise"}, "RISE names VOC only"
        assert every.groupby("method").size().eq(len(regions)).all()
        rise = table[table["method"] == "rise"]
        assert rise["image"].nunique() == 2
        assert set(rise["source"]) == {"voc-animals"}

    def test_the_target_is_the_most_probable_kind(self, table, study, regions):
        with torch.no_grad():
            probabilities = study.classifier(regions.images()).softmax(1)
        rows = table[(table["method"] == "grad-cam") & (table["source"] == "voc-animals")].set_index(["image", "class"])
        for index, kinds in enumerate(regions.kinds):
            row = rows.loc[(regions.names[index], regions.classes[index])]
            best = max(kinds, key=lambda kind: float(probabilities[index, kind]))
            assert (row["target"], row["prediction"]) == (best, int(probabilities[index].argmax()))
            assert row["correct"] == (int(probabilities[index].argmax()) in kinds)
            assert row["probability"] == pytest.approx(float(probabilities[index, best]), abs=2e-5)

    @pytest.mark.parametrize("name", ["grad-cam", "cartoonx", "rollout-published"])
    def test_scores_are_those_of_loops_over_the_methods_own_masks(self, table, study, regions, name):
        rows = table[(table["method"] == name) & (table["source"] == "imagenet-val")].set_index(["image", "class"])
        explain, _ = truth_masks._method(study, name)
        for index in range(len(regions)):
            row = rows.loc[(regions.names[index], regions.classes[index])]
            mask = explain(regions.images()[index : index + 1], torch.tensor([row["target"]])).mask[0, 0].numpy()
            inside, counted = regions.regions[index].numpy(), regions.counted[index].numpy()
            values, hits = mask[counted].astype(float), inside[counted]
            assert row["share"] == pytest.approx(hits.mean(), abs=1e-5)
            if values.sum() > 0:
                assert row["mass"] == pytest.approx(values[hits].sum() / values.sum() - hits.mean(), abs=2e-3)
            order = np.argsort(-values, kind="stable")
            bounds = [hits[order[: hits.sum()]].mean()]
            if len(np.unique(values)) == len(values):
                assert row["rank"] == pytest.approx(bounds[0], abs=5e-3)
            assert 0 <= row["pointing"] <= 1

    def test_a_second_run_reads_what_the_first_has_stored(self, study, table, monkeypatch):
        def refuse(*_: object) -> None:
            raise AssertionError("a finished mask was computed again")

        for method in (truth_masks.GradCAM, truth_masks.RISE, truth_masks.AttentionRollout):
            monkeypatch.setattr(method, "explain", refuse)
        again = truth.truth_table(study)
        pd.testing.assert_frame_equal(again, table)

    def test_chance_and_controls(self, table):
        centre, random = (table[table["method"] == name] for name in ("centre", "random"))
        assert len(centre) == len(random) > 0
        assert (random["rank"] - random["share"]).abs().max() < 0.05, "16,000 pixels in random order"
        assert table["near"].ge(table["share"]).all()
        assert centre["seconds"].isna().all()

    def test_its_dependencies_name_every_method(self, study):
        inputs = truth.truth_inputs(study)
        assert inputs["methods"].keys() == OPTIONS.keys()
        assert len({str(parts) for parts in inputs["methods"].values()}) == len(OPTIONS)

    def test_curves_are_those_of_direct_calls(self, study, regions):
        curves = truth.curve_table(study)
        assert set(curves["images"]) == {"seen", "unseen"}
        rows = curves[(curves["images"] == "unseen") & (curves["method"] == "centre") & (curves["image"] == "scene-1")]
        index = regions.names.index("scene-1")
        image = regions.images()[index : index + 1]
        asked = truth_masks.ask(study.classifier, regions.pixels[index : index + 1], regions.kinds[index : index + 1])
        hidden = truth.gaussian_blur(image, study.profile.truth.curves.blur * 128).clamp(0, 1)
        maps = truth_masks.control_maps("centre", regions.pixels[index : index + 1], 0)[:, None]
        expected = pixel_curve(
            study.classifier, image, maps, asked.targets, hidden, direction="insert", steps=5, score="softmax"
        )
        assert rows["probability"].tolist() == pytest.approx(expected[0].tolist(), abs=1e-4)


class TestExplainedRows:
    NAMES, CORRECT = ["a", "b", "b", "c", "d", "e"], [False, True, False, True, False, True]

    @pytest.mark.parametrize(
        ("count", "right", "rows"),
        [
            (None, 0, [0, 1, 2, 3, 4, 5]),
            (0, 0, []),
            (2, 0, [0, 1, 2]),
            (0, 2, [1, 3]),  # of a photograph with two classes only the one that is predicted
            (1, 2, [0, 1, 3]),
            (2, 3, [0, 1, 2, 3, 5]),
            (0, 9, [1, 3, 5]),
        ],
    )
    def test_some_of_all_and_some_right_ones(self, count, right, rows):
        assert truth.explained_rows(self.NAMES, self.CORRECT, count, right) == rows


class TestControls:
    def test_the_centre_is_brightest_in_the_middle_whatever_the_image(self):
        maps = truth_masks.control_maps("centre", torch.zeros(2, 3, 8, 8, dtype=torch.uint8), 0)
        assert torch.equal(maps[0], maps[1])
        assert torch.equal(maps[0], maps[0].flip(0, 1))
        assert float(maps[0, 3, 3]) == float(maps.max())

    def test_edges_are_where_the_brightness_changes(self):
        pixels = torch.zeros(1, 3, 50, 50, dtype=torch.uint8)
        pixels[..., 25:] = 200
        edges = truth_masks.control_maps("edges", pixels, 0)[0]
        assert 23 <= int(edges.sum(0).argmax()) <= 26
        assert float(edges[:, :10].max()) < 0.01 * float(edges.max())

    def test_brightness_is_the_mean_of_the_channels(self):
        pixels = torch.randint(0, 256, (1, 3, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(
            truth_masks.control_maps("brightness", pixels, 0)[0], pixels[0].float().mean(0) / 255
        )


@pytest.fixture(scope="module")
def invented():
    """A table with known effects: Grad-CAM is 0.2 better than the centre, occlusion nothing, wrong ones the reverse."""
    rng, rows = np.random.default_rng(0), []
    for image, correct in itertools.product(range(30), (True, False)):
        base, share = rng.normal(0.4, 0.1), rng.uniform(0.02, 0.5)
        for kind in ("cat", "dog")[: 1 + (image % 5 == 0)]:
            for method, gain in {"grad-cam": 0.2, "occlusion": 0.0, "rollout": 0.1, "centre": 0.0}.items():
                value = base + (gain if correct else -gain) + rng.normal(0, 0.02)
                row = {"source": "voc-animals", "image": f"{image}-{correct}", "class": kind, "method": method}
                row |= {
                    "correct": correct,
                    "silent": False,
                    "share": share,
                    "near": share + 0.1,
                    "pointing": float(value > 0.5),
                }
                rows.append({**row, "mass": value - 0.3, "rank": value, "seconds": 1.0})
    table = pd.DataFrame(rows)
    others = [table[table["method"] == "centre"].assign(method=name) for name in ("edges", "brightness", "random")]
    return pd.concat([table, *others], ignore_index=True)


class TestEffects:
    def test_a_difference_is_the_mean_over_photographs_of_means_over_classes(self, invented):
        effect = measures.paired_difference(invented, "grad-cam", "centre", "rank")
        by_photograph = []
        for _, rows in invented[invented["correct"]].groupby("image"):
            values = rows.set_index(["class", "method"])["rank"].unstack()
            by_photograph.append((values["grad-cam"] - values["centre"]).mean())
        ends = stats.ttest_1samp(by_photograph, 0).confidence_interval()
        assert (effect.count, effect.value) == (30, pytest.approx(np.mean(by_photograph)))
        assert (effect.low, effect.high) == pytest.approx((ends.low, ends.high))
        assert measures.paired_difference(invented, "grad-cam", "centre", "rank", correct=False).side_of() == -1
        assert measures.paired_difference(invented, "grad-cam", "centre", "rank", correct=None).count == 60

    def test_the_tables_name_what_beats_the_centre(self, invented):
        found = page.against_controls(invented).set_index("method")["beats the centre blob"]
        assert found.to_dict() == {"Grad-CAM": "yes", "Occlusion": "undecided", "Rollout": "yes"}
        wrong = page.against_controls(invented, correct=False).set_index("method")["beats the centre blob"]
        assert wrong["Grad-CAM"] == "no, it is worse"

    def test_pairs_of_methods_are_decided_both_ways(self, invented):
        pairs = page.between_methods(invented, correct=True).set_index(["first", "second"])["better"]
        assert pairs["Grad-CAM", "Occlusion"] == "Grad-CAM"
        assert pairs["Occlusion", "Rollout"] == "Rollout"

    def test_each_photograph_is_of_one_size_and_one_class(self, invented):
        sizes = [int(name.rpartition("(")[2][:-1]) for name in page.by_group(invented, "size").columns[1:]]
        assert sum(sizes) == 30
        assert len(page.by_group(invented, "class").columns) == 3

    def test_overall_has_a_row_for_each_method_with_scores(self, invented):
        rows = page.overall(invented).set_index("method")
        assert rows.loc["Grad-CAM", "photographs"] == 30
        assert rows.loc["Grad-CAM", "silent"] == "0 %"

    def test_drawings_show_right_and_wrong_predictions(self, invented):
        figure = page.draw_scores(invented)
        assert len(figure.axes) == 3
        assert len(figure.axes[0].containers) == 2 * invented["method"].nunique()

    def test_seen_and_unseen_are_two_groups(self):
        rng, rows = np.random.default_rng(1), []
        for images, gain in {"seen": 0.3, "unseen": 0.1}.items():
            for image in range(20):
                for method in ("grad-cam", "random"):
                    for fraction in (0.0, 0.5, 1.0):
                        middle = (gain + rng.normal(0, 0.01)) * (method == "grad-cam") * (fraction == 0.5)
                        rows.append((images, f"{images}{image}", method, fraction, 0.2 + middle))
        curves = pd.DataFrame(rows, columns=["images", "image", "method", "fraction", "probability"])
        effect = measures.seen_against_unseen(curves, "grad-cam")
        assert effect.value == pytest.approx(0.2 / 2, abs=0.01), "a peak of 0.2 at one half is half as large an area"
        assert effect.side_of() == 1


class TestClaims:
    """The outcomes on the page, recomputed from the CSV."""

    @pytest.fixture
    def committed(self):
        table = evidence_table(page.PROFILE, "truth")
        if table is None:
            pytest.skip(f"results/{page.PROFILE}/truth.csv has not been made yet")
        return table

    def test_effects_and_outcomes_follow_from_the_rows(self, committed):
        pairs = claims_of_figure(FIGURE)
        verdicts = {verdict.claim.id: verdict for verdict in judge(pairs)}
        p_values = {}
        for _, claim in pairs:
            if claim.tables != ("truth",) or not verdicts[claim.id].results:
                continue
            method, other, score = (claim.arguments[name] for name in ("method", "other", "score"))
            values: dict[str, list[float]] = {}
            lookup = {
                (r.image, r["class"], r.method): r
                for _, r in committed[committed["source"] == "voc-animals"].iterrows()
            }
            for (image, kind, name), row in lookup.items():
                if name == method and row["correct"] and (image, kind, other) in lookup:
                    values.setdefault(image, []).append(row[score] - lookup[image, kind, other][score])
            known = [np.nanmean(v) for v in values.values() if not np.isnan(v).all()]
            effect = verdicts[claim.id].results[0].effect
            assert (effect.count, effect.value) == (len(known), pytest.approx(np.mean(known)))
            if len(known) > 12:
                assert claim_p_value(claim, effect) == pytest.approx(
                    stats.ttest_1samp(known, 0).pvalue, rel=1e-6, abs=1e-9
                )
            p_values[claim.id] = claim_p_value(claim, effect)
        family = {name: p for name, p in p_values.items() if not np.isnan(p)}
        for name, corrected in zip(family, holm(list(family.values())), strict=True):
            result = verdicts[name].results[0]
            assert result.p_value == pytest.approx(corrected)
            side = 0 if corrected > 0.05 else np.sign(result.effect.value)
            expected = {1: "as claimed", -1: "the opposite", 0: "undecided"}[int(side)]
            assert result.finding == (expected if result.effect.count >= MINIMUM_UNITS else "too few to tell")

    def test_the_sentences_of_the_page_hold(self, committed):
        rows = committed[(committed["source"] == "voc-animals")]
        parts = {"small": rows[rows["share"] < 0.1], "large": rows[rows["share"] >= 0.3]}
        small, large = (measures.paired_difference(part, "grad-cam", "centre", "rank") for part in parts.values())
        assert small.side_of() == 1
        assert large.side_of() == 0
        numbers = page.findings(committed)
        assert float(numbers["chance-pointing"]) < 0.5 < float(numbers["centre-pointing"])
        assert float(numbers["centre-pointing"]) < float(numbers["grad-cam-pointing"])
        silent = rows[~rows["correct"] & rows["method"].isin(["cartoonx", "pixel-rde"])]
        assert (silent["rank"] - silent["share"]).abs().max() < 1e-4, "they keep nothing"
        assert int(numbers["slow"]) < MINIMUM_UNITS

    def test_the_table_is_consistent(self, committed):
        assert not committed.duplicated(["source", "image", "class", "method"]).any()
        assert committed[["pointing", "rank", "share", "near"]].stack().between(0, 1).all()
        assert committed["mass"].between(-1, 1).all()
        random = committed[committed["method"] == "random"]
        assert (random["rank"] - random["share"]).mean() == pytest.approx(0, abs=0.005)

    @pytest.mark.skipif(not os.environ.get("XAIBOOK_DATA"), reason="needs the photographs of XAIBOOK_DATA")
    def test_its_shares_are_those_of_the_photographs(self, committed):
        boxes = committed[(committed["source"] == "imagenet-val") & (committed["method"] == "centre")]
        regions = load_class_regions("imagenet-val", size=224)
        shares = dict(zip(regions.names, regions.regions.float().mean((1, 2)).tolist(), strict=True))
        assert {row.image: row.share for row in boxes.itertuples()} == pytest.approx(shares, abs=1e-5)


def test_the_alternative_texts_hold_for_the_stored_table():
    """The texts of the two drawings of scores name the methods that beat the centre blob, and all controls."""
    found = {}
    page.TruthPage("recartoonx-truth", "quick").run("truth").show(lambda table: found.setdefault("table", table).head())

    def better(control: str | None = None, **options) -> set[str]:
        rows = page.against_controls(found["table"], **options).set_index("method")
        if control is None:
            return set(rows.index[rows["beats the centre blob"] == "yes"])
        words = rows[f"− {control}"]
        return set(words.index[words.str.endswith("*") & ~words.str.startswith("−")])

    named = {"Grad-CAM", "Rollout", "Rollout, as published"}
    assert better() == named
    for control in page.CONTROLS.values():
        assert better(control, source="coco-tiny", correct=None) == named
    assert "Grad-CAM" not in better(source="imagenet-val", correct=None)
    scores = page.overall(found["table"]).set_index("method")["rank accuracy above chance"]
    means = {name: float(scores[name].split()[0].replace("−", "-")) for name in page.CONTROLS.values()}
    assert max(means, key=means.get) == "centre blob"
