"""Rollout of transformers in wrappers, and of attention that is computed in other ways."""

import threading
from types import SimpleNamespace

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional

from helpers.methods.rollout import AttentionRollout, capture_attention

SIZE = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3, "num_classes": 5}


def transformer(**options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = timm.create_model("vit_tiny_patch16_224", **{**SIZE, **options})
        for parameter in model.parameters():  # else attention is nearly uniform
            parameter.data += 0.3 * torch.randn(parameter.shape)
    return model.eval()


def pixels(count=2):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(5))


class Normalise(nn.Module):
    def forward(self, images):
        return images / 2 + 0.25


WRAPPERS = {
    "sequential": lambda vit: nn.Sequential(Normalise(), vit),
    "parallel": lambda vit: nn.DataParallel(nn.Sequential(Normalise(), vit)),
    "compiled": lambda vit: nn.Sequential(Normalise(), torch.compile(vit, backend="eager")),
    "training": lambda vit: nn.Sequential(Normalise(), vit).train(),
}


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_looked_through(wrapper, gradient):
    images, vit = pixels(), transformer(proj_drop_rate=0.3)
    wanted = AttentionRollout(vit, gradient=gradient).explain(images / 2 + 0.25, 2)
    wrapped = WRAPPERS[wrapper](vit)
    modes = [module.training for module in wrapped.modules()]
    found = AttentionRollout(wrapped, gradient=gradient).explain(images, 2)
    torch.testing.assert_close(found.representation_mask, wanted.representation_mask)
    assert [module.training for module in wrapped.modules()] == modes


class Own(nn.Module):
    """A transformer as other libraries write it: the tokens in a submodule, and attention in one of several ways."""

    def __init__(self, way, *, pooled=False):
        super().__init__()
        self.embeddings, self.way = nn.Module(), way
        self.embeddings.cls_token = nn.Parameter(torch.randn(1, 1, 24))
        self.embeddings.register_tokens = nn.Parameter(torch.randn(1, 2, 24))
        self.embeddings.patches = nn.Conv2d(3, 24, 8, stride=8)
        self.layers = nn.ModuleList(nn.MultiheadAttention(24, 3, batch_first=True) for _ in range(2))
        self.head = nn.Linear(24, 5)
        self.config = SimpleNamespace(use_mean_pooling=pooled)

    def forward(self, images):
        patches = self.embeddings.patches(images).flatten(2).transpose(1, 2)
        extra = torch.cat([self.embeddings.cls_token, self.embeddings.register_tokens], 1)
        tokens = torch.cat([extra.expand(len(images), -1, -1), patches], 1)
        for layer in self.layers:
            tokens = tokens + self.attend(layer, tokens)
        return self.head(tokens[:, 0])

    def attend(self, layer, x):
        if self.way == "weights":  # used by the network
            attended, attention = layer(x, x, x)
            return attended * attention[:, :1].transpose(1, 2)
        if self.way == "weights of each head":
            attended, attention = layer(x, x, x, average_attn_weights=False)
            return attended * attention.mean(1)[:, :1].transpose(1, 2)
        if self.way == "masks":
            hidden = torch.zeros(19, 19, dtype=torch.bool)
            hidden[:, 7] = True
            padding = torch.zeros(len(x), 19, dtype=torch.bool)
            padding[:, 9] = True
            return layer(x, x, x, attn_mask=hidden, key_padding_mask=padding, need_weights=False)[0]
        if self.way == "other queries":
            return layer(x * 2, x, x, need_weights=False)[0]
        q, k, v = functional.linear(x, layer.in_proj_weight, layer.in_proj_bias).unflatten(2, (3, 3, 8)).unbind(2)
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        if self.way == "causal":
            attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        elif self.way == "grouped":
            attended = functional.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True)
        else:  # heads along the first axis
            scores = torch.bmm(q.flatten(0, 1), k.flatten(0, 1).transpose(1, 2)) / 8**0.5
            attended = torch.bmm(scores.softmax(-1), v.flatten(0, 1)).unflatten(0, (len(x), 3))
        return layer.out_proj(attended.transpose(1, 2).flatten(2))


