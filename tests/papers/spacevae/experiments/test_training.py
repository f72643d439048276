"""The command that trains a profile's SpaCE-VAEs, on a few scenes: what it writes, and what it does not do twice."""

import re

import pytest
import torch
from space_vae_miniature import miniature_profile

from helpers.classifiers import load_classifier
from helpers.classifiers.sums import read_sums
from helpers.methods.space_vae import read_space_vae
from helpers.metrics.sparsity import summarise
from helpers.papers.spacevae.experiments import SpaceStudy, training
from helpers.papers.spacevae.experiments.cards import describe
from helpers.papers.spacevae.experiments.study import CLASSIFIER
from helpers.papers.spacevae.experiments.training import remove_foreign_checkpoints, run_training, training_names

MODELS = {
    "vq-vae": {"loss": {"alpha": 0, "beta": 0}},
    "beta-10": {"init_from": "vq-vae", "epochs": 1},
    "any-beta": {"network": {"conditioned": True}, "epochs": 1},
}


@pytest.fixture(scope="module")
def profile():
    return miniature_profile(models=MODELS)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("trained")


@pytest.fixture(scope="module")
def said(profile, root):
    """What the command says when it trains one network, and all that is missing after that."""
    lines = []
    patch = pytest.MonkeyPatch()
    patch.setattr("builtins.print", lambda text, **_: lines.append(text))
    where = {"output": root / "models", "results": root, "device": "cpu"}
    try:
        training.train(profile, only=["beta-10"], **where)
        first = len(lines)
        training.train(profile, **where)
    finally:
        patch.undo()
    return lines[:first], lines[first:]


@pytest.fixture(scope="module")
def study(profile, root, said):
    return SpaceStudy(profile, root=root, models=root / "models")


def test_what_a_network_needs_is_trained_before_it(said):
    first, second = said
    assert [line.split(":")[0] for line in first] == [f"mini{end}.safetensors" for end in ("", "-vq-vae", "-beta-10")]
    assert second[:3] == [f"mini{end}.safetensors already exists" for end in ("", "-vq-vae", "-beta-10")]
    assert second[3].startswith("mini-any-beta.safetensors: 1 epochs, validation loss")


def test_names_are_in_the_order_of_the_profile(study):
    assert training_names(study) == (CLASSIFIER, "vq-vae", "beta-10", "any-beta")
    assert training_names(study, ["any-beta"]) == (CLASSIFIER, "any-beta")
    assert training_names(study, ["classifier"]) == (CLASSIFIER,)


def test_files_hold_what_was_trained_for_which_classifier(study):
    classifier = load_classifier(str(study.weights_file(CLASSIFIER)))
    for name in MODELS:
        network, about, digest = read_space_vae(study.weights_file(name))
        assert network.options == study.settings.options(name).network
        assert about.loss == study.settings.options(name).loss
        assert about.classifier_digest == classifier.digest
        assert read_sums(study.models)[study.weights_file(name).name] == digest


def test_checkpoints_are_where_everybody_looks_for_them(study):
    for name in (CLASSIFIER, *MODELS):
        assert (study.work / f"training-space-vae-{name}" / "last.ckpt").is_file()


def test_a_classifiers_card_has_the_accuracies_of_the_file(study):
    card = study.weights_file(CLASSIFIER).with_suffix(".md").read_text()
    test = study.split("test")
    with torch.no_grad():
        right = (study.classifier(test.floats()).argmax(1) == test.labels).float().mean().item()
    assert f"| test | {len(test)} | {right:.4f} |" in card
    assert "--profile mini --only classifier" in card
    assert study.classifier.digest in card
    assert "{" not in card


def test_a_networks_card_has_the_scores_of_the_file(study):
    card = study.weights_file("beta-10").with_suffix(".md").read_text()
    found = summarise(study.score_model("beta-10", study.test))
    row = next(line for line in card.splitlines() if line.startswith("| kept |"))
    assert f"| {found['agreement']:.3f} [{found['agreement_low']:.3f}, {found['agreement_high']:.3f}] |" in row
    assert f"{found['l1']:.1f} [" in row
    assert "scenes of 32 px" in card
    assert "begins with the weights of `vq-vae`" in card
    assert f"{study.model('beta-10').bits:g} bits" in card
    assert "{" not in card


def test_a_conditioned_networks_card_has_several_betas(study):
    card = study.weights_file("any-beta").with_suffix(".md").read_text()
    assert [f"| kept, beta = {beta} |" in card for beta in (1, 3, 10, 100)] == [True, False, True, True]


def test_a_training_is_said_in_words():
    profile = miniature_profile()
    words = {name: describe(profile.space_vae.options(name)) for name in profile.space_vae.models}
    numbers = {name: re.findall(r"beta = (\d+)", text) for name, text in words.items()}
    assert (numbers["vq-vae"], numbers["beta-1"], numbers["beta-10"]) == ([], ["1"], ["10"])
    assert "(8)" in words["colours"]
    assert "from 1 to 100" in words["any-beta"]


def test_again_trains_what_is_there(study, monkeypatch):
    def begin(*arguments, **more):
        raise InterruptedError

    monkeypatch.setattr(training, "train_space_vae", begin)
    assert run_training(study, "vq-vae") == "mini-vq-vae.safetensors already exists"
    with pytest.raises(InterruptedError):
        run_training(study, "vq-vae", again=True, show=False)


def test_unknown_names_end_in_a_message(profile):
    with pytest.raises(ValueError, match="no training beta-7; use some of classifier, vq-vae, beta-10"):
        training.train(profile, only=["beta-7"])


def test_checkpoints_of_another_classifier_are_forgotten(tmp_path):
    remove_foreign_checkpoints(tmp_path, "first")
    (tmp_path / "last.ckpt").touch()
    remove_foreign_checkpoints(tmp_path, "first")
    assert (tmp_path / "last.ckpt").is_file()
    remove_foreign_checkpoints(tmp_path, "second")
    assert not (tmp_path / "last.ckpt").is_file()


def test_a_network_trained_for_another_classifier_begins_anew(study, monkeypatch):
    folder = study.work / "training-space-vae-any-beta"
    (folder / "belongs-to.txt").write_text("another")
    seen = []

    def look(options, classifier, training, validation, folder, **more):
        seen.append(sorted(path.name for path in folder.iterdir()))
        raise InterruptedError

    monkeypatch.setattr(training, "train_space_vae", look)
    with pytest.raises(InterruptedError):
        run_training(study, "any-beta", again=True, show=False)
    assert seen == [["belongs-to.txt"]]
