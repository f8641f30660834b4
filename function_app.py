"""Composition root: settings, services, blueprints. Importing makes no network call.

Wrong or missing settings stop the app here, because running without them would make every message a dead letter.
"""

import logging

import azure.functions as func

from functions import blueprints
from shared.config import load_settings
from shared.errors import SettingsError
from shared.services import build_services, quiet_libraries

quiet_libraries()
try:
    services = build_services(load_settings())
except SettingsError as error:
    # The platform shows "0 functions found" and little else; this line is what an operator will find.
    logging.getLogger("pigeonhole").critical("%s", error)
    raise

# Of routes that say nothing else: those that read, and the one that classifies one document again.
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in blueprints(services):
    app.register_functions(blueprint)
