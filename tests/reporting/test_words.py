"""What pages say and show."""

from __future__ import annotations

import numpy as np
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from helpers.plots import panels
from helpers.reporting.words import show_numbers, show_table


def test_numbers_are_handed_to_the_text_under_their_names_and_not_displayed() -> None:
    InteractiveShell.instance()  # as in a notebook: without a shell, display() prints
    with capture_output() as captured:
        show_numbers({"m-b": np.float64(3.25)}, area=0.4, name="a dog")  # NumPy's number as Python's
    hidden = "application/papermill.record/text/plain"  # a type that no browser displays
    glued = {output.metadata["scrapbook"]["name"]: output.data for output in captured.outputs}
    assert glued == {"m-b": {hidden: "3.25"}, "area": {hidden: "0.4"}, "name": {hidden: "'a dog'"}}


def test_figures_and_tables_are_shown_too_under_their_names() -> None:
    """JupyterLab does not know the directives that place them on the site."""
    InteractiveShell.instance()
    with panels(size=(2, 1)) as (figure, axes):
        axes.plot([0, 1])
    with capture_output() as captured:
        show_numbers({"a-table": show_table(pd.DataFrame({"x": [1]})), "a-figure": figure})
    first, table, second, picture = captured.outputs
    assert [first.data["text/markdown"], second.data["text/markdown"]] == ["`a-table`:", "`a-figure`:"]
    assert "<table" in table.data["text/html"]
    assert [output.metadata["scrapbook"]["name"] for output in (table, picture)] == ["a-table", "a-figure"]
