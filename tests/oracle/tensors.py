"""Reading safetensors files."""

import json
import struct

import numpy as np

TYPES = {"U8": np.uint8, "I32": np.int32, "F32": np.float32, "F64": np.float64}


def read_safetensors(path):
    """{name: array}"""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    arrays = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            first, last = (8 + length + offset for offset in entry["data_offsets"])
            arrays[name] = np.frombuffer(bytearray(data[first:last]), TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays
