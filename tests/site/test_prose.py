"""The words of the pages: what is prose, and which of its words are refused."""

from helpers.site.prose import prose, prose_faults

PAGE = """---
title: the color
---
# Colour

In order to see `color`, read "in their color
scheme". In the mean, $color$ is
[grey](color.md).

```{code-cell}
color = 1
```

```{note}
A gray note.
```
"""


def test_words_of_prose_are_found_with_their_lines(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book/words.yaml").write_text(
        "in order to: to\ncolor|gray: British spelling\nin the mean: on average\n"
    )
    page = tmp_path / "book/page.md"
    page.write_text(PAGE)
    assert sorted(prose_faults([page], tmp_path)) == [
        "book/page.md:15: 'gray': British spelling",
        "book/page.md:6: 'In order to': to",
        "book/page.md:7: 'In the mean': on average",
    ]


def test_lines_keep_their_numbers():
    assert prose(PAGE).count("\n") == PAGE.count("\n")
