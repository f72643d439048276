"""`python -m helpers explain` and other commands, with wrong words and files: one line says what is wrong."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from random import Random

from benchmarks.fuzz.case import Case, Maker, Refusal
from benchmarks.fuzz.pictures import WHOLE, bomb, damaged, encoded, no_picture
from helpers.__main__ import main
from helpers.core.evidence import read_evidence


def run(arguments: list[str]) -> str:
    """What a command prints.

    Raises:
        Refusal: it ended with status 2, and a line that says what is wrong.
        RuntimeError: it ended otherwise.
    """
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(arguments)
    except SystemExit as end:
        lines = err.getvalue().strip().splitlines()
        if end.code == 2 and lines and "error: " in lines[-1] and "Traceback" not in err.getvalue():
            # a refusal of the command, as one of its functions
            raise Refusal(lines[-1]) from None
        raise RuntimeError(f"status {end.code}, {err.getvalue()[-500:]!r}") from None
    return out.getvalue()


def explain(random: Random, folder: Path) -> Case:
    """A picture, good or bad, and words, right or wrong."""
    picture, bundle = folder / "picture.png", folder / "found.zip"
    bundle.unlink(missing_ok=True)
    kind = random.choice(["whole", "whole", "damaged", "bomb", "no picture", "missing"])
    makers = {
        "whole": lambda: encoded(random, random.choice(list(WHOLE)), (40, 33)),
        "damaged": lambda: damaged(random, encoded(random, random.choice(list(WHOLE)), (40, 33)))[1],
        "bomb": lambda: bomb(random)[1],
        "no picture": lambda: no_picture(random)[1],
    }
    picture.unlink(missing_ok=True)
    if kind != "missing":
        picture.write_bytes(makers[kind]())
    words = {"--save": str(bundle), "--method": "grad-cam", "--classifier": "scenes-small", "--size": "32"}
    wrong = {
        "--save": ("x.pt", "", str(folder), str(picture / "x.zip"), "a\0.zip"),
        "--method": ("gradcam", "", "ü"),
        "--classifier": ("scenes-smal", "", "../../etc/passwd", "vgg16 ", "resnet"),
        "--target": ("dragon", "", "-1", "0"),
        "--size": ("0", "-4", "x", "1e3", "99999999", "1"),
        "--steps": ("0", "-1", "x"),
        "--sparsity-weight": ("nan", "-1", "inf", "x"),
    }
    changed = random.choice([None, *wrong])
    if changed is not None:
        words[changed] = random.choice(wrong[changed])
    if changed in ("--steps", "--sparsity-weight"):
        words["--method"] = "cartoonx"
    arguments = ["explain", str(picture), *(f"{name}={value}" for name, value in words.items())]
    due = "accept" if kind == "whole" and changed is None else "either"

    def problem(printed: object) -> str | None:
        if not bundle.is_file():
            return "there is no bundle"
        read_evidence(bundle)
        return None if kind in ("whole", "damaged", "bomb") else "there is no picture"

    return Case(f"explain {kind} {changed}={words.get(changed or '')!r}", due, lambda: run(arguments), problem)  # type: ignore[arg-type]


KINDS: dict[str, Maker] = {"python -m helpers explain": explain}
