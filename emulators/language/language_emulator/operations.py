"""The names of the service's operations, the same in every API version: for fault rules, counts and routes."""

from __future__ import annotations

ANALYZE = frozenset({"submit_analysis", "get_analysis", "cancel_analysis"})

AUTHORING = frozenset(
    {
        "list_projects",
        "create_project",
        "get_project",
        "update_project",
        "delete_project",
        "get_deletion",
        "import_project",
        "get_import",
        "export_project",
        "get_export",
        "get_exported_file",
        "train",
        "get_training",
        "list_trainings",
        "cancel_training",
        "list_models",
        "get_model",
        "delete_model",
        "get_evaluation",
        "get_validation",
        "get_document_results",
        "publish",
        "get_publishing",
        "deploy",
        "get_deployment_job",
        "list_deployments",
        "get_deployment",
        "delete_deployment",
        "swap_deployments",
        "get_swap",
        "list_languages",
        "list_training_config_versions",
    }
)

ALL = ANALYZE | AUTHORING


def api_of(operation: str) -> str:
    """Which of the two APIs it belongs to; each has its own base and rate limit."""
    return "analyze" if operation in ANALYZE else "authoring"
