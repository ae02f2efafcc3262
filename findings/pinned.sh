# Give `python` from a fresh environment with the packages named: pinned PACKAGE==VERSION ...
pinned() {
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
    "${PYTHON:-python3}" -m venv "$place/env"
    "$place/env/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    cd "$place"
    python() { "$place/env/bin/python" -W ignore "$@"; }
}
