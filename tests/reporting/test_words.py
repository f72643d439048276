"""What pages say and show."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from helpers.reporting.words import show_numbers


def test_numbers_are_handed_to_the_text_under_their_names_and_not_displayed() -> None:
    InteractiveShell.instance()  # as in a notebook: without a shell, display() prints
    with capture_output() as captured:
        show_numbers({"m-b": 3.25}, area=0.4, name="a dog")
    hidden = "application/papermill.record/text/plain"  # a type that no browser displays
    glued = {output.metadata["scrapbook"]["name"]: output.data for output in captured.outputs}
    assert glued == {"m-b": {hidden: "3.25"}, "area": {hidden: "0.4"}, "name": {hidden: "'a dog'"}}
