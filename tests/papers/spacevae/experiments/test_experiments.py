"""The tables about SpaCE-VAE, on a few scenes with random networks: what they hold, what is not done twice."""

import numpy as np
import pandas as pd
import pytest
import torch
from miniature_cifar import write_lossless, write_png
from space_vae_miniature import MODELS, THRESHOLDS, miniature_profile, write_network, write_weights

from helpers.__main__ import main
from helpers.methods.baselines.attribution_methods import attribution_method, threshold_images, to_unit_range
from helpers.metrics.sparsity import summarise
from helpers.papers.spacevae.experiments import (
    COMPETITORS,
    SpaceStudy,
    attributions,
    attributions_at,
    competitor_images,
    competitors,
    keep_above,
    published_table_one,
    seconds_per_image,
)
from helpers.papers.spacevae.experiments.competitors import attribution_store
from helpers.papers.spacevae.experiments.rows import METRICS, interval_columns
from helpers.papers.spacevae.experiments.sparsity import chosen_thresholds
from helpers.papers.spacevae.experiments.study import CLASSIFIER
from helpers.profiles.space_vae_sections import LabelledData
from helpers.results import TABLES, read_provenance


def possible_tables(study):
    """The tables that `python -m helpers table all` makes of a study's profile, without "space-vae-"."""
    tables = [table for table in TABLES.values() if table.paper == "spacevae" and not table.on_request]
    return [table.name.removeprefix("space-vae-") for table in tables if study.missing_requirement(table) is None]


@pytest.fixture(scope="module")
def profile():
    return miniature_profile()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def study(profile, root):
    return write_weights(SpaceStudy(profile, root=root, models=root / "models"))


@pytest.fixture(scope="module")
def tables(study):
    return {name: study.table(f"space-vae-{name}") for name in possible_tables(study)}


class TestStudy:
    def test_weights_for_scenes_ship_and_others_are_results(self, study, root):
        assert study.weights_file("beta-10") == root / "models" / "mini-beta-10.safetensors"
        assert study.weights_file(CLASSIFIER) == root / "models" / "mini.safetensors"
        photographs = SpaceStudy("study", root=root)
        assert photographs.weights_file("beta-1") == root / "study" / "work" / "models" / "space-vae-beta-1.safetensors"

    def test_training_images_may_come_from_another_edition(self, tmp_path, monkeypatch):
        write_png(write_lossless(tmp_path, train=10), {"train": 200})
        monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path))
        study = SpaceStudy("cifar10-lossless")
        assert [len(study.split(split)) for split in ("train", "validation", "test")] == [170, 30, 40]
        with pytest.raises(ValueError, match="only editions of CIFAR-10 can be combined"):
            LabelledData(source="cifar10", training_source="scenes")

    def test_all_weights_of_the_quick_profile_ship(self):
        quick = SpaceStudy("quick")
        assert all(quick.weights_file(name).is_file() for name in (CLASSIFIER, *quick.settings.models))

    def test_all_networks_are_there(self, study):
        assert study.trained == tuple(MODELS)

    def test_a_network_is_a_method_for_the_studys_classifier(self, study):
        assert study.model("beta-10").classifier is study.classifier
        assert study.model("vq-vae").name == "vq-vae"
        assert study.model("any-beta", 30).beta == 30

    def test_what_is_not_trained_is_said_with_the_command(self, profile, tmp_path):
        empty = SpaceStudy(profile, root=tmp_path, models=tmp_path)
        assert empty.trained == ()
        with pytest.raises(FileNotFoundError, match=r"train --profile mini --only classifier"):
            _ = empty.classifier
        with pytest.raises(FileNotFoundError, match=r"train --profile mini --only beta-1\b"):
            empty.model("beta-1")

    def test_an_unknown_training_and_a_profile_without_the_section_are_named(self, study, profile):
        with pytest.raises(ValueError, match="no training 'beta-7', only vq-vae"):
            study.model("beta-7")
        with pytest.raises(ValueError, match="no section `space_vae`"):
            SpaceStudy(profile.model_copy(update={"space_vae": None}))
        with pytest.raises(ValueError, match="space_vae"):
            SpaceStudy("scenes")

    def test_keeping_all_keeps_everything_and_keeping_nothing_nothing(self, study):
        whole = summarise(study.score(study.test, lambda part, _: part))
        nothing = summarise(study.score(study.test, lambda part, _: torch.zeros_like(part)))
        assert (whole["l0"], whole["l1"], whole["agreement"]) == (0, 0, 1)
        assert (nothing["l0"], nothing["l1"]) == (100, 100)

    def test_scores_of_batches_are_those_of_all_images(self, study, monkeypatch):
        once = study.score_model("beta-1", study.test)
        monkeypatch.setattr("helpers.papers.spacevae.experiments.study._AT_ONCE", 7)
        for name, values in study.score_model("beta-1", study.test).columns().items():
            torch.testing.assert_close(values, once.columns()[name], rtol=1e-4, atol=1e-4)

    def test_the_classes_of_the_originals_are_asked_once(self, study, profile, root):
        study, seen = SpaceStudy(profile, root=root, models=study.models), []
        study.classifier.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
        first = study.score(study.test, lambda part, _: part * 0.5)
        again = study.score(study.test, lambda part, _: part * 0.5)
        assert len(seen) == 3  # the originals and the kept images, then the kept images
        assert torch.equal(seen[1], seen[2])
        with torch.no_grad():
            right = study.classifier(study.test.floats()).argmax(1)
        assert torch.equal(first.predicted, right)
        assert torch.equal(again.predicted, right)

    def test_kept_images_are_the_methods(self, study):
        kept = study.kept_by("any-beta", study.test, 3)
        assert torch.equal(kept, study.model("any-beta", 3).explain(study.test.floats()).kept)


