#!/bin/sh
# Stage exactly what ships into build/package. Needs Python 3, and nothing installed in it.
set -eu

cd "$(dirname "$0")/../.."

if command -v python3 >/dev/null 2>&1; then
  exec python3 -m tools.package
fi
exec python -m tools.package
