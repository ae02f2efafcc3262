#!/bin/sh
# diffusers 0.42.1: `from diffusers import *` works, and raises AttributeError as soon as
# onnxruntime is installed beside it: a name of a pipeline that is gone is still listed
# among what the package exports. Names that are imported one by one work with both.
# specsched imports the names that it needs, one by one.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
install() {
    "$place/env/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
install diffusers==0.42.1 transformers==5.24.0 'torch==2.13.0'
cd "$place"
cat >star.py <<'END'
import sys

expected = sys.argv[1]
try:
    exec("from diffusers import *")
    seen = "all names"
except AttributeError as error:
    seen = str(error).partition(".")[0] + ": " + type(error).__name__
    print(error)
from diffusers import DDPMPipeline, EulerDiscreteScheduler  # noqa: F401

print("star import gives", seen)
assert (seen == "all names") == (expected == "all"), seen
END
"$place/env/bin/python" -W ignore star.py all
install onnxruntime==1.32.0
"$place/env/bin/python" -W ignore star.py error
