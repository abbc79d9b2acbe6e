# Runs its arguments with the first Python of at least 3.11 that can make an environment; PYTHON chooses another.
newest=
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    # Run, not only looked up: a version manager leaves names on PATH behind which there is nothing.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        newest=${newest:-$candidate}
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            exec "$candidate" "$@"
        fi
    fi
done
if [ -n "$newest" ]; then
    # environment.py says what is missing.
    exec "$newest" "$@"
fi
echo "Python 3.11 or newer is needed and was not found. Install it, or name it: make PYTHON=/path/to/python3 ..." >&2
exit 1
