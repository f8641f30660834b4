"""What people type: speaks to a running app over HTTP and to its storage, on a laptop as on Azure. Never ships."""
