#!/usr/bin/env python3
"""Lets a torch that was built for CUDA load without CUDA's libraries, for work on the processor.

    VENV/bin/python bench/peers/cuda_stubs.py

For each shared library that torch's own libraries name and the loader cannot find, an empty one is
put beside them: it has every symbol that torch wants of it, and each of them traps. Nothing on the
processor calls one. Needs gcc, readelf and nm; changes the environment it runs in and no other.
"""
import collections
import ctypes
import functools
import importlib.util
import os
import re
import subprocess
import sys
import tempfile


# How the names of CUDA's libraries' functions begin.
CUDA = re.compile(r"cu[A-Z]|cu(blas|da|dnn|fft|file|rand|solver|sparse)|nccl|nvJit|nvrtc|nvshmem")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def needed_by(path):
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", path)))


def wanted_symbols(path):
    """Undefined symbols as (name, version), and which library each version comes from."""
    symbols, library_of, library = set(), {}, None
    for line in output("readelf", "-VW", path).splitlines():
        if found := re.search(r"File: (\S+)", line):
            library = found.group(1)
        elif (found := re.search(r"Name: (\S+)\s+Flags", line)) and library:
            library_of[found.group(1)] = library
    for line in output("nm", "-D", "--undefined-only", path).splitlines():
        name, _, version = line.split()[-1].partition("@")
        symbols.add((name, version.lstrip("@")))
    return symbols, library_of


def defined_symbols(path):
    lines = output("nm", "-D", "--defined-only", path).splitlines()
    return {line.split()[-1].partition("@")[0] for line in lines}


def write_stub(path, name, symbols):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "stub.s")
        with open(source, "w") as file:
            file.write(".text\n")
            for symbol in sorted({symbol for symbol, _ in symbols}):
                file.write(f".globl {symbol}\n.type {symbol},@function\n{symbol}:\n")
            file.write("ud2\n")
        command = ["gcc", "-shared", "-nostdlib", "-o", path, source, f"-Wl,-soname,{name}"]
        versions = collections.defaultdict(list)
        for symbol, version in symbols:
            if version:
                versions[version].append(symbol)
        if versions:
            script = os.path.join(folder, "stub.map")
            with open(script, "w") as file:
                for version, names in versions.items():
                    file.write(f"{version} {{ global: {'; '.join(sorted(names))}; }};\n")
            command.append(f"-Wl,--version-script={script}")
        subprocess.run(command, check=True)


@functools.cache
def found_by_loader(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def loads(name, folders):
    """Whether the loader, or one of torch's own search paths, has this library."""
    return any(os.path.exists(os.path.join(folder, name)) for folder in folders) or found_by_loader(name)


def main():
    found = importlib.util.find_spec("torch")
    if found is None:
        sys.exit("torch is not installed in this environment")
    folder = os.path.join(found.submodule_search_locations[0], "lib")
    packages = os.path.join(os.path.dirname(found.submodule_search_locations[0]), "nvidia")
    folders = [folder] + [path for path, _, _ in os.walk(packages) if path.endswith("lib")]
    own = [name for name in sorted(os.listdir(folder)) if re.match(r"lib(torch|c10|caffe2).*\.so", name)]
    missing, unversioned, defined = collections.defaultdict(set), set(), set()
    for name in own:
        path = os.path.join(folder, name)
        defined |= defined_symbols(path)
        for library in needed_by(path):
            if not loads(library, folders):
                missing[library] |= set()
        symbols, library_of = wanted_symbols(path)
        for symbol, version in symbols:
            if not version:
                unversioned.add(symbol)
            elif version in library_of and not loads(library_of[version], folders):
                missing[library_of[version]].add((symbol, version))
    for place in folders[1:]:
        for name in os.listdir(place):
            if ".so" in name:
                defined |= defined_symbols(os.path.join(place, name))
    # A symbol without a version may come from any library: the loader takes the first that has it.
    loose = {(symbol, "") for symbol in unversioned - defined if CUDA.match(symbol)}
    for index, (library, symbols) in enumerate(sorted(missing.items())):
        write_stub(os.path.join(folder, library), library, symbols | (loose if index == 0 else set()))
        print(f"{library}: {len(symbols)} symbols")


if __name__ == "__main__":
    main()