class TestAttributions:
    def test_they_are_the_methods_in_the_unit_range(self, study):
        images = competitor_images(study, "test")
        assert len(images) == 7
        for name in COMPETITORS:
            options = {"steps": 3} if name == "integrated-gradients" else {}
            raw = attribution_method(study.classifier, name, **options).attribute(images.floats())
            found = attributions(study, name, images)
            torch.testing.assert_close(found, to_unit_range(raw), atol=2e-3, rtol=0)  # stored in half precision
            assert float(found.abs().amax((1, 2, 3)).min()) == 1

    def test_a_stopped_run_computes_only_the_chunks_that_are_missing(self, profile, root, tmp_path, monkeypatch):
        monkeypatch.setattr(competitors, "CHUNK", 3)
        study = SpaceStudy(profile, root=tmp_path, models=root / "models")
        images = competitor_images(study, "test")
        whole = attributions(study, "deeplift", images)
        seconds = seconds_per_image(study, "deeplift", images)
        folder = attribution_store(study, "deeplift").folder
        files = sorted(folder.glob("*.safetensors"))
        assert len(files) == 3
        files[1].unlink()
        times = {file: file.stat().st_mtime_ns for file in sorted(folder.iterdir())}
        again = attributions(SpaceStudy(profile, root=tmp_path, models=root / "models"), "deeplift", images)
        torch.testing.assert_close(again, whole)
        assert {file: file.stat().st_mtime_ns for file in times} == times
        assert seconds > 0

    def test_finished_ones_are_not_computed_again_from_either_end(self, study, monkeypatch):
        images = competitor_images(study, "validation")
        first = attributions(study, "feature-ablation", images)
        monkeypatch.setattr(competitors, "attribution_method", None)
        assert torch.equal(attributions(study, "feature-ablation", images, backwards=True), first)

    def test_one_channel_is_stored_where_whole_pixels_were_removed(self, study):
        images = competitor_images(study, "test")
        for name, channels in (("feature-ablation", 1), ("deeplift", 3)):
            attributions(study, name, images)
            store = attribution_store(study, name)
            stored = store.load(competitors._item(images)).tensors["attributions"]
            assert (stored.shape[1], stored.dtype) == (channels, torch.float16)

    def test_deeplift_as_published_is_captums(self, study):
        images = competitor_images(study, "test")
        raw = attribution_method(study.classifier, "deeplift", variant="published").attribute(images.floats())
        found = attributions(study, "deeplift-published", images)
        torch.testing.assert_close(found, to_unit_range(raw), atol=2e-3, rtol=0)
        assert not torch.allclose(found, attributions(study, "deeplift", images), atol=0.1)

    def test_another_classifier_and_other_options_have_their_own_store(self, study, profile, root):
        evaluation = profile.space_vae.evaluation.model_copy(update={"integration_steps": 4})
        section = profile.space_vae.model_copy(update={"evaluation": evaluation})
        other = SpaceStudy(profile.model_copy(update={"space_vae": section}), root=root, models=root / "models")
        keys = [attribution_store(each, "integrated-gradients").key for each in (study, other)]
        assert keys[0] != keys[1]
        assert attribution_store(study, "deeplift").key == attribution_store(other, "deeplift").key

    def test_single_images_are_found_inside_and_outside_the_competitors_images(self, study):
        found = attributions_at(study, "deeplift", [5, 12])
        raw = attribution_method(study.classifier, "deeplift").attribute(study.test.floats()[[5, 12]])
        torch.testing.assert_close(found, to_unit_range(raw), atol=2e-3, rtol=0)

    def test_keeping_above_a_threshold_is_the_papers_rule(self, study):
        images = competitor_images(study, "test")
        found = attributions(study, "deeplift", images)
        rows = slice(2, 5)
        part = images.floats()[rows]
        assert torch.equal(keep_above(found, -0.25)(part, rows), threshold_images(part, found[rows], -0.25))
        assert torch.equal(keep_above(found, -1)(part, rows), part)

    def test_unknown_names_are_named(self, study):
        with pytest.raises(ValueError, match="no competitor 'lime'"):
            attributions(study, "lime", study.test)
        with pytest.raises(ValueError, match="split='train'"):
            competitor_images(study, "train")


