"""The generally available API on the wire: one base, the version in the `api-version` query."""

AUTHORING_BASE = "/language/authoring/analyze-text"
ANALYZE_BASE = "/language/analyze-text"

ANALYZE_VERSIONS = ("2022-05-01", "2022-10-01-preview", "2023-04-01")
# The later previews as far as Microsoft's authoring client 1.0.0b1 goes.
AUTHORING_VERSIONS = (*ANALYZE_VERSIONS, "2024-11-15-preview", "2025-05-15-preview")
