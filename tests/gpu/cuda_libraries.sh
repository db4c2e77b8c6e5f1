# Sourced: lets the CUDA backend find cuDNN, cuBLAS and NVRTC in the packages that PyTorch's wheels bring, where the
# toolkit's own folder does not have them. Paths that are there already go first.
for folder in $(python3 - 2>/dev/null <<'PYTHON'
import glob, importlib.util, os
spec = importlib.util.find_spec("nvidia")
for root in (spec.submodule_search_locations or ()) if spec else ():
    folders = {os.path.dirname(f) for f in glob.glob(root + "/**/lib*.so*", recursive=True)}
    print(*sorted(folders, key=lambda f: ("cudnn" not in f, "cublas" not in f, f)), sep="\n")
PYTHON
) "${CUDA_HOME:-/usr/local/cuda}"/{lib64,lib} /usr/local/cuda/{lib64,lib}; do
    case ":${LD_LIBRARY_PATH:-}:" in *":$folder:"*) continue ;; esac
    [ -d "$folder" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done
export LD_LIBRARY_PATH
