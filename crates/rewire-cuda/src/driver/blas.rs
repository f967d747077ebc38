//! Dense products by cuBLASLt.
//!
//! The library thinks in columns: a matrix whose rows lie one after the other is, to it, the
//! transpose with `pitch` as its leading dimension. C = A·Bᵀ is therefore asked for as
//! Cᵀ = (Bᵀ)ᵀ·Aᵀ, and C = Aᵀ·B as Cᵀ = Bᵀ·(Aᵀ)ᵀ: the operands change places.

mod descriptor;

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::cublaslt::sys as lt;
use rewire_kernels::{Element, Kernel, Program};

use self::descriptor::{Preference, Task};
use super::{Memory, Queue};
use crate::contract::{Checked, Value};
use crate::error::DeviceError;

/// The alignment beyond which an algorithm has nothing to gain.
const MOST_ALIGNED: u32 = 256;

/// What the library is asked to multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Product {
    element: Element,
    /// Whether it is C = Aᵀ·B; else it is C = A·Bᵀ.
    is_tn: bool,
    /// Rows of C, columns of C, and the extent that is summed over.
    extents: [u32; 3],
    /// Of A, B and C.
    pitches: [u32; 3],
    addresses: [u64; 3],
}

/// What an algorithm is chosen for: a product whose addresses are only so and so much aligned.
type Choice = (Product, [u32; 3]);

/// The library on one queue.
#[derive(Debug)]
pub(crate) struct Blas {
    queue: Arc<Queue>,
    handle: lt::cublasLtHandle_t,
    room: Memory,
    room_bytes: usize,
    chosen: Mutex<HashMap<Choice, lt::cublasLtMatmulAlgo_t>>,
}

// SAFETY: the library takes its handle from any thread, and from several at once.
unsafe impl Send for Blas {}
// SAFETY: as for `Send`; what changes here is behind a lock.
unsafe impl Sync for Blas {}

impl Product {
    /// The product that a call of a dense kernel stands for, or nothing for another kernel.
    fn of(checked: &Checked<'_>) -> Option<Self> {
        let code = checked.call().code();
        let element = code.element()?;
        let is = |kernel| Program { kernel, element }.code() == code;
        let is_tn = match (is(Kernel::GemmNt), is(Kernel::GemmTn)) {
            (true, _) => false,
            (_, true) => true,
            (false, false) => return None,
        };
        let &[
            Value::Address(a),
            Value::Address(b),
            Value::Address(c),
            Value::Number(m),
            Value::Number(n),
            Value::Number(k),
            Value::Number(a_pitch),
            Value::Number(b_pitch),
            Value::Number(c_pitch),
        ] = checked.values()
        else {
            return None;
        };
        Some(Self {
            element,
            is_tn,
            extents: [m, n, k],
            pitches: [a_pitch, b_pitch, c_pitch],
            addresses: [a, b, c],
        })
    }

    /// What an algorithm for it depends on.
    fn choice(self) -> Choice {
        let aligned = |address: u64| 1 << address.trailing_zeros().min(MOST_ALIGNED.ilog2());
        let addresses = [0; 3];
        (Self { addresses, ..self }, self.addresses.map(aligned))
    }

    /// The matrices as the library sees them: rows, columns and leading dimension of its first and
    /// second operand and of the result.
    fn layouts(self) -> [(u32, u32, u32); 3] {
        let ([m, n, k], [a, b, c]) = (self.extents, self.pitches);
        if self.is_tn {
            [(n, k, b), (m, k, a), (n, m, c)]
        } else {
            [(k, n, b), (k, m, a), (n, m, c)]
        }
    }

    /// Whether the library transposes its first and its second operand.
    const fn transposes(self) -> [bool; 2] {
        [!self.is_tn, self.is_tn]
    }
}

