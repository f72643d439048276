"""The comparison of notebook outputs: it lets through what differs from run to run, and nothing else."""

import re

import pytest
from nbval.plugin import get_sanitize_patterns
from tolerance import same_text

from helpers.core.files import ROOT


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("loss 0.12345", "loss 0.12346"),
        ("loss 0.12345", "loss 0.1241"),  # within 1 %
        ("0.52", "0.53"),  # one unit of the last digit
        ("1.2e-07", "1.3e-07"),
        ("a   b\n  c 1.50", "a b c 1.5"),
        ("{'accuracy': 0.912}", "{'accuracy': 0.913}"),
        ("−0.50 dB", "-0.50 dB"),
        ("mean  std\n----  ---\n1.00  0.25", "mean   std\n-----  ----\n1.00  0.25"),
    ],
)
def test_close_is_the_same(left, right):
    assert same_text(left, right)
    assert same_text(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("loss 0.12345", "loss 0.12645"),  # 2.4 %
        ("0.52", "0.57"),
        ("12 images", "13 images"),  # whole numbers are counts: exact
        ("1.2e-07", "1.2e-06"),
        ("0.50", "-0.50"),
        ("cat 0.9", "dog 0.9"),
        ("1.0 2.0", "1.0"),
        ("1.0", "nan"),
        ("holds", "fails"),
        ("db3", "db4"),
    ],
)
def test_far_is_not_the_same(left, right):
    assert not same_text(left, right)
    assert not same_text(right, left)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("took 3.2 s", "took 12 s", True),
        ("wall time 2 min 3 s", "wall time 1 min 58 s", True),
        ("60%|###   | 36/60 [00:01<00:01, 22.1it/s]", "61%|###   | 37/60 [00:02<00:01, 20.1it/s]", True),
        ("2026-11-21T10:00:00 done", "2026-11-22T11:30:12 done", True),
        (
            '<img src="data:image/webp;base64,UklGRg==" alt="a"/>',
            '<img src="data:image/webp;base64,AAAA" alt="a"/>',
            True,
        ),
        (
            '<img src="data:image/webp;base64,UklGRg==" alt="a"/>',
            '<img src="data:image/webp;base64,AAAA" alt="b"/>',
            False,
        ),
        ("<object at 0x7f00ff>", "<object at 0x7e11aa>", True),
        ("error 0.25 at 3 levels", "error 0.75 at 3 levels", False),
    ],
)
def test_the_sanitiser(left, right, same):
    patterns = get_sanitize_patterns((ROOT / "tests/sanitise.cfg").read_text())
    assert patterns
    for regex, replacement in patterns:
        left, right = re.sub(regex, replacement, left), re.sub(regex, replacement, right)
    assert same_text(left, right) is same
