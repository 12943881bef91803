# Sourced by the other scripts: makes the virtual environment .venv, installs this checkout into
# it with the extras named in $EXTRAS, and activates it. Does nothing that is done already.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
EXTRAS="${EXTRAS:-mpi}"

find_python() {
    local name
    for name in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "worldmodels needs Python 3.11, 3.12 or 3.13: install one, or name it in PYTHON." >&2
    return 1
}

if [ ! -x .venv/bin/python ]; then
    python="$(find_python)" || exit 1
    "$python" -m venv .venv
fi
# shellcheck disable=SC1091
source .venv/bin/activate
stamp=".venv/installed-$EXTRAS"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    echo "Installing into .venv (a few minutes the first time) ..." >&2
    python -m pip install --quiet --disable-pip-version-check --editable ".[$EXTRAS]"
    touch "$stamp"
fi
