"""The toy's step against Pixel RDE itself."""

import torch

from helpers.core.runtime import random_generator
from helpers.data.scenes import make_scenes
from helpers.methods.rde import PixelRDE, RDEOptions
from helpers.playground.toy import SAMPLES, SIZE, ToyStep, WindowClassifier


def test_forty_steps_are_those_of_pixel_rde():
    image = make_scenes(1, size=SIZE, seed=5).images * 0.5
    image[:, :, 10:20, 12:22] = 0.8
    options = RDEOptions(sparsity_weight=1.0, samples=SAMPLES, steps=40, learning_rate=0.1)
    expected = PixelRDE(WindowClassifier().eval(), options).explain(image)
    step, generator = ToyStep(), random_generator(options.seed)
    k = SIZE * SIZE
    state, objectives = (torch.ones(1, 1, k), torch.zeros(1, 1, k), torch.zeros(1, 1, k)), []
    for number in range(1, 41):
        noise = torch.randn((SAMPLES, 3, k), generator=generator)
        result = step(image, *state, noise, torch.tensor([1.0]), torch.tensor([0.1]), torch.tensor([float(number)]))
        state = result[:3]
        objectives.append(float(result.objective))
    torch.testing.assert_close(torch.tensor(objectives), expected.history["objective"][0], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(state[0].reshape(1, 1, SIZE, SIZE), expected.mask, atol=1e-3, rtol=0)
