"""Annotations of PASCAL VOC and COCO with mistakes, and segmentations that are none."""

from __future__ import annotations

import io
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fuzz.case import Case, Maker
from benchmarks.fuzz.mutations import broken_text, mutated
from benchmarks.fuzz.pictures import WHOLE, damaged, encoded, no_picture
from helpers.data.multilabel.coco_annotations import CocoAnnotations, read_annotations
from helpers.data.multilabel.voc_annotations import VOC_CLASSES, VOID, as_palette, read_numbers, read_objects

OBJECT = (
    "<object><name>{name}</name><pose>Left</pose><truncated>0</truncated><difficult>{difficult}</difficult>"
    "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
)
TEXTS = ("", "dog ", "Dog", "doge", "2", "-1", "nan", "\u202e", "true", "<b/>", "&a;", "]]>")
BILLION = (
    '<!DOCTYPE annotation [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


def voc(random: Random, folder: Path) -> Case:
    """An annotation file of VOC."""
    path = folder / "000001.xml"
    objects = [OBJECT.format(name=random.choice(VOC_CLASSES), difficult=random.choice("01")) for _ in range(3)]
    text = f"<annotation><filename>a.jpg</filename>{''.join(objects)}</annotation>"
    kind = random.choice(["whole", "text", "name", "difficult", "no name", "entities", "outside", "deep", "encoding"])
    due: Any = "either"
    if kind == "whole":
        due = "accept"
    elif kind == "text":
        more, content = broken_text(random, text)
        path.write_bytes(content)
        return Case(f"voc {more}", due, lambda: read_objects(path), _no_objects)
    elif kind in ("name", "difficult"):
        value = random.choice(TEXTS)
        text = text.replace(objects[0], OBJECT.format(**{"name": "dog", "difficult": "0", kind: value}), 1)
    elif kind == "no name":
        text, due = text.replace("<name>", "<n>", 1).replace("</name>", "</n>", 1), "refuse"
    elif kind == "entities":
        text, due = BILLION + text.replace("a.jpg", "&i;"), "refuse"
    elif kind == "outside":
        text = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + text.replace(objects[0], objects[0] + "&e;")
        due = "refuse"
    elif kind == "deep":
        text = "<annotation>" + "<a>" * 50_000 + "</a>" * 50_000 + "</annotation>"
    else:
        text = f'<?xml version="1.0" encoding="{random.choice(["utf-7", "x", "idna", "ascii", "rot13"])}"?>' + text
    path.write_text(text, encoding="utf-8")
    return Case(f"voc {kind}", due, lambda: read_objects(path), _no_objects)


def _no_objects(found: Any) -> str | None:
    right = all(0 <= number < len(VOC_CLASSES) and isinstance(difficult, bool) for number, difficult in found)
    return None if right else "an object has no class of VOC"


def segmentation(random: Random, folder: Path) -> Case:
    """A segmentation of VOC: in its palette, in its colours, in others, damaged, or no picture."""
    path = folder / "000001.png"
    shape = random.choice([(8, 9), (1, 1), (30, 4)])
    kind = random.choice(["palette", "colours", "numbers", "damaged", "picture", "nothing", "too large"])
    numbers = np.array([random.choice([0, 3, 20, VOID]) for _ in range(shape[0] * shape[1])], np.uint8).reshape(shape)
    picture, due = as_palette(numbers), "accept"
    if kind == "colours":
        picture = picture.convert("RGB")
    elif kind == "numbers":
        picture, due = Image.fromarray(numbers), "either"  # 0 and 255 alone are a mask of black and white
    elif kind == "too large":
        numbers[0, 0] = random.choice([21, 100, 254])
        picture, due = as_palette(numbers), "refuse"
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    content = stream.getvalue()
    if kind == "damaged":
        more, content = damaged(random, content)
        kind, due = f"damaged {more}", "either"
    elif kind == "picture":
        content, due = encoded(random, random.choice(list(WHOLE)), (16, 16)), "either"
    elif kind == "nothing":
        content, due = no_picture(random)[1], "refuse"
    path.write_bytes(content)

    def wrong(found: Any) -> str | None:
        if due == "accept" and not (found == numbers).all():
            return "the numbers are others"
        return None if set(np.unique(found)) <= {*range(21), VOID} else "a number is no class"

    return Case(f"segmentation {kind}", due, lambda: read_numbers(path, 20), wrong)  # type: ignore[arg-type]


def _coco_tree(random: Random) -> dict[str, Any]:
    box = [2, 2, 12, 2, 12, 9, 2, 9]
    runs = {"size": [16, 20], "counts": [16, 4, 300]}
    packed = {"size": [16, 20], "counts": "0`0P:"}
    outlines = ([box], [box, [1, 1, 5, 1, 3, 6]], runs, packed)
    annotations = [
        {"id": n, "image_id": 1 + n % 2, "category_id": random.choice([1, 18]), "iscrowd": int(isinstance(one, dict)),
         "segmentation": one, "bbox": [2, 2, 10, 7], "area": 70}
        for n, one in enumerate(random.sample(outlines, 3), start=1)
    ]  # fmt: skip
    images = [{"id": n, "file_name": f"{n}.jpg", "height": 16, "width": 20} for n in (1, 2)]
    names = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
    return {"info": {}, "images": images, "annotations": annotations, "categories": names}


def coco(random: Random, folder: Path) -> Case:
    """An annotation file of COCO, and all outlines in it."""
    path = folder / "instances_val2014.json"
    tree = _coco_tree(random)
    if random.random() < 0.2:
        done, content = broken_text(random, json.dumps(tree))
    else:
        done, tree = mutated(random, tree)
        content = json.dumps(tree, ensure_ascii=random.random() < 0.5).encode()
    path.write_bytes(content)
    return Case(f"coco {done}", "either", lambda: _outlines(read_annotations(path)), _no_outlines)


def _outlines(content: CocoAnnotations) -> list[np.ndarray]:
    return [content.outline(number, each) for number, items in content.objects.items() for each in items]


def _no_outlines(found: Any) -> str | None:
    return None if all(each.ndim == 2 and each.dtype == bool for each in found) else "an outline is no mask"


KINDS: dict[str, Maker] = {"annotations of VOC": voc, "segmentations of VOC": segmentation, "annotations of COCO": coco}
