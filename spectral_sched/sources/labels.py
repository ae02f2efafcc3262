"""Classes listed in ``dataset.json``, as NVlabs' ``dataset_tool.py`` writes it.

Where a zip or a folder has such a list at its top, its folders are mere portions, and
the class of an image is its label there, if any. These labels are the one thing of a
source that is held. A list that says nothing of labels is none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from spectral_sched.words import number_of

from .item import LABELS_NAME, folder_label, quote_name

if TYPE_CHECKING:
    from .aside import Aside


class Labels:
    """The classes of the images of a source.

    Parameters
    ----------
    place
        What to call the list in messages.
    content
        What the list holds; None where there is none, and folders are the classes.
    aside
        Is told of labels that cannot be used.
    """

    def __init__(self, place: str, content: bytes | None, aside: Aside) -> None:
        self.place, self.aside = place, aside
        self.labels = None if content is None else self._read(content)
        self.listed = content is not None
        if self.listed and self.labels is None:
            aside.other(LABELS_NAME)
        self.num_found = self.num_missing = 0
        self.first_missing = ""

    def are_in(self, name: str) -> bool:
        """Return whether a file of the source is the list itself."""
        return name == LABELS_NAME and self.listed

    def of(self, name: str) -> str:
        """Return the class of an image, by its name in the source."""
        if self.labels is None:
            return folder_label(name)
        label = self.labels.get(name)
        if label is None:
            self.num_missing += 1
            self.first_missing = self.first_missing or name
            return ""
        self.num_found += 1
        return label

    def tell(self) -> None:
        """Tell of labels that are of no image, once all images were seen."""
        if not self.labels:
            return
        unused = len(self.labels) - self.num_found
        if unused > 0:
            self.aside.remark(
                f"{unused} of {len(self.labels)} labels in {self.place} are of no "
                "image of that name; write names as they are, with /"
            )
        if self.num_missing:
            self.aside.remark(
                f"{number_of(self.num_missing, 'image has', 'images have')} no label "
                f"in {self.place} (the first: {quote_name(self.first_missing)}) and "
                f"{'is' if self.num_missing == 1 else 'are'} in no class"
            )

    def _read(self, content: bytes) -> dict[str, str] | None:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            self.aside.remark(
                f"the labels in {self.place} cannot be read, so there are no classes: "
                f"it is no JSON ({error})"
            )
            return {}
        if isinstance(document, dict) and "labels" not in document:
            return None
        pairs = document["labels"] if isinstance(document, dict) else document
        if pairs is None:
            return {}
        if not isinstance(pairs, list) or isinstance(document, list):
            self.aside.remark(
                f'{self.place} holds no labels as in {{"labels": [["a.png", 3]]}}, so '
                "there are no classes"
            )
            return {}
        return self._usable(pairs)

    def _usable(self, pairs: list[Any]) -> dict[str, str]:
        labels, unusable = {}, []
        for pair in pairs:
            match pair:
                case [str(name), int(label)] if not isinstance(label, bool):
                    labels[name] = str(label)
                case _:
                    unusable.append(pair)
        if unusable:
            first = json.dumps(unusable[0])
            self.aside.remark(
                f"{len(unusable)} of {len(pairs)} labels in {self.place} are not a "
                f"name and an integer (the first: {first[:60]}), so their images are "
                "in no class"
            )
        return labels
