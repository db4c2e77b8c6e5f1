"""What the programs dump_... of this folder print: a line is a name and numbers."""

import os
import subprocess

import numpy as np


def dumped(program, arguments, data):
    """As {name: array}; lines NAME.1, NAME.2 ... are the rows of a matrix NAME. `data` is its standard input."""
    path = os.path.join(os.environ.get("ROENTGYM_BUILD", "build"), "tests/oracle", program)
    done = subprocess.run([path, *map(str, arguments)], input=data, capture_output=True, check=True)
    found, lists = {}, {}
    for line in done.stdout.decode().splitlines():
        name, *cells = line.split()
        numbers = np.array([float(cell) for cell in cells])
        if "." in name:
            lists.setdefault(name.split(".")[0], []).append(numbers)
        else:
            found[name] = numbers
    return {**found, **{name: np.array(rows) for name, rows in lists.items()}}
