"""A text that any model classifies: it asks whether the service answers for a model, without a document. Pure."""

from __future__ import annotations

from shared.language.apis.base import Call, LanguageApi
from shared.language.values import ModelRef, TextInput

# Any text will do: a probe asks whether the model answers, not what.
PROBE_TEXT = "Please confirm that you received the documents and tell us how to proceed."


def submit_probe(api: LanguageApi, model: ModelRef, *, text_id: str, display_name: str) -> Call[str]:
    """Submit one text to the model; it costs one text record where it is accepted."""
    return api.submit_analyze([TextInput(text_id, PROBE_TEXT)], model, display_name=display_name)
