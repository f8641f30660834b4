# Stage exactly what ships into build/package. Needs Python 3, and nothing installed in it.
$ErrorActionPreference = 'Stop'

Set-Location (Join-Path $PSScriptRoot '../..')

python -m tools.package
exit $LASTEXITCODE
