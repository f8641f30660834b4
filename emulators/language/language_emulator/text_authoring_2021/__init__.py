"""The 2021 preview on the wire: authoring `v1.0-preview.2`, analyze `v3.1-preview.ct.1`."""

import re

AUTHORING_VERSION = "v1.0-preview.2"
ANALYZE_VERSION = "v3.1-preview.ct.1"
AUTHORING_BASE = f"/language/text/authoring/{AUTHORING_VERSION}"
ANALYZE_BASE = f"/text/analytics/{ANALYZE_VERSION}"

# The same addresses under whatever version, by the one that is served.
VERSIONED = {
    AUTHORING_VERSION: re.compile(r"/language/text/authoring/(?P<version>[^/]+)(/|$)"),
    ANALYZE_VERSION: re.compile(r"/text/analytics/(?P<version>[^/]+)/analyze(/|$)"),
}
