#!/usr/bin/env bash
# Runs every program of bench/ beside its peer and prints one table; --help says more.
set -euo pipefail
exec python3 "$(dirname "${BASH_SOURCE[0]}")/table.py" "$@"
