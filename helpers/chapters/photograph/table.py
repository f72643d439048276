"""The registered table `photograph`: all experiments with the cat that need weights of the data folder."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from helpers.chapters.gallery import PROFILE as GALLERY_PROFILE
from helpers.chapters.photograph.album import Entry, to_table
from helpers.chapters.photograph.codes import borders_entry, codes_entry, others_entry, wavelets_entry
from helpers.chapters.photograph.judge import Judge, other_digests
from helpers.chapters.photograph.maps import explainer_entry, explainer_files, peer_entries, rollout_entry
from helpers.chapters.photograph.searches import (
    convergence_entry,
    gallery_entries,
    price_entry,
    starts_entry,
    waveletx_entry,
)
from helpers.core.files import file_digest
from helpers.papers.recartoonx.experiments import Study
from helpers.results import none_if_missing, results_folder


def photograph_table(study: Study) -> pd.DataFrame:
    """Every chapter's method on the photograph.

    Returns:
        Columns entry, name, number, words (`helpers.chapters.photograph.album.to_table`).
    """
    judge = Judge(study.classifier, study.images.images)
    black = {f"black-{name}": value for name, value in judge(torch.zeros_like(judge.image)).items()}
    entries = {
        "photograph": Entry(judge(judge.image) | black, {"image": judge.image[0]}),
        **gallery_entries(judge),
        "wavelets": wavelets_entry(judge),
        "wavelet-borders": borders_entry(judge),
        **peer_entries(judge),
        "vit-rollout": rollout_entry(),
        "explainer": explainer_entry(),
        "codes": codes_entry(),
        "others": others_entry(judge),
        "waveletx": waveletx_entry(study, judge),
        "starting-masks": starts_entry(study),
        "convergence": convergence_entry(study),
        "own-price": price_entry(study),
    }
    return to_table(entries, results_folder(study.profile, study.root))


def photograph_inputs(study: Study) -> dict[str, Any]:
    """The digests of the stored gallery, of the other networks and of VOC's networks."""
    gallery = results_folder(GALLERY_PROFILE) / "gallery.csv"
    return {
        "gallery": none_if_missing(lambda: file_digest(gallery)),
        "others": other_digests(),
        "explainers": none_if_missing(
            lambda: {name: [file_digest(path) for path in files] for name, files in explainer_files().items()}
        ),
    }
