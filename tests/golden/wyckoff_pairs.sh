#!/usr/bin/env bash
# The Wyckoff machine against the reference detector on fresh series: wyckoff_pairs.py, where the reference is there.
#   wyckoff_pairs.sh [first-seed [series-per-noise]]     PROPFLEET_SHARED=folder that holds spec/reference
#   BUILD=folder: the build to take. About a minute of two processors for 3 x 1,000 series.
set -u
cd "$(dirname "$0")/../.."
reference=${PROPFLEET_SHARED:-}/spec/reference
if [ -z "${PROPFLEET_SHARED:-}" ] || [ ! -f "$reference/wyckoff_generator.py" ] || [ ! -f "$reference/wyckoff_detector.py" ]; then
    echo "skip - PROPFLEET_SHARED names no folder with spec/reference/wyckoff_*.py"
    exit 0
fi
if ! /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    echo "skip - /usr/bin/python3 has no numpy"
    exit 0
fi
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
exec /usr/bin/python3 tests/golden/wyckoff_pairs.py "$reference" "${BUILD:-build}/tests/wyckoff_pairs" "$@"
