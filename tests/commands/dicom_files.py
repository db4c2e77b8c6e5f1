"""DICOM files for tests, made by pydicom and, where they are compressed, by gdcmconv."""

import os
import subprocess

import numpy
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian,
                         generate_uid)

PLAIN = {"implicit": ImplicitVRLittleEndian, "explicit": ExplicitVRLittleEndian, "big": ExplicitVRBigEndian,
         "deflated": DeflatedExplicitVRLittleEndian}
# How gdcmconv is asked for a compressed file, and the transfer syntax that it makes.
COMPRESSED = {"rle": (["--rle"], "1.2.840.10008.1.2.5"), "lossless": (["--jpeg"], "1.2.840.10008.1.2.4.70"),
              "jpeg-ls": (["--jpegls"], "1.2.840.10008.1.2.4.80"), "j2k": (["--j2k"], "1.2.840.10008.1.2.4.90")}


def picture(width=96, height=80, bits=12, seed=1):
    """A smooth scene with noise that tells pictures of different seeds apart, over the whole range of `bits`."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    scene = numpy.zeros((height, width))
    for _ in range(60):
        cx, cy = random.uniform(0, width), random.uniform(0, height)
        scene += random.uniform(-1, 1) * numpy.exp(-((x - cx) ** 2 + (y - cy) ** 2) / random.uniform(8, 400))
    scene += random.normal(0, 0.01, scene.shape)
    scene = (scene - scene.min()) / (scene.max() - scene.min())
    return (scene * (2 ** bits - 1)).round().astype(numpy.uint16)


def dataset(pixels, bits=12, syntax="explicit", patient="Doe^4711", modality="DX", **more):
    """A DX image of the given values; `more`: elements by keyword, None takes one out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = PLAIN[syntax]
    d = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian = syntax != "big"
    d.is_implicit_VR = syntax == "implicit"
    d.SOPClassUID, d.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    d.Modality, d.PatientID, d.PatientName = modality, patient, "Doe^Jane"
    d.InstitutionName, d.StudyDate, d.AccessionNumber = "St Elsewhere", "20200131", "ACC-99"
    d.Rows, d.Columns = pixels.shape
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    signed = pixels.dtype.kind == "i"
    allocated = 8 if bits <= 8 else 16
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = allocated, bits, bits - 1, int(signed)
    kind = ("i" if signed else "u") + str(allocated // 8)
    d.PixelData = pixels.astype(("<" if d.is_little_endian else ">") + kind).tobytes()
    if len(d.PixelData) % 2:
        d.PixelData += b"\0"
    d["PixelData"].VR = "OB" if allocated == 8 and syntax != "implicit" else "OW"
    for keyword, value in more.items():
        if value is None:
            delattr(d, keyword)
        else:
            setattr(d, keyword, value)
    return d


def look_up_table(first, bits, entries, first_is_signed=False):
    """A modality or VOI LUT sequence."""
    item = Dataset()
    item.add_new(0x00283002, "SS" if first_is_signed else "US", [len(entries) % 65536, first, bits])
    item.add_new(0x00283006, "US", list(entries))
    return Sequence([item])


def save(d, path):
    d.save_as(path, write_like_original=False)
    return path


def write_dicom(path, pixels, bits=12, syntax="explicit", **more):
    """Makes a file of any transfer syntax of PLAIN or COMPRESSED."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if syntax in PLAIN:
        return save(dataset(pixels, bits, syntax, **more), path)
    plain = save(dataset(pixels, bits, **more), path + ".plain")
    compress(plain, path, syntax)
    os.unlink(plain)
    return path


def compress(plain, path, syntax):
    subprocess.run(["gdcmconv", *COMPRESSED[syntax][0], plain, path], check=True, capture_output=True)
    assert str(pydicom.dcmread(path).file_meta.TransferSyntaxUID) == COMPRESSED[syntax][1]
