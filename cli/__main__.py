"""`python -m cli`: the command `pigeonhole` where it is not installed."""

from __future__ import annotations

from cli.main import app

if __name__ == "__main__":
    app(prog_name="pigeonhole")
