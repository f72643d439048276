"""A stranger's method with mistakes, and the files that `--save` writes."""

import hashlib
import re

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.__main__ import main
from helpers.benchmark import load_metrics
from helpers.benchmark.release import FIELDS, tidy, write_maps, write_scores
from helpers.benchmark.strangers import load_method, score_method, silence
from helpers.core.endings import CommandEnd
from helpers.core.explanation import Explanation
from helpers.results import write_table

MINE = """
import torch

class Base:
    def __init__(self, classifier):
        pass

class Mine(Base):
    def explain(self, images, targets):
        return images

class Silent(Base):
    def explain(self, images, targets):
        maps = images[:, 0].clone()
        maps[0], maps[1, 0, 0] = 0.5, torch.nan
        return maps

class Small(Base):
    def explain(self, images, targets):
        return images[:, 0, :4]

class Text(Base):
    def explain(self, images, targets):
        return "a map"

class Raises(Base):
    def explain(self, images, targets):
        return images / self.scale  # line 28

class Complex(Base):
    def explain(self, images, targets):
        return images[:, 0] @ images[0, 0, :4]  # line 32

class Nothing(Base):
    pass

class Lonely:
    def explain(self, images, targets):
        return images
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Small", r"Small must return \(3, 32, 32\), not \(3, 4, 32\)"),
        ("Text", "Text must return an Explanation or a tensor, not str"),
        ("Raises", r"mine.py:Raises, line 28: AttributeError: .*'scale'"),
        ("Complex", "mine.py:Complex, line 32: RuntimeError: "),
        ("Nothing", "neither explain"),
        ("Lonely", r"mine.py:Lonely: Lonely\(\) takes no arguments"),
    ],
)
def test_a_mistake_is_named_with_its_line(file, case, name, words):
    spec = f"{file}:{name}"
    with pytest.raises(ValueError, match=words) as error:
        score_method(load_method(spec), case, spec)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("class Mine:\n    def explain(self)\n", "line 2: SyntaxError"),
        ("import torch\nimport no_such_package\n", "line 2: ModuleNotFoundError: No module named 'no_such_package'"),
        ("import torch\n\n1 / 0\n", "line 3: ZeroDivisionError"),
        ("x = 1\n", "has no class 'Mine'"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path, content, words):
    path = tmp_path / "mine.py"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        load_method(f"{path}:Mine")


def test_silent_maps_are_counted(file, case):
    spec = f"{file}:Silent"
    table = score_method(load_method(spec), case, spec)
    assert table["silent"].tolist() == [True, True, False]
    assert silence(table).startswith("Silent: 2 of 3 maps are constant or have values that are not finite")
    assert silence(table[2:]) == ""


def test_the_files_say_what_they_hold(file, case, tmp_path):
    spec, folder = f"{file}:Mine", tmp_path / "scores"
    mine = load_method(spec)
    table = score_method(mine, case, spec)
    maps = case.images.sum(1) / case.images.sum(1).amax((1, 2), keepdim=True)
    write_maps(folder, "Mine", case, maps, {"classifier": "linear"})
    files = write_scores(folder, table, command="the command", made={"classifier": "linear"})
    rows = pd.read_parquet(folder / "scores.parquet")
    assert len(rows) == 3 * len(load_metrics(case)), "one row per metric and image"
    assert list(rows) == list(FIELDS)
    assert not rows.duplicated(["method", "metric", "image"]).any()
    chosen = rows[rows["metric"] == "insertion-blur"].set_index("image")["value"]
    np.testing.assert_array_equal(chosen, table["insertion-blur"])
    written = pd.read_csv(folder / "scores.csv")
    pd.testing.assert_frame_equal(written, rows, check_dtype=False)
    back = Explanation.load(folder / "maps/Mine.zip")
    assert back.mask.dtype == torch.float16
    torch.testing.assert_close(back.heatmaps.float(), maps, atol=5e-4, rtol=0)
    card = (folder / "README.md").read_text(encoding="utf-8")
    for path in files[:-1]:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    for word in (*FIELDS, *rows["metric"].unique(), "MIT", "the command", "| classifier | linear |"):
        assert word in card


def test_the_rows_of_a_wide_table_are_all_there():
    wide = pd.DataFrame({"method": ["a", "b"], "control": False, "image": 0, "silent": False, "seconds": 0.1})
    rows = tidy(wide.assign(iou=[0.1, 0.2], infidelity=[0.3, np.nan]))
    assert rows["value"].tolist()[:3] == [0.1, 0.2, 0.3]
    assert rows["higher"].tolist() == [True, True, False, False]


def test_the_command_says_the_mistake_and_saves(file, tmp_path, capsys):
    metrics = list(load_metrics())
    exam = pd.DataFrame(
        {"metric": metrics, "test": "order", "statistic": 1.0, "passed": True, "decided": True, "n": 64}
    )
    ours = pd.DataFrame({"method": "grad-cam", "control": False, "image": range(2), "silent": False, "seconds": 0.1})
    write_table(exam, "benchmark", "metric-examination", {}, root=tmp_path)
    write_table(ours.assign(**dict.fromkeys(metrics, 0.5)), "benchmark-scenes", "benchmark", {}, root=tmp_path)
    command = ["benchmark", "--scenes", "2", "--results", str(tmp_path), "--methods"]
    with pytest.raises(CommandEnd, match="line 28"):
        main([*command, f"{file}:Raises"])
    capsys.readouterr()
    main([*command, f"{file}:Silent", "--save", str(tmp_path / "out"), "--maps", "brightness"])
    out = capsys.readouterr().out
    assert "Silent: 2 of 2 maps" in out
    assert {path.name for path in (tmp_path / "out").rglob("*.*")} == {
        *("scores.csv", "scores.parquet", "README.md", "Silent.zip", "brightness.zip")
    }
    rows = pd.read_parquet(tmp_path / "out/scores.parquet")
    assert set(rows["method"]) == {"Silent", "grad-cam"}
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert re.search(
        r"python -m helpers benchmark --methods \S+mine.py:Silent --scenes 2 --maps brightness --save", card
    )
    with pytest.raises(CommandEnd, match="no method 'brightnes'"):
        main([*command, f"{file}:Mine", "--save", str(tmp_path / "out"), "--maps", "brightnes"])
