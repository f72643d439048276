"""A slip in `papermill -p NAME VALUE` stops the page, which would else run with the default."""

import pytest

from helpers.reporting.figure_page import FigurePage
from helpers.reporting.injected import refuse_unknown_parameters

PAGE = ["", "%matplotlib inline", 'profile = "quick"\nsteps: int = 3', "import torch"]


def run(injected, page=PAGE):
    """The cells of a page with papermill's own cell after that of the parameters."""
    return [*page[:3], f"# Parameters\n{injected}\n", *page[3:]]


@pytest.mark.parametrize(
    ("injected", "words"),
    [
        ('porfile = "study"', "no parameter 'porfile'; did you mean 'profile'"),
        ('profile = "study"\nstep = 4', "no parameter 'step'; did you mean 'steps'"),
        ("zzz = 1", "no parameter 'zzz'; it has: profile, steps"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_one(injected, words):
    with pytest.raises(ValueError, match=words):
        refuse_unknown_parameters(run(injected))


@pytest.mark.parametrize(
    "cells",
    [
        run('profile = "study"\nsteps = 4'),
        PAGE,  # without papermill
        ["", "# Parameters\nanything = 1", "import torch"],  # a notebook without a cell of parameters
    ],
)
def test_others_pass(cells):
    refuse_unknown_parameters(cells)


def test_every_page_of_a_figure_asks(monkeypatch, unchecked):
    class Shell:
        user_ns = {"In": run("porfile = 1")}  # noqa: RUF012

    monkeypatch.setattr("IPython.get_ipython", Shell)
    with pytest.raises(ValueError, match="did you mean 'profile'"):
        FigurePage("recartoonx-fig3", None)
