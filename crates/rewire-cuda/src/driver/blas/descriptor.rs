//! The descriptors by which cuBLASLt is told what to multiply; each is given back when it is dropped.

use std::ptr::null_mut;

use cudarc::cublaslt::sys as lt;
use rewire_kernels::Element;

use super::{Product, check};
use crate::error::DeviceError;

/// The descriptors of a product.
pub(super) struct Task {
    pub(super) operation: Operation,
    /// Of the first and the second operand and of the result.
    pub(super) layouts: [Layout; 3],
}

impl Task {
    pub(super) fn new(product: Product) -> Result<Self, DeviceError> {
        let [first, second, result] = product
            .layouts()
            .map(|layout| Layout::new(product.element, layout));
        Ok(Self {
            operation: Operation::new(product.transposes())?,
            layouts: [first?, second?, result?],
        })
    }
}

/// Owns a descriptor of the library, made by `$create` and given back by `$destroy`.
macro_rules! descriptor {
    ($name:ident, $handle:ty, $destroy:ident) => {
        pub(super) struct $name(pub(super) $handle);

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: made once by `new`, and nobody has the handle any more.
                let _ = unsafe { lt::$destroy(self.0) };
            }
        }
    };
}

descriptor!(
    Layout,
    lt::cublasLtMatrixLayout_t,
    cublasLtMatrixLayoutDestroy
);
descriptor!(
    Operation,
    lt::cublasLtMatmulDesc_t,
    cublasLtMatmulDescDestroy
);
descriptor!(
    Preference,
    lt::cublasLtMatmulPreference_t,
    cublasLtMatmulPreferenceDestroy
);

impl Layout {
    fn new(element: Element, (rows, cols, pitch): (u32, u32, u32)) -> Result<Self, DeviceError> {
        let kind = match element {
            Element::Bf16 => lt::cudaDataType::CUDA_R_16BF,
            Element::F16 => lt::cudaDataType::CUDA_R_16F,
        };
        let mut handle = null_mut();
        // SAFETY: the library is there.
        check("cublasLtMatrixLayoutCreate", unsafe {
            let (rows, cols, pitch) = (rows.into(), cols.into(), pitch.into());
            lt::cublasLtMatrixLayoutCreate(&mut handle, kind, rows, cols, pitch)
        })?;
        Ok(Self(handle))
    }
}

impl Operation {
    fn new(transposes: [bool; 2]) -> Result<Self, DeviceError> {
        use lt::cublasLtMatmulDescAttributes_t as Is;
        let mut handle = null_mut();
        let sums = lt::cublasComputeType_t::CUBLAS_COMPUTE_32F;
        // SAFETY: the library is there.
        check("cublasLtMatmulDescCreate", unsafe {
            lt::cublasLtMatmulDescCreate(&mut handle, sums, lt::cudaDataType::CUDA_R_32F)
        })?;
        let operation = Self(handle);
        let places = [
            Is::CUBLASLT_MATMUL_DESC_TRANSA,
            Is::CUBLASLT_MATMUL_DESC_TRANSB,
        ];
        for (place, transposes) in places.into_iter().zip(transposes) {
            let value = i32::from(transposes);
            // SAFETY: the descriptor exists and the attribute is a 32-bit number, 1 for a transpose.
            check("cublasLtMatmulDescSetAttribute", unsafe {
                let value: *const i32 = &value;
                lt::cublasLtMatmulDescSetAttribute(handle, place, value.cast(), size_of::<i32>())
            })?;
        }
        Ok(operation)
    }
}

impl Preference {
    pub(super) fn new() -> Result<Self, DeviceError> {
        let mut handle = null_mut();
        // SAFETY: the library is there.
        check("cublasLtMatmulPreferenceCreate", unsafe {
            lt::cublasLtMatmulPreferenceCreate(&mut handle)
        })?;
        Ok(Self(handle))
    }

    /// Sets an attribute that is a number of this size.
    pub(super) fn set<T: Copy>(
        &self,
        what: lt::cublasLtMatmulPreferenceAttributes_t,
        value: T,
    ) -> Result<(), DeviceError> {
        // SAFETY: the descriptor exists; the library refuses a value of another size.
        check("cublasLtMatmulPreferenceSetAttribute", unsafe {
            let value: *const T = &value;
            lt::cublasLtMatmulPreferenceSetAttribute(self.0, what, value.cast(), size_of::<T>())
        })
    }
}
