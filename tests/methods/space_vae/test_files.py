"""SpaCE-VAEs as files: what is read is what was written, for the classifier that it was trained for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from space_vae_runs import NETWORK, STILL, TINY, ColourClassifier, coloured, train

from helpers.classifiers.digests import weights_digest
from helpers.methods.space_vae import (
    LossOptions,
    SpaceVAEFile,
    SpaceVAENetwork,
    load_space_vae,
    read_space_vae,
    save_space_vae,
)

DIGEST = "ab" * 32


def about(loss=None, digest=DIGEST):
    return SpaceVAEFile(loss or LossOptions(), "colours", digest, "noise", 0.05)


def known(digest=DIGEST):
    """A classifier with the digest of its weights."""
    classifier = ColourClassifier().eval()
    classifier.digest = digest
    return classifier


def network(**changes):
    """A network whose codebook has met some images."""
    made = SpaceVAENetwork(replace(NETWORK, **changes), seed=3).train()
    with torch.no_grad():
        made(coloured(12).floats(), torch.full((12,), 5.0) if made.options.conditioned else None)
    return made.eval()


LOSSES = [
    LossOptions(alpha=2.0, beta=30.0, reference=(0.1, 0.2, 0.9)),
    LossOptions(reference="mean", colours=0.5, palette=5, contrast=0.1, smoothness=0.2),
    LossOptions(alpha=0.0, beta=0.0),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_read_is_what_was_written(tmp_path, loss):
    saved = network()
    digest = save_space_vae(tmp_path / "net.safetensors", saved, about(loss))
    read, file, found = read_space_vae(tmp_path / "net.safetensors")
    assert found == digest
    assert file == about(loss)
    assert read.options == saved.options
    assert not read.training
    images = coloured(7, seed=2).floats()
    assert torch.equal(read(images).raw, saved(images).raw)
    method = load_space_vae(tmp_path / "net.safetensors", known())
    assert torch.equal(method.explain(images).kept, saved(images).kept)
    assert method.name == ("vq-vae" if not loss.beta else "space-vae")


def test_the_moving_averages_stay_behind_and_the_same_network_makes_the_same_file(tmp_path):
    saved = network()
    digests = {save_space_vae(tmp_path / f"{n}.safetensors", saved, about()) for n in "abc"}
    assert len(digests) == 1
    names = set(safetensors.torch.load_file(tmp_path / "a.safetensors"))
    left = set(saved.state_dict()) - names
    assert left == {"quantiser.counts", "quantiser.sums", "quantiser.steps"}
    assert "quantiser.codebook" in names


def test_another_classifier_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_space_vae(path, network(), about())
    load_space_vae(path, known())
    for other in (known("cd" * 32), ColourClassifier()):  # the second is known by its weights
        with pytest.raises(ValueError, match=r"was trained for the classifier 'colours'.*load that classifier"):
            load_space_vae(path, other)
    save_space_vae(path, network(), about(digest=weights_digest(ColourClassifier())))
    load_space_vae(path, ColourClassifier())


def test_a_conditioned_network_has_its_losss_beta_until_another_is_chosen(tmp_path):
    path, saved = tmp_path / "net.safetensors", network(conditioned=True)
    save_space_vae(path, saved, about(LossOptions(beta=10.0)))
    assert load_space_vae(path, known()).beta == 10
    assert load_space_vae(path, known(), beta=30.0).beta == 30
    save_space_vae(path, network(), about())
    with pytest.raises(ValueError, match="was trained with one beta"):
        load_space_vae(path, known(), beta=30.0)


def test_a_missing_file_says_how_to_train_it():
    with pytest.raises(FileNotFoundError, match=r"no SpaCE-VAE .*nobody-beta-7.*helpers train"):
        load_space_vae("nobody-beta-7", known())


@pytest.mark.parametrize("harm", ["flipped", "cut", "other", "unknown option", "missing weight"])
def test_a_file_that_is_not_as_it_should_be_is_refused(tmp_path, harm):
    path, saved = tmp_path / "net.safetensors", network()
    save_space_vae(path, saved, about())
    content = path.read_bytes()
    if harm in ("flipped", "cut"):
        path.write_bytes(content[:-40] if harm == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(ValueError, match="not the expected file"):
            read_space_vae(path)
        return
    (tmp_path / "SHA256SUMS").unlink()  # as if it came from elsewhere
    state = safetensors.torch.load(content)
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    if harm == "other":
        metadata = {"architecture": "resnet18"}
    elif harm == "unknown option":
        facts = json.loads(metadata["space-vae"])
        facts["network"]["depth"] = 3
        metadata["space-vae"] = json.dumps(facts)
    else:
        state.pop("to_codes.weight")
    safetensors.torch.save_file(state, path, metadata)
    with pytest.raises(ValueError, match="is not the file of a SpaCE-VAE"):
        read_space_vae(path)


def test_a_training_may_begin_as_another_network(tmp_path):
    begun = SpaceVAENetwork(replace(NETWORK, conditioned=True), seed=9).eval()
    start = network()
    begun.init_from(start)
    images = coloured(5).floats()
    # beta's own layers change nothing at first
    assert torch.equal(begun(images, torch.full((5,), 30.0)).raw, start(images).raw)
    with pytest.raises(ValueError, match="the layers differ"):
        begun.init_from(network(grid=4))
    options = replace(STILL, init_from="vq-vae", learning_rate=1e-9, epochs=1)
    done = train(options, tmp_path / "begun", init_from=network(dead_below=0.0))
    wanted = network(dead_below=0.0)
    for name in ("down.0.weight", "up.0.weight", "to_codes.weight"):
        torch.testing.assert_close(
            done.module.network.state_dict()[name], wanted.state_dict()[name], rtol=1e-4, atol=1e-6
        )
    for given, said in ((options, None), (TINY, wanted)):
        with pytest.raises(ValueError, match="if and only if the options name one"):
            train(given, tmp_path / "wrong", init_from=said)
