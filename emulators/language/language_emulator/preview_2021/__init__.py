"""The 2021 preview on the wire: authoring `v1.0-preview.2`, analyze `v3.1-preview.ct.1`."""

AUTHORING_VERSION = "v1.0-preview.2"
ANALYZE_VERSION = "v3.1-preview.ct.1"
AUTHORING_BASE = f"/language/text/authoring/{AUTHORING_VERSION}"
ANALYZE_BASE = f"/text/analytics/{ANALYZE_VERSION}"
