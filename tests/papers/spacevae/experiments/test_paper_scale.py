"""SpaCE-VAE's whole paper from end to end, on a miniature CIFAR-10 in the original format."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
import yaml
from miniature_cifar import write_cifar10

from helpers.__main__ import main
from helpers.classifiers import load_classifier
from helpers.data.labelled import load_labelled
from helpers.methods.space_vae import read_space_vae
from helpers.methods.space_vae.training import SpaceVAEModule
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.profiles import PROFILES_FOLDER, load_profile
from helpers.training.options import LabelledOptions

TRAINED = ("vq-vae", "beta-1", "beta-10", "beta-100", "published-network", "any-beta", "grid-16")


def write_profile(folder):
    """A copy of profiles/cifar10.yaml with values that a core can afford in seconds; nothing is left out but size."""
    content = yaml.safe_load((PROFILES_FOLDER / "cifar10.yaml").read_text())
    content["device"], content["batch_size"] = "cpu", 64
    section = content["space_vae"]
    section["classifier"]["recipe"] |= {
        "width": 0.0625, "hidden": 12, "epochs": 12, "batch": 16, "learning_rate": 0.02, "dropout": 0.1
    }  # fmt: skip
    small = {"hidden": 8, "residual_hidden": 4, "embedding": 4, "codes": 16}
    section["training"] |= {"network": small, "epochs": 2, "patience": 1, "batch": 34}
    section["models"]["grid-16"]["network"]["hidden"] = 4
    section["evaluation"] = {"images": 40, "competitors": 6, "threshold_images": 4, "integration_steps": 3}
    section["calibration"] = {"alphas": [1, 50], "epochs": 1}
    path = folder / "cifar10.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder as XAIBOOK_DATA names it, with cifar10/cifar-10-batches-py."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        write_cifar10(folder / "cifar10", patch)
        patch.setenv("XAIBOOK_DATA", str(folder))
        yield folder


@pytest.fixture(scope="module")
def paper(data, tmp_path_factory):
    """Both commands of the paper, done: the profile, the results, and the arguments that they had."""
    folder = tmp_path_factory.mktemp("paper")
    profile, results = write_profile(folder), folder / "results"
    common = ["--profile", str(profile), "--results", str(results)]
    more = ["--device", "cpu", "--output", str(folder / "models")]
    main(["train", *common, *more])
    main(["table", "all", *common])
    return profile, results, common, more


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


# --- the commands -------------------------------------------------------------------------------------------------


def test_every_network_is_trained_for_the_classifier_and_says_so(paper):
    profile, results, _, _ = paper
    models = results / "cifar10" / "work" / "models"
    classifier = load_classifier(str(models / "space-vae-classifier.safetensors"))
    assert classifier.class_names[:2] == ("airplane", "automobile")
    settings = load_profile(profile, needs="space-vae").space_vae
    for name in TRAINED:
        network, about, _ = read_space_vae(models / f"space-vae-{name}.safetensors")
        assert network.options == settings.options(name).network
        assert about.loss == settings.options(name).loss
        assert (about.classifier_digest, about.source) == (classifier.digest, "CIFAR-10")
        pixels = load_labelled("cifar10", "train").floats().double()
        assert about.variance == pytest.approx(float(pixels.var(correction=0)))
    assert not (profile.parent / "models").exists()  # nothing of photographs ships with the book
    assert {path.stem for path in models.glob("*.md")} == {path.stem for path in models.glob("*.safetensors")}


def test_the_classifier_learned_its_recipe_and_is_as_good_as_the_table_says(paper):
    profile, results, _, _ = paper
    study = SpaceStudy(load_profile(profile, needs="space-vae"), root=results)
    test = load_labelled("cifar10", "test")
    right = (study.classifier(test.floats()).argmax(1) == test.labels).float().mean()
    assert right > 0.3  # chance is a tenth
    table = pd.read_csv(results / "cifar10" / "space-vae-sparsity.csv")
    original = table[(table["method"] == "original") & (table["split"] == "test")].iloc[0]
    assert original["accuracy"] == pytest.approx(float(right))
    assert original["agreement"] == 1
    assert original["l0"] == original["l1"] == 0


def test_all_tables_are_there_and_have_every_method(paper):
    _, results, _, _ = paper
    names = ["sparsity", "examples", "bottleneck", "conditioned"]
    assert {path.stem for path in results.rglob("*.csv")} == {f"space-vae-{name}" for name in (*names, "costs")}
    tables = {name: pd.read_csv(results / "cifar10" / f"space-vae-{name}.csv") for name in names}
    assert {
        "original", "vq-vae", "space-vae", "deeplift", "integrated-gradients", "feature-ablation"
    } <= set(tables["sparsity"]["method"])  # fmt: skip
    assert set(tables["sparsity"]["training"].dropna()) == set(TRAINED)
    thresholds = tables["sparsity"].groupby("method")["threshold"].nunique()
    assert thresholds["deeplift"] == thresholds["feature-ablation"] == 27  # the profile leaves them at their default
    assert set(tables["bottleneck"]["training"]) == {"beta-10", "grid-16"}
    assert set(tables["conditioned"]["training"]) == {"beta-1", "beta-10", "beta-100", "any-beta"}
    assert all(set(table["source"]) == {"CIFAR-10"} for table in tables.values())


def test_nothing_is_done_twice(paper, capsys):
    _, results, common, more = paper
    before = files(results)
    main(["train", *common, *more])
    main(["table", "all", *common])
    assert files(results) == before
    assert capsys.readouterr().out.count("already exists") == 1 + len(TRAINED)


def test_alpha_is_calibrated_when_asked_for(paper):
    _, results, common, _ = paper
    main(["table", "space-vae-alpha-calibration", *common])
    table = pd.read_csv(results / "cifar10" / "space-vae-alpha-calibration.csv")
    assert table["alpha"].tolist() == [1, 50]
    assert table["nearest"].sum() == 1


# --- the settings -------------------------------------------------------------------------------------------------


def test_the_profile_has_the_papers_settings():
    """SpaCE-VAE, section 4 and appendix, and the two published codes that it builds on."""
    settings = load_profile("cifar10", needs="space-vae").space_vae
    assert settings.data.model_dump(exclude={"seed"}, exclude_none=True) == {"source": "cifar10"}  # all images
    assert settings.classifier.recipe == LabelledOptions()  # whose own test has the published values
    for name, beta in (("beta-1", 1), ("beta-10", 10), ("beta-100", 100)):
        options = settings.options(name)
        assert (options.loss.beta, options.loss.commitment, options.network.codes) == (beta, 0.25, 512)
        assert (options.epochs, options.patience, options.learning_rate) == (200, 20, 3e-4)
        assert (options.batch, options.schedule, options.amsgrad, options.init_from) == (32, "constant", True, None)
        assert (options.loss.reference, options.loss.contrast, options.loss.smoothness) == ("black", 0, 0)
        assert options.network.bits == 576
    plain = settings.options("vq-vae").loss
    assert (plain.alpha, plain.beta) == (0, 0)
    assert set(settings.betas()) == {"beta-1", "beta-10", "beta-100"}
    assert settings.options("published-network").loss.commitment == 0.25 / 4  # of pixels from 0 to 1, not -1 to 1
    as_published = settings.options("published-network").network
    assert (as_published.shared_blocks, as_published.residual_layers, as_published.dead_below) == (True, 32, 0)
    assert (settings.evaluation.images, settings.evaluation.competitors) == (10_000, 10_000)
    assert {-0.9, -0.3, -0.2, -0.1, 0.0} <= set(settings.evaluation.thresholds)  # the paper's


# --- without the data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["empty folder", "no folder named"])
def test_missing_data_ends_the_commands_with_what_to_fetch(known, tmp_path, monkeypatch):
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path)) if known else monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    results = ["--results", str(tmp_path / "results")]
    with pytest.raises(SystemExit) as end:
        main(["train", "--profile", "cifar10", "--device", "cpu", *results])
    message = str(end.value)
    assert message.startswith("error: CIFAR-10 is ")
    assert "cifar-10-python.tar.gz (163 MB)" in message
    assert f"{tmp_path}/cifar10" in message or "$XAIBOOK_DATA/cifar10" in message
    assert not (tmp_path / "results").exists()


def test_tables_ask_for_the_training_that_is_missing(data, tmp_path):
    common = ["--profile", str(write_profile(tmp_path)), "--results", str(tmp_path / "results")]
    with pytest.raises(SystemExit, match=r"error: there (is|are) no .*helpers train --profile cifar10"):
        main(["table", "space-vae-sparsity", *common])


class Killed(Exception):
    """As if the process had ended here."""


def test_a_killed_command_goes_on_where_it_was(data, tmp_path):
    """The second training is interrupted: the first is not done again, the second is finished."""
    profile, results = write_profile(tmp_path), tmp_path / "results"
    common = ["--profile", str(profile), "--results", str(results), "--device", "cpu", "--only", "vq-vae"]
    step = SpaceVAEModule.training_step

    def stop(self, batch, index):
        if self.current_epoch == 1:
            raise Killed
        return step(self, batch, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpaceVAEModule, "training_step", stop)
        with pytest.raises(Killed):
            main(["train", *common])
    work = results / "cifar10" / "work"
    assert torch.load(work / "training-space-vae-vq-vae" / "last.ckpt", weights_only=True)["epoch"] == 0
    classifier = work / "models" / "space-vae-classifier.safetensors"
    before = classifier.stat().st_mtime_ns
    main(["train", *common])
    assert classifier.stat().st_mtime_ns == before
    assert torch.load(work / "training-space-vae-vq-vae" / "last.ckpt", weights_only=True)["epoch"] == 1
