"""What keeps a start cheap: said before the libraries are imported, and again when all is."""

from __future__ import annotations

import gc
import os


def begin() -> None:
    """Before anything else is imported."""
    # A sixth of a cold start would go to a collector that finds nothing: what is imported stays.
    gc.disable()
    # Nor is pydantic to look through all that is installed for plugins of its own: there are none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def end() -> None:
    """When everything is imported and wired."""
    # The collector is not to walk all of that again whenever a document comes, or to look for the little garbage of the
    # storage SDK every 700 objects: that is 4 % of a document's CPU.
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()
