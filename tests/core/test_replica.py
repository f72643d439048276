"""Replicas: what is set on them is not set on the model, whatever refers to whatever in it."""

import functools
import warnings

import pytest
import torch
from torch import nn

from helpers.core.replica import frozen, replica, unwrapped, with_frozen_classifier


class Tangled(nn.Module):
    """References of all kinds: modules in lists and dictionaries, bound methods, shared weights and a shared list."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.first.weight
        self.in_order = [self.first, self.norm]
        self.by_name = {"tied": self.tied}
        self.method = self.norm.forward
        self.partial = functools.partial(self.tied.forward)
        self.seen = []
        self.tied.seen = self.seen
        self.plain = torch.ones(4, requires_grad=True)

    def forward(self, values):
        for module in self.in_order:
            values = module(values)
        self.tied.seen.append(len(self.seen))
        self.last = self.by_name["tied"](values)
        return self.method(self.partial(self.last)) * self.plain


def fill(model):
    generator = torch.Generator().manual_seed(0)
    for value in (*model.parameters(), *model.buffers()):
        if value.is_floating_point():
            value.data = torch.rand(value.shape, generator=generator) + 0.5
    return model


def test_a_replica_computes_the_same_from_the_same_memory():
    model, values = fill(Tangled()), torch.rand(3, 4)
    copied = replica(model)
    torch.testing.assert_close(copied(values), fill(Tangled()).eval()(values))
    addresses = [{value.data_ptr() for value in each.state_dict().values()} for each in (model, copied)]
    assert addresses[0] == addresses[1]
    assert copied.tied.weight is copied.first.weight
    assert not set(model.modules()) & set(copied.modules())


def test_what_a_replica_does_is_not_done_to_the_model():
    model = fill(Tangled()).train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    copied = replica(model)
    copied.norm.register_forward_hook(lambda *_: pytest.fail("of the replica"))
    with pytest.raises(pytest.fail.Exception):
        copied(torch.rand(3, 4))
    replica(model)(torch.rand(3, 4))
    assert not model.norm._forward_hooks
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not hasattr(model, "last")
    assert model.seen == []


def test_what_modules_share_their_replicas_share():
    copied = replica(fill(Tangled()))
    assert copied.seen is copied.tied.seen
    copied(torch.rand(2, 4))
    assert copied.seen == [0]
    assert copied.in_order[0] is copied.first
    assert copied.method.__self__ is copied.norm
    assert copied.partial.func.__self__ is copied.tied


def test_the_model_s_own_hooks_run():
    model = fill(Tangled())
    model.first.register_forward_hook(lambda module, inputs, output: output + 1)
    values = torch.rand(3, 4)
    torch.testing.assert_close(replica(model)(values), model.eval()(values))
    assert not torch.equal(replica(model)(values), fill(Tangled()).eval()(values))


WRAPPERS = {
    "parallel": lambda inner: nn.Sequential(nn.DataParallel(inner)),
    "compiled": lambda inner: nn.Sequential(torch.compile(inner, backend="eager")),
    "both": lambda inner: torch.compile(nn.DataParallel(inner), backend="eager"),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_taken_off(wrapper):
    inner, values = fill(Tangled()), torch.rand(3, 4)
    wrapped = WRAPPERS[wrapper](inner)
    copied = replica(wrapped)
    assert not any(unwrapped(module) is not module for module in copied.modules())
    assert any(unwrapped(module) is not module for module in wrapped.modules())
    torch.testing.assert_close(copied(values), inner.eval()(values))


def test_a_module_compiled_in_place_is_run_by_its_own_forward():
    model = fill(Tangled()).eval()
    model.compile(backend="eager")
    assert replica(model)._compiled_call_impl is None


def test_modules_of_special_classes():
    """Parametrised and symbolic modules have classes of their own; TorchScript is copied as a whole."""
    values = torch.rand(2, 3, 8, 8)
    spectral = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)).eval()
    traced = torch.fx.symbolic_trace(nn.Sequential(spectral[1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        scripted = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train())
    for model, given in ((spectral, values), (traced, torch.rand(2, 4, 8, 8)), (nn.Sequential(scripted), values)):
        training = [module.training for module in model.modules()]
        copied = replica(model)
        assert not any(module.training for module in copied.modules())
        assert not any(parameter.requires_grad for parameter in copied.parameters())
        assert copied(given).shape[1] == 4
        assert [module.training for module in model.modules()] == training
    torch.testing.assert_close(replica(spectral)(values), spectral(values))


def test_on_the_meta_device_only_shapes_are_computed():
    copied = replica(fill(Tangled()), lambda tensor: tensor.detach().to("meta"))
    assert copied(torch.empty(3, 4, device="meta")).device.type == "meta"


def test_a_frozen_model_is_itself_and_others_are_replicas():
    model = fill(Tangled()).eval().requires_grad_(False)
    assert frozen(model) is model
    model.norm.train()
    copied = frozen(model)
    assert copied is not model
    assert not copied.norm.training
    assert model.norm.training
    assert frozen(model.eval().requires_grad_()) is not model


def test_a_method_on_a_frozen_classifier():
    class Method:
        classifier = fill(Tangled()).eval().requires_grad_(False)

    method = Method()
    assert with_frozen_classifier(method) is method
    method.classifier = fill(Tangled())
    changed = with_frozen_classifier(method)
    assert type(changed) is Method
    assert not changed.classifier.training
    assert method.classifier.training
