"""The three products of one layer by PyTorch, MKL and SciPy.

Each library gets its operands in the layout that suits it, made before the clock runs: dense products
take batches a sample a row, sparse ones a feature a row, so that the batch is contiguous. Outputs are
written into memory that is there already.
"""
import ctypes
import glob
import os
import sys

import numpy as np
import scipy.sparse
import torch


class Layer:
    """A layer as the other side wrote it."""

    def __init__(self, folder, samples, outputs, inputs):
        def read(name, kind):
            return np.fromfile(os.path.join(folder, name), dtype=kind)

        self.x = read("x.f32", np.float32).reshape(samples, inputs)
        self.dy = read("dy.f32", np.float32).reshape(samples, outputs)
        self.values = read("values.f32", np.float32)
        self.columns = read("columns.u32", np.uint32).astype(np.int32)
        self.offsets = read("offsets.u64", np.uint64).astype(np.int32)
        self.shape = (outputs, inputs)
        self.n_active = self.values.size
        self.candidates = {}

    def candidate(self, name):
        kinds = {
            "torch-mm": TorchDense,
            "torch-csr": TorchSparse,
            "mkl-sparse": MklSparse,
            "scipy-csr": ScipySparse,
        }
        if name not in self.candidates:
            self.candidates[name] = kinds[name](self)
        return self.candidates[name]

    def work(self, candidate, product):
        return getattr(self.candidate(candidate), product)

    def result(self, candidate, product):
        """A sample a row, or the gradients of the active weights by position."""
        self.candidates.pop(candidate, None)
        made = self.candidate(candidate)
        found = np.asarray(getattr(made, product)(), dtype=np.float32)
        if product != "weight_gradient":
            return np.ascontiguousarray(found.T if made.feature_rows else found)
        if found.ndim == 2:
            rows = np.repeat(np.arange(self.shape[0]), np.diff(self.offsets))
            found = found[rows, self.columns]
        return np.ascontiguousarray(found)

    def csr(self):
        return scipy.sparse.csr_matrix((self.values, self.columns, self.offsets), shape=self.shape)


class TorchDense:
    """`torch.mm` of all weights, zeros included."""

    feature_rows = False

    def __init__(self, layer):
        self.w = torch.from_numpy(layer.csr().toarray())
        self.x, self.dy = torch.from_numpy(layer.x), torch.from_numpy(layer.dy)
        self.y, self.dx = torch.empty_like(self.dy), torch.empty_like(self.x)
        self.dw = torch.empty_like(self.w)

    def forward(self):
        return torch.mm(self.x, self.w.t(), out=self.y)

    def input_gradient(self):
        return torch.mm(self.dy, self.w, out=self.dx)

    def weight_gradient(self):
        return torch.mm(self.dy.t(), self.x, out=self.dw)


class TorchSparse:
    """A CSR tensor of PyTorch; its weight gradient is `torch.sparse.sampled_addmm`."""

    feature_rows = True

    def __init__(self, layer):
        self.w = torch.sparse_csr_tensor(
            torch.from_numpy(layer.offsets),
            torch.from_numpy(layer.columns),
            torch.from_numpy(layer.values),
            size=layer.shape,
        )
        self.x = torch.from_numpy(layer.x)
        self.xt = self.x.t().contiguous()
        self.dyt = torch.from_numpy(layer.dy).t().contiguous()

    def forward(self):
        return torch.mm(self.w, self.xt)

    def weight_gradient(self):
        return torch.sparse.sampled_addmm(self.w, self.dyt, self.x, beta=0.0).values()


class ScipySparse:
    """SciPy's CSR matrix."""

    feature_rows = True

    def __init__(self, layer):
        self.w = layer.csr()
        self.xt = np.ascontiguousarray(layer.x.T)

    def forward(self):
        return self.w @ self.xt


class MatrixDescription(ctypes.Structure):
    """`struct matrix_descr` of mkl_spblas.h."""

    _fields_ = [("type", ctypes.c_int), ("mode", ctypes.c_int), ("diagonal", ctypes.c_int)]


class MklSparse:
    """`mkl_sparse_s_mm`; the handle is made once and kept, optimised for what follows."""

    feature_rows = True
    NON_TRANSPOSE, TRANSPOSE, ROW_MAJOR, GENERAL = 10, 11, 101, 20
    library = None

    def __init__(self, layer):
        self.mkl = MklSparse.load()
        self.layer = layer
        self.xt = np.ascontiguousarray(layer.x.T)
        self.dyt = np.ascontiguousarray(layer.dy.T)
        self.y, self.dx = np.empty_like(self.dyt), np.empty_like(self.xt)
        self.handle = ctypes.c_void_p()
        rows, cols = layer.shape
        self.check(
            self.mkl.mkl_sparse_s_create_csr(
                ctypes.byref(self.handle),
                ctypes.c_int(0),
                ctypes.c_int(rows),
                ctypes.c_int(cols),
                pointer(layer.offsets),
                pointer(layer.offsets[1:]),
                pointer(layer.columns),
                pointer(layer.values),
            )
        )
        self.description = MatrixDescription(self.GENERAL, 0, 0)
        for operation in (self.NON_TRANSPOSE, self.TRANSPOSE):
            # Only a hint: not every version has it for every operation.
            self.mkl.mkl_sparse_set_mm_hint(
                self.handle,
                ctypes.c_int(operation),
                self.description,
                ctypes.c_int(self.ROW_MAJOR),
                ctypes.c_int(layer.x.shape[0]),
                ctypes.c_int(1000),
            )
        self.check(self.mkl.mkl_sparse_optimize(self.handle))

    @classmethod
    def load(cls):
        if cls.library is None:
            found = sorted(glob.glob(os.path.join(sys.prefix, "lib", "libmkl_rt.so*")))
            cls.library = ctypes.CDLL(found[-1] if found else "libmkl_rt.so")
        return cls.library

    @staticmethod
    def check(status):
        if status != 0:
            raise RuntimeError(f"MKL's sparse products answer with status {status}")

    def multiply(self, operation, operand, result):
        samples = operand.shape[1]
        self.check(
            self.mkl.mkl_sparse_s_mm(
                ctypes.c_int(operation),
                ctypes.c_float(1.0),
                self.handle,
                self.description,
                ctypes.c_int(self.ROW_MAJOR),
                pointer(operand),
                ctypes.c_int(samples),
                ctypes.c_int(samples),
                ctypes.c_float(0.0),
                pointer(result),
                ctypes.c_int(samples),
            )
        )
        return result

    def forward(self):
        return self.multiply(self.NON_TRANSPOSE, self.xt, self.y)

    def input_gradient(self):
        return self.multiply(self.TRANSPOSE, self.dyt, self.dx)


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)
