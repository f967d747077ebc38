//! Compiling the text of a kernel, and launching it.

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys;

use super::{Queue, check};
use crate::contract::{Checked, Value};
use crate::error::DeviceError;
use crate::facts::Footprint;

/// Bytes of shared memory, declared and dynamic, that a kernel gets without asking.
const FREE_SHARED: u32 = 48 * 1024;

/// Room for what the compiler has to say.
const LOG_BYTES: usize = 16 * 1024;

/// A compiled kernel.
#[derive(Debug)]
pub(crate) struct Kernel {
    queue: Arc<Queue>,
    module: sys::CUmodule,
    function: sys::CUfunction,
    /// Bytes of each parameter.
    parameters: Vec<usize>,
    footprint: Footprint,
    /// The most dynamic shared memory that it can have.
    most_shared: u32,
    /// The dynamic shared memory that it was granted.
    granted: Mutex<u32>,
}

// SAFETY: the handles are names that the driver gives out; it takes each from any thread whose
// context is the one they belong to.
unsafe impl Send for Kernel {}
// SAFETY: as for `Send`; what changes here is behind a lock.
unsafe impl Sync for Kernel {}

impl Kernel {
    /// The kernel `entry` of a text, compiled for the device. `shared_bytes` is what a block can have
    /// there. Errors call the text `file`.
    pub(crate) fn compile(
        queue: &Arc<Queue>,
        file: &str,
        entry: &str,
        text: &str,
        shared_bytes: u32,
    ) -> Result<Self, DeviceError> {
        let failed = |code, log: &str| DeviceError::Compile {
            file: file.to_owned(),
            code,
            log: log.to_owned(),
        };
        let whole = |text: &str| CString::new(text).map_err(|_| failed(0, "a 0 within the text"));
        let (image, name) = (whole(text)?, whole(entry)?);
        queue.bind()?;
        let mut log = vec![0u8; LOG_BYTES];
        let mut options = [
            sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
            sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
        ];
        let mut settings = [log.as_mut_ptr().cast(), LOG_BYTES as *mut c_void];
        let mut module = null_mut();
        // SAFETY: the image ends with a 0, there are two options with a value each, and the log has
        // as many bytes as it says.
        let returned = unsafe {
            sys::cuModuleLoadDataEx(
                &mut module,
                image.as_ptr().cast(),
                options.len() as u32,
                options.as_mut_ptr(),
                settings.as_mut_ptr(),
            )
        };
        if returned != sys::CUresult::CUDA_SUCCESS {
            let said = CStr::from_bytes_until_nul(&log).unwrap_or_default();
            let said = format!("{returned:?} {}", said.to_string_lossy());
            return Err(failed(returned as u32, said.trim_end()));
        }
        // From here on the module is given back whatever happens.
        let mut kernel = Self {
            queue: Arc::clone(queue),
            module,
            function: null_mut(),
            parameters: Vec::new(),
            footprint: Footprint {
                registers: 0,
                spilled_bytes: 0,
                shared_bytes: 0,
                threads: 0,
            },
            most_shared: 0,
            granted: Mutex::default(),
        };
        // SAFETY: the module is loaded and the name ends with a 0.
        check("cuModuleGetFunction", unsafe {
            sys::cuModuleGetFunction(&mut kernel.function, module, name.as_ptr())
        })?;
        kernel.parameters = kernel.ask_parameters()?;
        kernel.footprint = kernel.ask_footprint()?;
        let declared = kernel.footprint.shared_bytes;
        kernel.most_shared = shared_bytes.saturating_sub(declared);
        kernel.granted = Mutex::new(FREE_SHARED.saturating_sub(declared));
        Ok(kernel)
    }

    /// What the compiler made of it.
    pub(crate) const fn footprint(&self) -> Footprint {
        self.footprint
    }

    /// Queues a launch.
    pub(crate) fn launch(&self, checked: &Checked<'_>) -> Result<(), DeviceError> {
        checked.check_parameters(&self.parameters)?;
        let call = checked.call();
        self.queue.bind()?;
        self.grant_shared(call.code().entry(), call.shared_bytes())?;
        let mut values = checked.values().to_vec();
        let mut pointers: Vec<*mut c_void> = values
            .iter_mut()
            .map(|value| match value {
                Value::Address(address) => (&raw mut *address).cast(),
                Value::Number(number) => (&raw mut *number).cast(),
            })
            .collect();
        // SAFETY: the kernel has as many parameters as there are pointers, each of as many bytes as
        // the value it points to, which the driver copies before it returns. By the kernel's contract
        // it touches the bytes that `checked` found to be there and no others; the buffers they
        // belong to are lent as long as it lives, and are given back on this very stream later.
        check("cuLaunchKernel", unsafe {
            sys::cuLaunchKernel(
                self.function,
                call.blocks(),
                1,
                1,
                call.threads(),
                1,
                1,
                call.shared_bytes(),
                self.queue.work(),
                pointers.as_mut_ptr(),
                null_mut(),
            )
        })
    }

    /// Sees to it that a launch may have so many bytes of dynamic shared memory.
    fn grant_shared(&self, kernel: &'static str, bytes: u32) -> Result<(), DeviceError> {
        let most = self.most_shared;
        if bytes > most {
            return Err(DeviceError::SharedMemory {
                kernel,
                bytes,
                most,
            });
        }
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > *granted {
            use sys::CUfunction_attribute as Is;
            let attribute = Is::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the module of the function is loaded as long as the kernel lives.
            check("cuFuncSetAttribute", unsafe {
                sys::cuFuncSetAttribute(self.function, attribute, bytes as c_int)
            })?;
            *granted = bytes;
        }
        Ok(())
    }

    /// Bytes of each parameter of the text.
    fn ask_parameters(&self) -> Result<Vec<usize>, DeviceError> {
        let mut parameters = Vec::new();
        loop {
            let (mut offset, mut bytes) = (0, 0);
            // SAFETY: the module of the function is loaded; the driver refuses an index that is too
            // large.
            let returned = unsafe {
                sys::cuFuncGetParamInfo(self.function, parameters.len(), &mut offset, &mut bytes)
            };
            match returned {
                sys::CUresult::CUDA_ERROR_INVALID_VALUE => return Ok(parameters),
                other => check("cuFuncGetParamInfo", other)?,
            }
            parameters.push(bytes);
        }
    }

    /// What the compiler made of it.
    fn ask_footprint(&self) -> Result<Footprint, DeviceError> {
        use sys::CUfunction_attribute as Is;
        let ask = |attribute| {
            let mut number: c_int = 0;
            // SAFETY: the module of the function is loaded.
            check("cuFuncGetAttribute", unsafe {
                sys::cuFuncGetAttribute(&mut number, attribute, self.function)
            })?;
            Ok::<_, DeviceError>(u32::try_from(number).unwrap_or(0))
        };
        Ok(Footprint {
            registers: ask(Is::CU_FUNC_ATTRIBUTE_NUM_REGS)?,
            spilled_bytes: ask(Is::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES)?,
            shared_bytes: ask(Is::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)?,
            threads: ask(Is::CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
        })
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // A launch may still be under way, and its code has to stay until it is done.
        self.queue.keep_untold(self.queue.synchronize());
        // SAFETY: loaded once by `compile`, and no launch is under way.
        self.queue.keep_untold(check("cuModuleUnload", unsafe {
            sys::cuModuleUnload(self.module)
        }));
    }
}
