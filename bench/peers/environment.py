#!/usr/bin/env python3
"""Makes the virtual environment in which the peers run.

    python3 bench/peers/environment.py FOLDER

Installs NumPy, SciPy, MKL, ONNX Runtime and PyTorch with pip into FOLDER. Where the wheel of PyTorch
is built for CUDA its libraries, several GB of them, are left out: see cuda_stubs.py. A folder that is
complete holds the file `ready`; one that is not is made again.
"""
import pathlib
import subprocess
import sys

PEERS = ["numpy", "scipy", "mkl", "onnx", "onnxruntime"]
# What PyTorch itself imports, beside its CUDA libraries.
OF_TORCH = ["typing_extensions", "sympy", "networkx", "jinja2", "fsspec", "filelock"]
# The two CUDA packages that are small.
OF_CUDA = ["nvidia-cuda-runtime", "nvidia-cuda-cupti"]


def main():
    folder = pathlib.Path(sys.argv[1])
    if (folder / "ready").exists():
        return
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([*install, *PEERS, *OF_TORCH], check=True)
    subprocess.run([*install, "--no-deps", "torch"], check=True)
    if subprocess.run([python, "-c", "import torch"], capture_output=True).returncode != 0:
        subprocess.run([*install, *OF_CUDA], check=True)
        subprocess.run([python, pathlib.Path(__file__).with_name("cuda_stubs.py")], check=True)
        subprocess.run([python, "-c", "import torch"], check=True)
    (folder / "ready").touch()


if __name__ == "__main__":
    try:
        main()
    except (IndexError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"the environment of the peers could not be made: {error}")