class TestSparsity:
    def test_every_method_at_every_setting_on_both_splits(self, tables):
        counts = tables["sparsity"].groupby(["split", "method"]).size()
        for split in ("test", "validation"):
            assert counts[split]["original"] == counts[split]["vq-vae"] == 1
            assert counts[split]["space-vae"] == len(MODELS) - 3 + 3  # the conditioned one at three betas
            assert all(counts[split][name] == len(THRESHOLDS) for name in (*COMPETITORS, "deeplift-published"))

    def test_images_are_as_many_as_the_profile_says(self, tables):
        images = tables["sparsity"].groupby(["split", "method"])["images"].unique()
        assert images["test"]["space-vae"].tolist() == [30]
        assert images["test"]["deeplift"].tolist() == [7]
        assert images["validation"]["deeplift"].tolist() == images["validation"]["original"].tolist() == [5]

    def test_all_is_kept_at_the_lowest_threshold_and_less_and_less_above(self, tables):
        for name in COMPETITORS:
            table = tables["sparsity"]
            rows = table[(table["split"] == "test") & (table["method"] == name)].sort_values("threshold")
            assert rows["l0"].is_monotonic_increasing
            assert rows["l1"].is_monotonic_increasing
            assert rows["l0"].iloc[0] == 0
            assert rows["agreement"].iloc[0] == 1
            assert rows["l0"].iloc[-1] > 90  # only the largest attribution of each image is left

    def test_a_row_is_the_mean_over_images(self, tables, study):
        images = competitor_images(study, "test")
        kept = threshold_images(images.floats(), attributions(study, "deeplift", images), 0.0)
        row = tables["sparsity"].query("split == 'test' and method == 'deeplift' and threshold == 0").iloc[0]
        with torch.no_grad():
            before, after = study.classifier(images.floats()).argmax(1), study.classifier(kept).softmax(1)
        assert row["agreement"] == pytest.approx((after.argmax(1) == before).float().mean().item())
        assert row["accuracy"] == pytest.approx((after.argmax(1) == images.labels).float().mean().item())
        assert row["confidence"] == pytest.approx(after[torch.arange(7), before].mean().item(), abs=1e-5)
        assert row["l1"] == pytest.approx(100 * (1 - kept.sum() / images.floats().sum()).item(), abs=1e-3)

    def test_intervals_hold_their_means(self, tables):
        for table in tables.values():
            for name in METRICS if "accuracy" in table else ():
                assert (table[f"{name}_low"] <= table[name] + 1e-9).all()
                assert (table[name] <= table[f"{name}_high"] + 1e-9).all()

    def test_betas_stand_beside_networks_that_know_them(self, tables):
        rows = tables["sparsity"].query("split == 'test'").set_index("training")
        assert np.isnan(rows.loc["vq-vae", "beta"])
        assert rows.loc["beta-100", "beta"] == 100
        assert rows.loc["any-beta", "beta"].tolist() == [1, 10, 100]

    def test_chosen_rows_are_those_of_the_rules(self, tables):
        table = tables["sparsity"]
        assert (table.loc[table["split"] == "validation", "chosen"].fillna("") == "").all()
        for name in COMPETITORS:
            rows = table[(table["split"] == "test") & (table["method"] == name)]
            for rule, threshold in chosen_thresholds(table, name).items():
                chosen = rows[rows["chosen"].fillna("").str.split().map(lambda words, rule=rule: rule in words)]
                assert chosen["threshold"].tolist() == [threshold]

    def test_rules_on_numbers_that_are_known(self):
        thresholds = [-0.3, -0.2, -0.1, 0.0, 0.1]
        rows = {
            "test": ([2, 5, 8, 40, 80], [0.9, 0.8, 0.7, 0.6, 0.1]),
            "validation": ([3, 6, 11, 9.5, 9.9], [0.5, 0.6, 0.9, 0.7, 0.2]),
        }
        table = pd.DataFrame(
            {"split": split, "method": "deeplift", "threshold": thresholds, "l0": l0, "confidence": confidence}
            for split, (l0, confidence) in rows.items()
        ).explode(["threshold", "l0", "confidence"])
        # the paper has no thresholds above 0, whatever their sparsity
        assert chosen_thresholds(table, "deeplift") == {"published": -0.1, "validation": 0.0, "confident": -0.1}

    def test_a_rule_that_nothing_satisfies_chooses_nothing(self):
        rows = {"method": "deeplift", "threshold": [0.0, 0.0], "l0": [50.0, 50.0], "confidence": [0.5, 0.5]}
        table = pd.DataFrame({**rows, "split": ["test", "validation"]})
        assert chosen_thresholds(table, "deeplift") == {"confident": 0.0}


