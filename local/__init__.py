"""The local stand-in for the cloud: Azurite, the functions host, the Language emulator. Never ships."""
