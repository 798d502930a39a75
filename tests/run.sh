#!/usr/bin/env bash
# Sets the machine up, builds everything and runs every test. Arguments go to ctest, for example
# `tests/run.sh -R boundaries`.
#
# Environment: COCOLA_PRESET  preset of CMakePresets.json (default: release)
#              COCOLA_JOBS    parallel compilations (default: one per core)
#              COCOLA_VENV    folder of the Python environment (default: .venv in the project)
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
COCOLA_VENV=$(realpath -m "${COCOLA_VENV:-$project/.venv}")
export COCOLA_VENV
cd "$project"

preset=${COCOLA_PRESET:-release}
python=$COCOLA_VENV/bin/python3

bash cmake/setup.sh --peers
# The tests of the job scripts need root and Slurm, whose packages belong into containers alone: where systemd runs
# they would start services.
if ((EUID == 0)) && [[ ! -d /run/systemd/system ]]; then
  bash cmake/setup.sh --slurm || echo "tests/run.sh: there is no Slurm, so its tests are skipped" >&2
fi
if ! command -v chromium-headless-shell chromium chromium-browser google-chrome-stable google-chrome >/dev/null; then
  bash cmake/setup.sh --browser || echo "tests/run.sh: there is no browser, so its tests are skipped" >&2
fi
# Clones of one commit share what ccache keeps.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$project}
cmake --preset "$preset" -DCOCOLA_PYTHON="$python"
cmake --build --preset "$preset" --parallel "${COCOLA_JOBS:-$(nproc)}"

# Tests that compare with other implementations run only where their Python packages are. Open MPI
# refuses to start as root, the usual user of a container, unless told twice.
export COCOLA_PYTHON_FOR_TESTS=$python
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ctest --preset "$preset" "$@"
