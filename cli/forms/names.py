"""The forms by the names that people type. Apart, because --help needs them and nothing else."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """The forms that labels are read from."""

    FOLDERS = "folders"
    CSV = "csv"
    JSONL = "jsonl"
    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    COMPREHEND = "comprehend"
    VERTEX = "vertex"
    SERVICE = "service"