class TestCatalogue:
    def test_a_table_is_read_where_it_is_up_to_date(self, tables, profile, root, monkeypatch):
        again = SpaceStudy(profile, root=root, models=root / "models")
        monkeypatch.setattr(SpaceStudy, "write", None)
        for name, table in tables.items():
            pd.testing.assert_frame_equal(again.table(f"space-vae-{name}"), table)

    def test_a_newly_trained_network_is_in_the_next_table(self, profile, root, tmp_path):
        study = write_weights(SpaceStudy(profile, root=tmp_path, models=tmp_path), ("any-beta",))
        assert set(study.table("space-vae-conditioned")["training"]) == {"any-beta"}
        write_network(study, "beta-10")
        table = SpaceStudy(profile, root=tmp_path, models=tmp_path).table("space-vae-conditioned")
        assert set(table["training"]) == {"any-beta", "beta-10"}

    def test_where_no_weights_are_a_stored_table_is_taken_as_it_is(self, tables, profile, root, tmp_path):
        elsewhere = SpaceStudy(profile, root=root, models=tmp_path)
        pd.testing.assert_frame_equal(elsewhere.table("space-vae-sparsity"), tables["sparsity"])
        with pytest.raises(FileNotFoundError, match="train them"):
            SpaceStudy(profile, root=tmp_path, models=tmp_path).table("space-vae-sparsity")

    def test_its_provenance_says_what_it_is_of(self, tables, study, root):
        about = read_provenance(study.profile, "space-vae-sparsity", root=root)
        assert about["source"] == "scenes of 32 px"
        assert set(about["depends"]["weights"]) == set(MODELS)
        assert about["classifier"] == study.classifier.digest
        assert about["wall_seconds"] > 0

    def test_tables_about_scenes_say_which_profile_has_them(self, root):
        photographs = SpaceStudy("study", root=root)
        for name in ("reference", "extensions", "cross-method", "transfer"):
            assert name not in possible_tables(photographs)
            with pytest.raises(ValueError, match=f"no table 'space-vae-{name}'.*quick"):
                photographs.table(f"space-vae-{name}")

    def test_an_unknown_table_is_named(self, study):
        with pytest.raises(ValueError, match="no table 'space-vae-tab9'"):
            study.table("space-vae-tab9")

    def test_all_leaves_out_what_trains_networks_of_its_own(self, study):
        known = {name.removeprefix("space-vae-") for name, table in TABLES.items() if table.paper == "spacevae"}
        assert known - set(possible_tables(study)) == {"alpha-calibration"}
        assert possible_tables(SpaceStudy("study")) == [
            "sparsity",
            "examples",
            "costs",
            "bottleneck",
        ]  # no network for any beta
        assert "conditioned" in possible_tables(SpaceStudy("cifar10"))

    def test_the_command_makes_a_table_and_ends_errors_in_a_message(
        self, tables, study, profile, root, monkeypatch, capsys
    ):
        monkeypatch.setattr("helpers.results.study.load_profile", lambda name, needs: profile)
        main(["table", "space-vae-bottleneck", "--results", str(root), "--models", str(root / "models")])
        assert "space-vae-bottleneck.csv: 3 rows" in capsys.readouterr().out
        monkeypatch.setattr(competitors, "SpaceStudy", lambda *_, **__: study)
        main(["attributions", "--method", "deeplift", "--split", "test"])
        assert "deeplift, 7 test images" in capsys.readouterr().out
        monkeypatch.undo()
        with pytest.raises(SystemExit, match=r"error: .*`space_vae`"):
            main(["table", "space-vae-bottleneck", "--profile", "gallery"])

    def test_another_recipe_of_a_training_makes_a_table_anew(self, tables, study, profile, root):
        models = {**MODELS, "beta-10": {"epochs": 3}}
        section = profile.space_vae.model_copy(update={"models": models})
        other = SpaceStudy(profile.model_copy(update={"space_vae": section}), root=root, models=root / "models")
        assert study.freshness("space-vae-bottleneck").state == "fresh"
        state = other.freshness("space-vae-bottleneck")
        assert (state.state, "beta-10.epochs" in " ".join(state.reasons)) == ("stale", True)


class TestNumbers:
    def test_a_ratio_of_means_with_its_interval(self):
        over, under = torch.tensor([1.0, 2.0, 3.0, 6.0]), torch.tensor([2.0, 4.0, 6.0, 12.0])
        row = interval_columns("share", over, under)
        assert row["share"] == row["share_low"] == row["share_high"] == 0.5  # every resample has the same ratio
        plain = interval_columns("mean", over)
        assert plain["mean"] == 3
        assert 1 <= plain["mean_low"] < 3 < plain["mean_high"] <= 6

    def test_the_interval_of_a_mean_is_that_of_the_normal_law(self):
        values = torch.randn(4000, generator=torch.Generator().manual_seed(1))
        row = interval_columns("mean", values, resamples=2000)
        half = 1.96 * values.std().item() / 4000**0.5
        assert row["mean_high"] - row["mean_low"] == pytest.approx(2 * half, rel=0.1)

    def test_the_published_table_is_whole(self):
        table = published_table_one().set_index(["method", "beta"])
        assert len(table) == 8
        assert table.loc[("space-vae", 10.0), "l1"] == 53.56
        chosen = published_table_one().query("method in @COMPETITORS")
        assert (chosen["l0"] < 10).all()  # the paper's rule