WAYS = ["weights", "weights of each head", "masks", "other queries", "causal", "grouped", "heads first"]


def own(way, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Own(way, **options).eval()


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_attention_of_every_kind_is_recorded_as_it_is_used(way, gradient):
    model, images = own(way), pixels()
    found = capture_attention(model, images, 1, gradients=gradient)
    torch.testing.assert_close(found.logits, model(images).detach())
    assert (found.grid.prefix, found.grid.rows, found.grid.columns) == (3, 4, 4)
    assert [tuple(layer.shape) for layer in found.layers] == [(2, 3, 19, 19)] * 2
    for layer in found.layers:
        torch.testing.assert_close(layer.sum(-1), torch.ones(2, 3, 19))
    # by hand, the first layer
    layer = model.layers[0]
    with torch.no_grad():
        patches = model.embeddings.patches(images).flatten(2).transpose(1, 2)
        extra = torch.cat([model.embeddings.cls_token, model.embeddings.register_tokens], 1)
        x = torch.cat([extra.expand(2, -1, -1), patches], 1)
        weight, bias = layer.in_proj_weight, layer.in_proj_bias
        q = (x * 2 if way == "other queries" else x) @ weight[:24].T + bias[:24]
        k = x @ weight[24:48].T + bias[24:48]
        for head in range(3):
            which = 0 if way == "grouped" else head
            scores = q[..., 8 * head : 8 * head + 8] @ k[..., 8 * which : 8 * which + 8].transpose(1, 2) / 8**0.5
            if way == "masks":
                scores[..., [7, 9]] = -torch.inf
            if way == "causal":
                scores = scores.masked_fill(~torch.ones(19, 19).tril().bool(), -torch.inf)
            torch.testing.assert_close(found.layers[0][:, head], scores.softmax(-1))
    if gradient:
        assert all(slope.abs().max() > 0 for slope in found.gradients)


def test_a_layer_of_pytorch_s_own_encoder():
    layer = nn.TransformerEncoderLayer(24, 3, 48, batch_first=True, norm_first=True, dropout=0.0)
    model = own("weights")
    model.attend = lambda _, x: layer(x)
    layer.eval()
    assert len(capture_attention(model, pixels()).layers) == 2


def test_keys_that_are_no_tokens_are_refused():
    model = own("weights")
    model.layers[1].add_zero_attn = True
    with pytest.raises(ValueError, match="keys that are no tokens"):
        AttentionRollout(model).explain(pixels())


def test_a_model_without_a_class_token_or_that_does_not_use_it_is_refused():
    with pytest.raises(ValueError, match="use_mean_pooling=True"):
        AttentionRollout(own("weights", pooled=True)).explain(pixels())
    with pytest.raises(ValueError, match="global_pool='avg'"):
        AttentionRollout(nn.Sequential(Normalise(), transformer(global_pool="avg"))).explain(pixels())
    without = nn.Sequential(Normalise(), transformer(class_token=False, global_pool=""))
    with pytest.raises(ValueError, match=r"no class token.*cls_token or class_token"):
        AttentionRollout(without).explain(pixels())


@pytest.mark.parametrize("gradient", [False, True])
def test_threads_do_not_disturb_each_other(gradient):
    model, images = transformer(drop_path_rate=0.2).train(), pixels(4)
    method = AttentionRollout(model, gradient=gradient)
    alone = [method.explain(image[None], 1).mask for image in images]
    found = [None] * 4

    def work(number):
        found[number] = method.explain(images[number][None], 1).mask

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(one, other) for one, other in zip(alone, found, strict=True))
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("gradient", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype, gradient):
    images = pixels()
    wanted = AttentionRollout(transformer(), gradient=gradient, discard_ratio=0.0).explain(images, 1).mask
    found = AttentionRollout(transformer().to(dtype), gradient=gradient, discard_ratio=0.0).explain(images.to(dtype), 1)
    assert found.mask.dtype == torch.float32
    torch.testing.assert_close(found.mask.float(), wanted, atol=0.15 if dtype == torch.bfloat16 else 0.03, rtol=0)
