#!/usr/bin/env bash
# Runs every golden file under the folders that it is given: rules_vectors.csv against the rules, the families' folders
# (indicators/, stats/, ...) against the quantitative parts. Fails when one differs or nothing was found.
#   run.sh folder ...      BUILD=folder: the build to take
set -u
bin=${BUILD:-$(dirname "$0")/../../build}/tests
found=0
status=0
for folder in "$@"; do
    [ -d "$folder" ] || { echo "not ok - $folder: no such folder"; status=1; }
done
if [ -n "$(find "$@" -name rules_vectors.csv -print -quit 2>/dev/null)" ]; then
    found=1
    "$bin/golden" "$@" || status=1
fi
"$bin/golden_quant" "$@"
case $? in
0) found=1 ;;
2) ;;
*) found=1 status=1 ;;
esac
[ $found -eq 1 ] || { echo "not ok - no golden file found under $*"; status=1; }
exit $status
