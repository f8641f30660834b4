"""azd's hooks, started by one line each in azure.yaml: `python3 -m infra.hooks NAME`, at the root of the repository.

They need Python 3.9 and nothing installed in it. A hook may run as often as one likes and ends the same. It deletes
nothing, and no key enters it: keys are read inside Azure, and what `az` prints of addresses is masked.
"""

import sys

if sys.version_info < (3, 9):  # noqa: UP036 - the app needs a newer one, its hooks do not
    sys.exit("The hooks need Python 3.9 or later; this is " + sys.version.split()[0] + " (" + sys.executable + ")")
