"""A small scan and files of it in every format, made here."""

import h5py
import numpy as np
import scipy.io
import tifffile

SLICES, ANGLES, BINS = 3, 20, 32
DEGREES = np.bytes_(b"degrees")  # bytes are stored as text of fixed length


def sinogram():
    """Line integrals of a disc off the axis, ``[slices, angles, bins]``, float32."""
    theta = np.deg2rad(np.arange(ANGLES) * 9.0)[:, None]
    s = np.arange(BINS) - 15.5 - 4 * np.cos(theta)
    one = np.sqrt(np.maximum(36 - s**2, 0)) / 6
    return np.stack([one, 0.5 * one, 0.25 * one]).astype(np.float32)


def angles():
    return np.arange(ANGLES) * 9.0


def write_exchange(path, *, units=DEGREES, theta=None, white=True):
    """A Data Exchange file of counts: dark 10, beam 1000."""
    with h5py.File(path, "w") as file:
        group = file.create_group("exchange")
        counts = 10 + 1000 * np.exp(-sinogram())
        group.create_dataset("data", data=counts.swapaxes(0, 1), compression="gzip", chunks=(ANGLES, 1, BINS))
        group["data"].attrs["units"] = np.bytes_(b"counts")
        if white:
            group["data_white"] = np.full((4, SLICES, BINS), 1010, np.float32)
            group["data_dark"] = np.full((2, SLICES, BINS), 10, np.float32)
        group["theta"] = angles() if theta is None else theta
        if units is not None:
            group["theta"].attrs["units"] = units  # text or bytes: of variable or of fixed length
    return path


def write_npz(path, **more):
    np.savez_compressed(path, sinogram=sinogram()[0], angles=angles(), center=15.25, **more)
    return path


def fan_struct():
    parameters = {
        "angles": np.arange(0, 360.5, 18.0),
        "distanceSourceOrigin": 410.66,
        "distanceSourceDetector": 553.74,
        "distanceUnit": "mm",
        "pixelSize": 0.05,
        "pixelSizePost": 0.2,
        "geometryType": "Cone",
    }
    return {"CtData": {"type": "2D", "sinogram": np.ones((21, 32)), "parameters": parameters}}


def write_mat(path, compress=True):
    scipy.io.savemat(path, fan_struct(), do_compression=compress, oned_as="column")
    return path


def write_tiff(path):
    tifffile.imwrite(path, sinogram(), photometric="minisblack", compression="zlib")
    return path


def write_mat73(path):
    """MATLAB 7.3: HDF5 behind a header of 512 bytes, with the axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in (("sino", sinogram()[0].T), ("anglesRad", np.deg2rad(angles())[None])):
            file[name] = value
            file[name].attrs["MATLAB_class"] = np.bytes_(b"double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


def y_of(problem):
    return problem.y.numpy()