impl Blas {
    /// The library, with so much room for its own use.
    pub(crate) fn open(queue: &Arc<Queue>, room_bytes: u32) -> Result<Self, DeviceError> {
        // SAFETY: this loads a library by its name, whose initialisers are NVIDIA's.
        if !unsafe { lt::is_culib_present() } {
            let library = "cuBLASLt";
            return Err(DeviceError::NoLibrary { library });
        }
        let room = Memory::reserve(queue, room_bytes.into())?;
        let mut handle = null_mut();
        // SAFETY: the library is there and a context is current, as there is memory.
        check("cublasLtCreate", unsafe { lt::cublasLtCreate(&mut handle) })?;
        Ok(Self {
            queue: Arc::clone(queue),
            handle,
            room,
            room_bytes: room_bytes as usize,
            chosen: Mutex::default(),
        })
    }

    /// Queues the product that a call of a dense kernel stands for.
    pub(crate) fn multiply(&self, checked: &Checked<'_>) -> Result<(), DeviceError> {
        let product = Product::of(checked).ok_or(DeviceError::Lacks {
            what: "routine of cuBLASLt for this kernel",
        })?;
        self.queue.bind()?;
        let task = Task::new(product)?;
        let algorithm = self.algorithm(product, &task)?;
        let (one, zero) = (1f32, 0f32);
        let [a, b, c] = product.addresses.map(|address| address as *mut c_void);
        let [first, second, result] = &task.layouts;
        // SAFETY: every descriptor lives until the end of this function, the factors are of the
        // descriptor's scale type, and each operand has the bytes of its layout, as the contract of
        // the dense kernel asks for the same. Beta is 0, so C is written only. The room has as many
        // bytes as it says and is used in the order of the stream.
        check("cublasLtMatmul", unsafe {
            lt::cublasLtMatmul(
                self.handle,
                task.operation.0,
                (&raw const one).cast(),
                b,
                first.0,
                a,
                second.0,
                (&raw const zero).cast(),
                c,
                result.0,
                c,
                result.0,
                &algorithm,
                self.room.address() as *mut c_void,
                self.room_bytes,
                self.queue.work().cast(),
            )
        })
    }

    /// The algorithm that the library chooses for a product, asked for once.
    fn algorithm(
        &self,
        product: Product,
        task: &Task,
    ) -> Result<lt::cublasLtMatmulAlgo_t, DeviceError> {
        use lt::cublasLtMatmulPreferenceAttributes_t as Is;
        let choice = product.choice();
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(algorithm) = chosen.get(&choice) {
            return Ok(*algorithm);
        }
        let preference = Preference::new()?;
        let [a, b, c] = choice.1;
        preference.set(
            Is::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
            self.room_bytes as u64,
        )?;
        preference.set(Is::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, b)?;
        preference.set(Is::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, a)?;
        preference.set(Is::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, c)?;
        preference.set(Is::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, c)?;
        let [first, second, result] = &task.layouts;
        let mut found = lt::cublasLtMatmulHeuristicResult_t {
            algo: lt::cublasLtMatmulAlgo_t { data: [0; 8] },
            workspaceSize: 0,
            state: lt::cublasStatus_t::CUBLAS_STATUS_NOT_SUPPORTED,
            wavesCount: 0.0,
            reserved: [0; 4],
        };
        let mut count = 0;
        let call = "cublasLtMatmulAlgoGetHeuristic";
        // SAFETY: every descriptor lives until the end of this function, and there is room for the one
        // result that is asked for.
        check(call, unsafe {
            lt::cublasLtMatmulAlgoGetHeuristic(
                self.handle,
                task.operation.0,
                first.0,
                second.0,
                result.0,
                result.0,
                preference.0,
                1,
                &mut found,
                &mut count,
            )
        })?;
        check(call, found.state)?;
        chosen.insert(choice, found.algo);
        Ok(found.algo)
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        self.queue.keep_untold(self.queue.bind());
        // SAFETY: made once by `open`, and nobody has the handle any more.
        self.queue.keep_untold(check("cublasLtDestroy", unsafe {
            lt::cublasLtDestroy(self.handle)
        }));
    }
}

/// Turns what a call of the library returned into a result.
fn check(call: &'static str, returned: lt::cublasStatus_t) -> Result<(), DeviceError> {
    if returned == lt::cublasStatus_t::CUBLAS_STATUS_SUCCESS {
        return Ok(());
    }
    Err(DeviceError::Call {
        call,
        code: returned as u32,
        name: format!("{returned:?}"),
    })
}

#[cfg(test)]
mod tests;
