"""Plain re-statements of extremal perturbations and iGOS++ as published: the yardstick of the benchmarks.

Written from the papers and from a description of the public implementations, as slow as they are: one image and one
class at a time, all windows of all pixels of a smooth mask in memory, a full sort for the area, each logged value
fetched from the device at every step and appended to a growing history, and a line search with one step size at a time.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from helpers.core.blur import gaussian_blur


def published_extremal(classifier, image, target, *, areas, steps, step, sigma, blur, levels=8):
    """Extremal perturbations of Fong et al. for one class of one image (1, 3, height, width): one mask per area.

    Returns:
        The masks with their margin, and the history of rewards and penalties.
    """
    height, width = image.shape[-2:]
    widths = [blur * (1 - level / (levels - 1)) for level in range(levels)]
    pyramid = torch.stack([gaussian_blur(image[0], width_of_blur) for width_of_blur in widths])
    radius, padding = 1 + -(-sigma // step), 1 + -(-2 * sigma // step)
    grid = torch.ones(len(areas), 1, -(-height // step), -(-width // step), device=image.device)
    frame_sizes = [size + 2 * (padding - radius) for size in grid.shape[-2:]]
    weights = window_weights(frame_sizes, step, sigma, radius, padding).to(image.device)
    grid.requires_grad_()
    optimiser = torch.optim.SGD([grid], lr=0.01, momentum=0.9, dampening=0.9)
    history, weight = torch.zeros(len(areas), 2, 0), 300.0
    pixels = weights.shape[-1] * weights.shape[-2]
    templates = torch.zeros(len(areas), pixels, device=image.device)
    for row, area in zip(templates, areas, strict=True):
        row[pixels - int(area * pixels) :] = 1
    for number in range(steps):
        windows = functional.unfold(grid, 2 * radius + 1, padding=padding).reshape(len(areas), -1, *frame_sizes)
        windows = functional.interpolate(windows, size=[step * size for size in frame_sizes], mode="nearest")
        windows = functional.pad(windows, (0, 1 - step, 0, 1 - step))
        values = weights * windows
        exponents = torch.exp(20 * values)
        mask_with_margin = ((values * exponents).sum(1, keepdim=True) / exponents.sum(1, keepdim=True)).clamp(0, 1)
        mask = mask_with_margin[:, :, sigma : sigma + height, sigma : sigma + width]
        position = mask * (levels - 1)
        below = position.floor()
        share, below = position - below, below.long()
        stack = pyramid[None].expand(len(areas), -1, -1, -1, -1)
        index = below[:, None].expand(-1, 1, 3, -1, -1)
        first = stack.gather(1, index)[:, 0]
        second = stack.gather(1, (index + 1).clamp(max=levels - 1))[:, 0]
        seen = (1 - share) * first + share * second
        if number % 2 == 0:
            seen = seen.flip(3)
        logits = classifier(seen)
        others = logits.clone()
        others[:, target] = -torch.inf
        reward = logits[:, target] - others.max(1).values
        ordered = mask_with_margin.flatten(1).sort(dim=1).values
        penalty = weight * (ordered - templates).square().mean(1)
        weight *= 1.0035
        optimiser.zero_grad()
        (penalty - reward).sum().backward()
        optimiser.step()
        grid.data.clamp_(0, 1)
        now = torch.stack([reward.detach().cpu(), penalty.detach().cpu()], 1)[..., None]
        history = torch.cat([history, now], 2)
    return mask_with_margin.detach()[:, 0], history


def window_weights(frame_sizes, step, sigma, radius, padding):
    """The kernel for each cell of a window, (cells, height, width) of the frame."""
    rows, columns = (torch.arange(step * size - step + 1) for size in frame_sizes)
    weights = []
    for down in range(2 * radius + 1):
        for right in range(2 * radius + 1):
            y = sigma + step * (rows // step + down - padding) - rows
            x = sigma + step * (columns // step + right - padding) - columns
            distances = (y[:, None] ** 2 + x[None] ** 2).float().sqrt()
            weights.append(torch.exp(-2 * (distances / sigma - 0.5).clamp(min=0) ** 2))
    return torch.stack(weights)


def published_igos(
    classifier, image, target, *, iterations, integration_steps, cells=28, generator, noise=0.2, tries=None
):
    """iGOS++ for one class of one image (1, 3, height, width).

    Returns:
        Its two masks, (2, cells, cells); their product is 1 where pixels do not matter. The number of step
        sizes of each line search is appended to the list `tries`.
    """
    side = min(image.shape[-2:])
    hidden = gaussian_blur(image, 50 / 224 * side, max(1, round(25 / 224 * side)))
    grey = functional.adaptive_avg_pool2d(image.mean(1, keepdim=True), cells)
    down = torch.exp(-(((grey[..., 1:, :] - grey[..., :-1, :]) / 0.01) ** 2))
    right = torch.exp(-(((grey[..., 1:] - grey[..., :-1]) / 0.01) ** 2))

    def integral(mask, start, end, sign):
        large = functional.interpolate(mask, image.shape[-2:], mode="bilinear", align_corners=False)
        shares = torch.arange(1, integration_steps + 1, device=image.device).view(-1, 1, 1, 1) / integration_steps
        seen = end * (large * shares) + start * (1 - large * shares)
        drawn = torch.randn(seen.shape, generator=generator, device=image.device)
        seen = seen + noise * classifier.std * drawn
        return sign * classifier(seen).softmax(1)[:, target].sum() / integration_steps

    def passes(x, y):
        yield lambda: integral(x * y, hidden, image, 1) / 2
        yield lambda: integral(x * y, image, hidden, -1) / 2
        yield lambda: integral(x, hidden, image, 1) / 2
        yield lambda: integral(y, image, hidden, -1) / 2

    def regulariser(x, y):
        mask = x * y
        rows = (down * (mask[..., 1:, :] - mask[..., :-1, :]) ** 2).sum()
        columns = (right * (mask[..., 1:] - mask[..., :-1]) ** 2).sum()
        return (1 - mask).abs().mean() + 20 * (rows + columns) / cells**2

    masks = [torch.ones(1, 1, cells, cells, device=image.device, requires_grad=True) for _ in range(2)]
    for _ in range(iterations):
        total = 0.0
        for mask in masks:
            mask.grad = None
        for term in passes(*masks):
            loss = term()
            loss.backward()
            total += loss.item()
        loss = regulariser(*masks)
        loss.backward()
        total += loss.item()
        slopes = [mask.grad for mask in masks]
        expected = sum((slope**2).sum().item() for slope in slopes)
        rate, count = 1000.0, 0
        while True:
            count += 1
            with torch.no_grad():
                tried = [(mask - rate * slope).clamp(0, 1) for mask, slope in zip(masks, slopes, strict=True)]
                value = sum(term().item() for term in passes(*tried)) + regulariser(*tried).item()
            if value <= total - 1e-4 * rate * expected or rate * 0.2 < 1e-5:
                break
            rate *= 0.2
        if tries is not None:
            tries.append(count)
        masks = [mask.requires_grad_() for mask in tried]
    return torch.cat(masks).detach()[:, 0]
