"""What creates and deploys the app in Azure; only infra/hooks is Python."""
