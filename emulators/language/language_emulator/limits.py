"""Documented limits of the service, by name. Sources: the July 2021 limits page and the current service-limits page."""

from __future__ import annotations

import re

DOCUMENTS_PER_REQUEST = 25
# In text elements (text_elements.py).
CHARACTERS_PER_REQUEST = 125_000
CHARACTERS_PER_RECORD = 1_000
ANALYZE_BODY_BYTES = 1_048_576
# Not documented; large enough for a project file of 100,000 documents.
AUTHORING_BODY_BYTES = 64 * 1_048_576

# The only training configuration the docs list.
TRAINING_CONFIG = "2022-05-01"
TRAINING_CHARACTERS_2021 = 17_500
TRAINING_CHARACTERS = 128_000
DOCUMENTS_FOR_EVALUATION = 10
CLASSES = 200
PROJECTS = 500
MODELS_PER_PROJECT = 10
DEPLOYMENTS_PER_PROJECT = 10
PAGE_MAXIMUM = 50

NAME_2021 = re.compile(r"[A-Za-z0-9]{1,100}")
CLASS_NAME_2021 = re.compile(r"[\w@#.,^\\\[\]]+")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,50}")
CLASS_NAME = re.compile(r"[^:$&%*()+~#/?]{1,50}")
LANGUAGES_2021 = ("en-us", "fr-fr", "de-de", "it-it", "es-es", "pt-pt", "pt-br")
