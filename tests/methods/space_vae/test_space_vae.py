"""The codebook, the network and the loss of SpaCE-VAE, against brute force and closed forms."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.methods.space_vae import (
    LossOptions,
    NetworkOptions,
    SpaceVAE,
    SpaceVAELoss,
    SpaceVAENetwork,
    SpaceVAEOptions,
    VectorQuantiser,
)
from helpers.methods.space_vae.loss import reference_colour, rms_contrast, total_variation
from helpers.methods.space_vae.method import brightness_kept
from helpers.methods.space_vae.network import Decoded

TINY = NetworkOptions(size=8, grid=2, hidden=8, residual_hidden=4, embedding=4, codes=6)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def quantiser(codes=7, embedding=3, **options):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return VectorQuantiser(codes, embedding, **options)


def vectors(count=5, embedding=3, side=4, seed=1):
    return torch.randn(count, embedding, side, side, generator=generator(seed))


class Linear(nn.Module):
    """A classifier that is linear in the pixels."""

    def __init__(self, classes=3, size=8):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, 3 * size * size, generator=generator(3)))

    def forward(self, images):
        return functional.linear(images.flatten(1), self.weight)


# --- the codebook


def test_the_nearest_code_is_that_of_brute_force():
    book, x = quantiser().eval(), vectors()
    answer = book(x)
    for image in range(5):
        for row in range(4):
            for column in range(4):
                distances = [(x[image, :, row, column] - code).norm() for code in book.codebook]
                best = int(torch.stack(distances).argmin())
                assert answer.codes[image, row, column] == best
                assert torch.allclose(answer.vectors[image, :, row, column], book.codebook[best], atol=1e-6)
    assert torch.equal(book.look_up(answer.codes), functional.embedding(answer.codes, book.codebook).movedim(-1, 1))


def test_the_codebook_follows_the_closed_form_of_the_moving_averages():
    book = quantiser(dead_below=0.0, decay=0.9, epsilon=1e-3).train()
    start, x = book.codebook.clone(), vectors()
    codes = quantiser(dead_below=0.0).eval()(x).codes.flatten()
    book(x)
    flat = x.movedim(1, -1).reshape(-1, 3)
    one_hot = functional.one_hot(codes, 7).float()  # the dense matrix of the published code
    counts = 0.1 * one_hot.sum(0)
    sums = 0.9 * start + 0.1 * one_hot.T @ flat
    smooth = (counts + 1e-3) / (counts.sum() + 7e-3) * counts.sum()
    assert torch.allclose(book.counts, counts)
    assert torch.allclose(book.codebook, sums / smooth[:, None], atol=1e-5)


def test_moving_averages_of_a_still_picture_end_at_its_clusters():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    x = centres.repeat_interleave(12, 0) + 0.1 * torch.randn(36, 2, generator=generator())
    book = quantiser(3, 2, decay=0.5).train()
    # the first codes are vectors of the batch; here one of each cluster
    order = torch.arange(36).reshape(3, 12).T.flatten()
    for _ in range(60):
        book(x[order].T.reshape(1, 2, 6, 6))
    means = torch.stack([part.mean(0) for part in x.split(12)])
    assert torch.cdist(means, book.codebook).min(1).values.max() < 1e-3


def test_evaluation_leaves_the_codebook_alone():
    book = quantiser().eval()
    before = {name: value.clone() for name, value in book.state_dict().items()}
    book(vectors())
    assert all(torch.equal(before[name], value) for name, value in book.state_dict().items())


def test_the_first_batch_gives_the_first_codes():
    book, x = quantiser(), vectors()
    book.train()(x)
    flat = x.movedim(1, -1).reshape(-1, 3)
    assert int(book.steps) == 1
    # each code is a moving average of vectors of the batch, so none is where the random numbers put it
    assert (torch.cdist(book.codebook, flat).min(1).values < flat.norm(dim=1).max()).all()
    assert (book.counts > 0).all()


def test_a_dead_code_restarts_and_a_living_one_is_not():
    book = quantiser(2, 1, decay=0.5, dead_below=0.01).train()
    near = torch.cat([torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)])
    book(near)
    book.codebook.copy_(torch.tensor([[0.0], [1000.0]]))  # nobody chooses the second one any more
    book.sums.copy_(book.counts[:, None] * book.codebook)
    for _ in range(20):
        book(near)
    assert (book.codebook.abs() < 2).all()
    still = quantiser(2, 1, decay=0.5, dead_below=0.0).train()
    still.codebook.copy_(torch.tensor([[0.0], [1000.0]]))
    still.sums.copy_(torch.tensor([[0.0], [1000.0]]))
    for _ in range(5):
        still(near)
    assert still.codebook[1].abs() > 100


def test_the_codebook_is_no_parameter_but_is_saved():
    book = quantiser()
    assert list(book.parameters()) == []
    assert {"codebook", "counts", "sums", "steps"} == set(book.state_dict())


def test_the_gradient_goes_straight_through():
    book, x = quantiser().eval(), vectors().requires_grad_()
    weight = vectors(seed=9)
    (book(x).vectors * weight).sum().backward()
    assert torch.equal(x.grad, weight)


def test_the_commitment_is_felt_by_the_vectors_alone():
    book, x = quantiser().eval(), vectors().requires_grad_()
    answer = book(x)
    answer.commitment.backward()
    chosen = book.look_up(answer.codes)
    assert torch.allclose(answer.commitment, (x - chosen).square().mean())
    assert torch.allclose(x.grad, 2 * (x - chosen).detach() / x.numel())


# --- the network


def test_the_network_is_as_large_as_the_published_one():
    network = SpaceVAENetwork(NetworkOptions(shared_blocks=True))
    count = sum(p.numel() for p in network.parameters()) + network.quantiser.codebook.numel()
    assert count == pytest.approx(0.61e6, rel=0.01)  # originals.md, section 5.1
    assert NetworkOptions().bits == 576


@pytest.mark.parametrize("grid", [2, 4, 8, 16])
def test_the_grid_has_the_size_that_is_asked_for(grid):
    network = SpaceVAENetwork(NetworkOptions(grid=grid, hidden=8, residual_hidden=4, embedding=4, codes=8)).eval()
    decoded = network(torch.rand(2, 3, 32, 32, generator=generator()))
    assert decoded.codes.shape == (2, grid, grid)
    assert decoded.kept.shape == (2, 3, 32, 32)
    assert (decoded.kept >= 0).all()
    assert (decoded.kept <= 1).all()


def test_shared_blocks_share_and_separate_ones_do_not():
    separate, shared = (SpaceVAENetwork(NetworkOptions(shared_blocks=s)) for s in (False, True))
    assert len(separate.encoder_blocks.blocks) == 2
    assert len(shared.encoder_blocks.blocks) == 1
    x = torch.randn(1, 128, 8, 8, generator=generator())
    block = shared.encoder_blocks.blocks[0]
    assert torch.allclose(shared.encoder_blocks(x), block(block(x)))


def test_the_same_seed_gives_the_same_network():
    first, second = SpaceVAENetwork(TINY, seed=4), SpaceVAENetwork(TINY, seed=4)
    assert all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def test_beta_is_wanted_where_it_is_an_input_and_nowhere_else():
    plain = SpaceVAENetwork(TINY)
    conditioned = SpaceVAENetwork(NetworkOptions(**{**vars(TINY), "conditioned": True}))
    images = torch.rand(2, 3, 8, 8, generator=generator())
    with pytest.raises(ValueError, match="needs no beta"):
        plain(images, torch.ones(2))
    with pytest.raises(ValueError, match="a beta for each image"):
        conditioned(images)
    with pytest.raises(ValueError, match=r"batch, 3, 8, 8"):
        plain(torch.rand(2, 3, 9, 9))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"grid": 5}, "grid=5"),
        ({"codes": 1}, "codes = 1 should be greater than or equal to 2"),
        ({"decay": 1.0}, "decay"),
        ({"hidden": 7}, "hidden = 7 should be a multiple of 2"),
    ],
)
def test_wrong_network_options_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        NetworkOptions(**wrong)


@pytest.mark.parametrize("wrong", [{"alpha": -1}, {"palette": 1}, {"reference": (0.0, 2.0, 0.0)}, {"lowest_beta": 0}])
def test_wrong_loss_options_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LossOptions(**wrong)


# --- the loss


def decoded(raw, commitment=0.0):
    return Decoded(raw, torch.zeros(len(raw), 2, 2, dtype=torch.long), torch.tensor(commitment))


def test_the_four_terms_have_their_closed_forms():
    images = torch.rand(4, 3, 8, 8, generator=generator())
    raw = 2 * torch.rand(4, 3, 8, 8, generator=generator(1)) - 0.5  # some below 0 and above 1
    classes = torch.tensor([0, 1, 2, 0])
    logits = torch.randn(4, 3, generator=generator(2))
    loss = SpaceVAELoss(LossOptions(alpha=3, beta=7, commitment=0.5), variance=0.2)
    terms = loss.terms(images, decoded(raw, 0.25), logits, classes)
    assert set(terms) == {"reconstruction", "commitment", "sparsity", "classification"}
    assert torch.allclose(terms["reconstruction"], ((raw - images) ** 2).mean() / 0.2)
    assert torch.allclose(terms["commitment"], torch.tensor(0.125))
    assert torch.allclose(terms["sparsity"], 3 * raw.clamp(0, 1).mean())
    wanted = -7 * torch.stack([logits[k].softmax(0)[c].log() for k, c in enumerate(classes)]).mean()
    assert torch.allclose(terms["classification"], wanted)


def test_a_vq_vae_does_not_ask_the_classifier():
    loss = SpaceVAELoss(LossOptions(alpha=0, beta=0))
    images = torch.rand(2, 3, 8, 8, generator=generator())
    assert not loss.needs_classifier
    assert set(loss.terms(images, decoded(images), None, torch.zeros(2, dtype=torch.long))) == {
        "reconstruction",
        "commitment",
    }
    with pytest.raises(ValueError, match="logits"):
        SpaceVAELoss(LossOptions()).terms(images, decoded(images), None, torch.zeros(2, dtype=torch.long))


def test_brightness_is_measured_against_the_reference():
    images = torch.rand(2, 3, 8, 8, generator=generator())
    mean = images.mean((2, 3), keepdim=True)
    assert torch.equal(reference_colour(images, "black"), torch.zeros(2, 3, 1, 1))
    assert torch.equal(reference_colour(images, "mean"), mean)
    assert torch.equal(reference_colour(images, (1.0, 0.5, 0.0))[1, :, 0, 0], torch.tensor([1.0, 0.5, 0.0]))
    loss = SpaceVAELoss(LossOptions(alpha=2, beta=0, reference="mean"))
    flat = mean.expand_as(images).clone()
    nothing = torch.zeros(2, dtype=torch.long)
    assert loss.terms(images, decoded(flat), None, nothing)["sparsity"] == 0
    assert loss.terms(images, decoded(images), None, nothing)["sparsity"] > 0


def test_the_terms_of_the_conclusion_on_images_whose_answer_is_known():
    flat = torch.full((1, 3, 8, 8), 0.5)
    halves = torch.cat([torch.zeros(1, 3, 8, 4), torch.ones(1, 3, 8, 4)], 3)
    assert rms_contrast(halves).item() == pytest.approx(0.5, abs=1e-3)
    assert rms_contrast(flat).item() == pytest.approx(0.0, abs=2e-3)
    assert total_variation(flat).item() == 0
    assert total_variation(halves).item() == pytest.approx(1 / 7)  # one step of 1 among seven along each row
    two = SpaceVAELoss(LossOptions(alpha=0, beta=0, colours=1, palette=2))
    classes = torch.zeros(1, dtype=torch.long)
    many = torch.rand(1, 3, 8, 8, generator=generator())
    for _ in range(300):
        two.terms(halves, decoded(halves), None, classes)
    two.eval()
    assert two.terms(halves, decoded(halves), None, classes)["colours"] < 1e-4
    assert two.terms(many, decoded(many), None, classes)["colours"] > 0.01
    contrast = SpaceVAELoss(LossOptions(alpha=0, beta=0, contrast=2))
    assert contrast.terms(halves, decoded(halves), None, classes)["contrast"].item() == pytest.approx(-1, abs=1e-3)


def test_a_conditioned_loss_prices_each_image_by_its_own_beta():
    images = torch.rand(2, 3, 8, 8, generator=generator())
    logits, classes = torch.zeros(2, 4), torch.zeros(2, dtype=torch.long)
    loss = SpaceVAELoss(LossOptions(alpha=0, beta=10))
    terms = loss.terms(images, decoded(images), logits, classes, torch.tensor([1.0, 90.0]))
    shares = [10 / 11, 10 / 100]
    assert terms["classification"].item() == pytest.approx(math.log(4) * (shares[0] * 1 + shares[1] * 90) / 2, rel=1e-5)


def test_the_gradients_agree_with_finite_differences():
    loss = SpaceVAELoss(LossOptions(alpha=1, beta=2, contrast=0.5, smoothness=0.3, reference="mean")).double()
    images = torch.rand(2, 3, 4, 4, generator=generator(), dtype=torch.double)
    raw = (0.2 + 0.6 * torch.rand(2, 3, 4, 4, generator=generator(1), dtype=torch.double)).requires_grad_()
    classifier = Linear(size=4).double()
    classes = torch.tensor([0, 2])

    def total(raw):
        seen = Decoded(raw, torch.zeros(2, 1, 1, dtype=torch.long), torch.zeros((), dtype=torch.double))
        return torch.stack([*loss.terms(images, seen, classifier(seen.kept), classes).values()]).sum()

    # the cross-entropy is computed in single precision, as in a training in half precision
    assert torch.autograd.gradcheck(total, raw, eps=1e-3, atol=1e-2, rtol=1e-2)


def test_variance_must_be_positive():
    with pytest.raises(ValueError, match="variance=0"):
        SpaceVAELoss(LossOptions(), variance=0.0)


# --- the method


def test_the_kept_image_and_the_classes_of_the_originals():
    classifier, network = Linear(), SpaceVAENetwork(TINY)
    images = torch.rand(5, 3, 8, 8, generator=generator())
    explanation = SpaceVAE(network, classifier, batch=2).explain(images)
    assert torch.equal(explanation.targets, classifier(images).argmax(1))
    assert torch.allclose(explanation.kept, network(images).kept, atol=1e-6)
    assert explanation.mask.shape == (5, 1, 8, 8)
    assert SpaceVAE(network, classifier).codes(images).shape == (5, 2, 2)
    wrong = (explanation.targets + 1) % 3
    with pytest.raises(ValueError, match="no other"):
        SpaceVAE(network, classifier).explain(images, wrong)


def test_the_share_of_brightness():
    images = torch.tensor([0.5, 1.0, 0.0, 0.2]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    kept = torch.tensor([0.25, 1.0, 0.3, 0.4]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    assert torch.allclose(brightness_kept(images, kept).flatten(), torch.tensor([0.5, 1.0, 0.0, 1.0]))


def test_beta_is_chosen_where_it_can_be():
    conditioned = SpaceVAENetwork(NetworkOptions(**{**vars(TINY), "conditioned": True}))
    assert SpaceVAE(conditioned, Linear(), beta=3).with_beta(30).beta == 30
    with pytest.raises(ValueError, match="conditioned on beta"):
        SpaceVAE(conditioned, Linear())
    with pytest.raises(ValueError, match="one beta, which is fixed"):
        SpaceVAE(SpaceVAENetwork(TINY), Linear(), beta=3)
    with pytest.raises(ValueError, match="positive"):
        SpaceVAE(conditioned, Linear(), beta=0)


def test_published_settings_are_the_defaults():
    options = SpaceVAEOptions()
    assert (options.learning_rate, options.epochs, options.patience, options.network.codes) == (3e-4, 200, 20, 512)
    assert options.loss.commitment == 0.25
