"""For tests of a client: an emulator in this process, a corpus that it learns in a moment, and clients to set it up.

    with running_emulator(EmulatorSettings(storage_folder=folder)) as emulator:
        ...  # emulator.url, emulator.settings.key

`corpus` has labelled documents, `analyze_text` and `text_authoring_2021` a client of each generation of the API (they
need httpx: `pip install language-emulator[testing]`). The clients share no code with the emulator, which is tested
with them.
"""

from language_emulator.clock import ManualClock
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings

__all__ = ["EmulatorSettings", "ManualClock", "RunningEmulator", "running_emulator"]
