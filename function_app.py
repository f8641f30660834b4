"""Composition root: settings, services, blueprints. Importing makes no network call.

Wrong or missing settings stop the app here, because running without them would make every message a dead letter.
"""

import sys
from pathlib import Path

from shared import start
from shared.python_version import check_python

# Before anything compiled is imported. A plain line reaches the host's log; one of logging would be dropped here, as it
# belongs to no invocation.
sys.stdout.write(f"pigeonhole: {check_python(Path(__file__).parent)}\n")
sys.stdout.flush()
start.begin()

import azure.functions as func

from functions import blueprints
from shared.config import load_settings
from shared.log_records import hide_secrets
from shared.services import build_services, quiet_libraries

quiet_libraries()
hide_secrets()
# The worker logs a SettingsError as the reason for "0 functions found".
services = build_services(load_settings())

# Of a route without a key of its own; those of functions/routes.py all name theirs.
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in blueprints(services):
    app.register_functions(blueprint)
start.end()
