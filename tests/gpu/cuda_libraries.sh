# Sourced: lets the CUDA backend find cuDNN and cuBLAS in the packages that PyTorch's wheels bring, where the
# toolkit's own folder does not have them. Paths that are there already go first.
for folder in $(python3 - 2>/dev/null <<'PYTHON'
import glob, importlib.util
spec = importlib.util.find_spec("nvidia")
for root in spec.submodule_search_locations if spec else ():
    for folder in sorted(glob.glob(root + "/*/lib")):
        print(folder)
PYTHON
) /usr/local/cuda/lib64 /usr/local/cuda/lib; do
    [ -d "$folder" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done
export LD_LIBRARY_PATH
