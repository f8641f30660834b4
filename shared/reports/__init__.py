"""The bodies of HTTP answers as pydantic models, and the questions that fill them."""
