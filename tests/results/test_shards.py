"""Shards of a table: which batches each begins with, and that together they give what one process gives."""

import subprocess
import sys

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from helpers.__main__ import main
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.profiles import load_profile
from helpers.results.registry import TABLES
from helpers.results.shards import BY_IMAGE, computing_shard, visiting_order
from helpers.results.tables import read_table
from helpers.site.workflow import shard_count


def orders(batches, parts):
    found = []
    for part in range(1, parts + 1):
        with computing_shard(part, parts):
            found.append(visiting_order(batches))
    return found


@pytest.mark.parametrize(("batches", "parts"), [(7, 3), (2, 5), (6, 6), (100, 7), (0, 2), (5, 1)])
def test_each_shard_begins_with_its_share_and_leaves_none_out(batches, parts):
    found = orders(batches, parts)
    assert all(sorted(order) == list(range(batches)) for order in found)
    sizes = [batches * part // parts - batches * (part - 1) // parts for part in range(1, parts + 1)]
    shares = [order[:size] for order, size in zip(found, sizes, strict=True)]
    assert [batch for share in shares for batch in share] == list(range(batches))
    assert max(sizes) - min(sizes) <= 1


def test_helpers_seldom_take_the_same_batch():
    first, second = (order[25:] for order in orders(100, 4)[:2])  # what each computes beyond its share
    same = sum(one == other for one, other in zip(first, second, strict=True))
    assert same < 5


def test_without_a_shard_the_order_is_that_of_the_images():
    assert visiting_order(4) == [0, 1, 2, 3]
    with computing_shard(1, 2):
        pass
    assert visiting_order(4) == [0, 1, 2, 3]


@pytest.mark.parametrize("part", [0, 4, -1])
def test_a_shard_that_does_not_exist(part):
    with pytest.raises(ValueError, match=f"there is no shard {part} of 3"), computing_shard(part, 3):
        pass


PROFILE = """\
name: tiny
description: Seven small scenes in four batches.
device: cpu
batch_size: 2
shard: 4
images: {source: scenes, count: 7, size: 32, seed: 1000, objects: [1, 2]}
classifier: {name: scenes-cnn, normalise: true}
cartoonx: {sparsity_weight: 20, levels: 2, samples: 2, steps: 3, learning_rate: 0.3}
pixel_rde: {sparsity_weight: 4, samples: 2, steps: 3, learning_rate: 0.3}
curves: {fractions: [0, 0.5, 1], draws: 1, variant: corrected}
sweep: {sparsity_weights: [4], images: 2}
"""


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(PROFILE)
    return path


def command(profile, results, *shard):
    return ["table", "explanations", "--profile", str(profile), "--results", str(results), *shard]


def masks(results):
    """The tensors of each stored item, and the table without its times."""
    folder = results / "tiny/work/explanations"
    files = {str(path.relative_to(folder)): load_file(path) for path in folder.rglob("*.safetensors")}
    return files, read_table("tiny", "explanations", root=results).drop(columns="seconds")


def assert_same(results, others):
    (files, table), (other_files, other_table) = masks(results), masks(others)
    assert len(files) == 2 * 7
    assert files.keys() == other_files.keys()
    for name, tensors in files.items():
        assert tensors.keys() == other_files[name].keys()
        assert all(torch.equal(tensor, other_files[name][key]) for key, tensor in tensors.items())
    pd.testing.assert_frame_equal(table, other_table, check_exact=True)


@pytest.fixture
def explained(monkeypatch):
    """The number of images in each call of a method's `explain`; after "stop", the third call is Ctrl-C."""
    calls = []
    for method in (CartoonX, PixelRDE):

        def explain(self, images, *arguments, plain=method.explain, **options):
            if calls[:1] == ["stop"] and len(calls) > 2:
                raise KeyboardInterrupt
            calls.append(len(images))
            return plain(self, images, *arguments, **options)

        monkeypatch.setattr(method, "explain", explain)
    return calls


def test_two_shards_give_the_bits_of_one_process(profile, tmp_path, explained):
    main(command(profile, tmp_path / "whole"))
    assert explained == [2, 2, 2, 1] * 2
    shared = tmp_path / "shared"
    for part, sizes in (("2", [2, 1]), ("1", [2, 2])):  # each is killed after its own share of the first method
        explained[:] = ["stop"]
        with pytest.raises(SystemExit):
            main(command(profile, shared, "--shard", part, "2"))
        assert explained == ["stop", *sizes]
    explained.clear()
    main(command(profile, shared, "--shard", "1", "2"))
    assert sorted(explained) == [1, 2, 2, 2], "the second method: its share, and that of the shard which is not there"
    assert not (shared / "tiny/explanations.csv").exists(), "the table is left to the last process"
    explained.clear()
    main(command(profile, shared))
    assert explained == []
    assert_same(shared, tmp_path / "whole")
    main(command(profile, shared, "--shard", "2", "2"))
    assert explained == [], "the table is fresh"


def test_a_table_without_stored_results_has_no_shards(profile, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["table", "accuracy", "--profile", str(profile), "--results", str(tmp_path), "--shard", "1", "2"])
    assert "'accuracy' has no results stored by image; these have: benchmark, " in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0", "-3", "1.5", "true", "many"])
def test_a_wrong_shard_size_is_refused(profile, shard):
    profile.write_text(PROFILE.replace("shard: 4", f"shard: {shard}"))
    with pytest.raises(ValueError, match="the number of images of one job on a cluster, 1 or more"):
        load_profile(profile)


def test_shards_are_of_tables_that_exist():
    assert TABLES.keys() >= BY_IMAGE


def test_the_shard_size_is_no_setting_of_a_run(profile):
    with_shard = load_profile(profile)
    profile.write_text(PROFILE.replace("shard: 4\n", ""))
    assert load_profile(profile) == with_shard


def test_the_number_of_shards_follows_from_the_profile(profile, tmp_path):
    (tmp_path / "profiles").mkdir()
    content = profile.read_text()

    def count(name, size=None, **replaced):
        text = content
        for old, new in replaced.items():
            text = text.replace(old, new)
        (tmp_path / "profiles/tiny.yaml").write_text(text)
        return shard_count("tiny", TABLES[name], size, tmp_path)

    assert count("explanations") == 2, "seven images, four to a job"
    assert count("explanations", 3) == 3
    assert count("explanations", 0) == 1
    assert count("accuracy") == 1, "nothing is stored by image"
    assert count("explanations", shard="#") == 1
    with pytest.raises(ValueError, match=r"'tiny' has `shard`, and so needs the number of images \(images.count\)"):
        count("explanations", **{"count: 7, ": ""})


@pytest.mark.slow  # two processes at once; the quick test above is of one process after another
def test_shards_at_once_give_the_bits_of_one_process(profile, tmp_path, root):
    main(command(profile, tmp_path / "whole"))
    shared = tmp_path / "shared"
    parts = [["--shard", str(part), "3"] for part in (1, 2, 3)]
    jobs = [
        subprocess.Popen([sys.executable, "-m", "helpers", *command(profile, shared, *part)], cwd=root)
        for part in parts
    ]
    assert [job.wait(timeout=300) for job in jobs] == [0, 0, 0]
    main(command(profile, shared))
    assert_same(shared, tmp_path / "whole")
