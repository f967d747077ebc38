//! A device, its context, and the stream that work goes through.

use std::ffi::{CStr, c_int};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

use cudarc::driver::sys;

use super::check;
use crate::error::DeviceError;
use crate::facts::Facts;

/// Two streams of a device: one for work, one for copies from the host, and a pool of memory.
///
/// Dropping it waits for its work. Fields are given back in the order of their declaration.
#[derive(Debug)]
pub(crate) struct Queue {
    /// The error of a call whose caller could not be told, such as that of a drop.
    untold: Mutex<Option<DeviceError>>,
    pool: Pool,
    copies: Stream,
    work: Stream,
    context: Context,
}

#[derive(Debug)]
struct Context {
    device: sys::CUdevice,
    handle: sys::CUcontext,
}

#[derive(Debug)]
struct Stream(sys::CUstream);

#[derive(Debug)]
struct Pool(sys::CUmemoryPool);

// SAFETY: the handles are names that the driver gives out; it takes each from any thread whose
// context is the one they belong to, and locks what it shares.
unsafe impl Send for Queue {}
// SAFETY: as for `Send`: no call through a shared queue changes memory of the host without a lock.
unsafe impl Sync for Queue {}

impl Queue {
    /// The version of the driver, or nothing if there is none.
    pub(crate) fn driver_version() -> Result<(u32, u32), DeviceError> {
        // SAFETY: this loads a library by its name, whose initialisers are NVIDIA's.
        if !unsafe { sys::is_culib_present() } {
            return Err(DeviceError::NoDriver);
        }
        let mut version: c_int = 0;
        // SAFETY: the library is there, has had this function since CUDA 2.2, and needs nothing else.
        check("cuDriverGetVersion", unsafe {
            sys::cuDriverGetVersion(&mut version)
        })?;
        let version = u32::try_from(version).unwrap_or(0);
        Ok((version / 1000, version % 1000 / 10))
    }

    /// How many devices there are; [`Queue::driver_version`] was recent enough.
    pub(crate) fn device_count() -> Result<u32, DeviceError> {
        // SAFETY: any thread may call it, as often as it likes; 0 is its only flag.
        let returned = unsafe { sys::cuInit(0) };
        match returned {
            sys::CUresult::CUDA_ERROR_NO_DEVICE => return Ok(0),
            sys::CUresult::CUDA_ERROR_STUB_LIBRARY => return Err(DeviceError::NoDriver),
            other => check("cuInit", other)?,
        }
        let mut count: c_int = 0;
        // SAFETY: the driver is initialised.
        check("cuDeviceGetCount", unsafe {
            sys::cuDeviceGetCount(&mut count)
        })?;
        Ok(u32::try_from(count).unwrap_or(0))
    }

    /// What device `ordinal` of [`Queue::device_count`] is.
    pub(crate) fn facts(ordinal: u32, driver: (u32, u32)) -> Result<Facts, DeviceError> {
        use sys::CUdevice_attribute as Is;
        let device = device(ordinal)?;
        let number = |what| attribute(device, what);
        let told = |what| attribute(device, what).unwrap_or(0);
        let mut name = [0u8; 256];
        // SAFETY: the device exists and the driver writes at most so many bytes, the last a 0.
        check("cuDeviceGetName", unsafe {
            sys::cuDeviceGetName(name.as_mut_ptr().cast(), name.len() as c_int, device)
        })?;
        let mut memory_bytes = 0;
        // SAFETY: the device exists.
        check("cuDeviceTotalMem", unsafe {
            sys::cuDeviceTotalMem_v2(&mut memory_bytes, device)
        })?;
        Ok(Facts {
            name: CStr::from_bytes_until_nul(&name)
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            capability: (
                number(Is::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                number(Is::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            driver,
            multiprocessors: number(Is::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
            memory_bytes: memory_bytes as u64,
            l2_bytes: told(Is::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
            shared_bytes: number(Is::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?,
            clock_khz: told(Is::CU_DEVICE_ATTRIBUTE_CLOCK_RATE),
            memory_clock_khz: told(Is::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE),
            memory_bits: told(Is::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH),
        })
    }

    /// Whether device `ordinal` gives out memory in the order of a stream.
    pub(crate) fn has_pools(ordinal: u32) -> Result<bool, DeviceError> {
        let what = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED;
        Ok(attribute(device(ordinal)?, what)? != 0)
    }

    /// Streams and a pool on device `ordinal`, which has pools.
    pub(crate) fn open(ordinal: u32) -> Result<Self, DeviceError> {
        let context = Context::retain(device(ordinal)?)?;
        context.bind()?;
        let (work, copies) = (Stream::create()?, Stream::create()?);
        Ok(Self {
            untold: Mutex::new(None),
            pool: Pool::create(context.device)?,
            copies,
            work,
            context,
        })
    }

    /// Makes the context that of this thread.
    pub(super) fn bind(&self) -> Result<(), DeviceError> {
        self.context.bind()
    }

    /// The stream of all work.
    pub(super) const fn work(&self) -> sys::CUstream {
        self.work.0
    }

    /// The stream of copies from the host.
    pub(super) const fn copies(&self) -> sys::CUstream {
        self.copies.0
    }

    /// Where buffers come from.
    pub(super) const fn pool(&self) -> sys::CUmemoryPool {
        self.pool.0
    }

    /// Keeps the first error whose caller cannot be told.
    pub(super) fn keep_untold(&self, result: Result<(), DeviceError>) {
        if let Err(error) = result {
            let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
            untold.get_or_insert(error);
        }
    }

    /// Waits for all work, then gives memory of the pool that nobody uses back to the driver: what is
    /// freed in the order of the work is only free once that is done.
    pub(crate) fn trim(&self) -> Result<(), DeviceError> {
        self.synchronize()?;
        // SAFETY: the pool lives as long as the queue; what is in use stays.
        check("cuMemPoolTrimTo", unsafe {
            sys::cuMemPoolTrimTo(self.pool(), 0)
        })
    }

    /// Waits for all work, and tells what nobody was told.
    pub(crate) fn synchronize(&self) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: the stream lives as long as the queue.
        check("cuStreamSynchronize", unsafe {
            sys::cuStreamSynchronize(self.work())
        })?;
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        untold.take().map_or(Ok(()), Err)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // The streams and the pool go next, with this context; nobody is left to be told of errors.
        let _ = self.synchronize();
    }
}

impl Context {
    /// The primary context of a device, which it shares with other users of the process.
    fn retain(device: sys::CUdevice) -> Result<Self, DeviceError> {
        let mut handle = null_mut();
        // SAFETY: the device exists; `drop` releases what is retained here.
        check("cuDevicePrimaryCtxRetain", unsafe {
            sys::cuDevicePrimaryCtxRetain(&mut handle, device)
        })?;
        Ok(Self { device, handle })
    }

    /// Makes it that of this thread; asking first whether it is takes as long.
    fn bind(&self) -> Result<(), DeviceError> {
        // SAFETY: the context is retained.
        check("cuCtxSetCurrent", unsafe {
            sys::cuCtxSetCurrent(self.handle)
        })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: no context is a legal one; the thread must not keep this one.
        let _ = unsafe { sys::cuCtxSetCurrent(null_mut()) };
        // SAFETY: retained once by `retain`, and what was made on it is gone.
        let _ = unsafe { sys::cuDevicePrimaryCtxRelease_v2(self.device) };
    }
}

impl Stream {
    /// A stream that does not wait for those of other users of the process.
    fn create() -> Result<Self, DeviceError> {
        let mut handle = null_mut();
        let flags = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
        // SAFETY: a context is current.
        check("cuStreamCreate", unsafe {
            sys::cuStreamCreate(&mut handle, flags)
        })?;
        Ok(Self(handle))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: made by `create`, and nobody has the handle any more.
        let _ = unsafe { sys::cuStreamDestroy_v2(self.0) };
    }
}

impl Pool {
    /// A pool that keeps what is given back, and that hands memory from one stream to another only
    /// when the first is done with it: an upload never waits for work.
    fn create(device: sys::CUdevice) -> Result<Self, DeviceError> {
        let properties = sys::CUmemPoolProps {
            allocType: sys::CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED,
            handleTypes: sys::CUmemAllocationHandleType::CU_MEM_HANDLE_TYPE_NONE,
            location: sys::CUmemLocation {
                type_: sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE,
                id: device,
            },
            win32SecurityAttributes: null_mut(),
            maxSize: 0,
            usage: 0,
            reserved: [0; 54],
        };
        let mut handle = null_mut();
        // SAFETY: a context is current and the properties are filled in.
        check("cuMemPoolCreate", unsafe {
            sys::cuMemPoolCreate(&mut handle, &properties)
        })?;
        let pool = Self(handle);
        use sys::CUmemPool_attribute as Is;
        let (mut keep, mut no) = (u64::MAX, 0 as c_int);
        // SAFETY: the pool exists and this attribute is a 64-bit number.
        check("cuMemPoolSetAttribute", unsafe {
            let attribute = Is::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            sys::cuMemPoolSetAttribute(handle, attribute, (&raw mut keep).cast())
        })?;
        // SAFETY: the pool exists and this attribute is an `int`.
        check("cuMemPoolSetAttribute", unsafe {
            let attribute = Is::CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES;
            sys::cuMemPoolSetAttribute(handle, attribute, (&raw mut no).cast())
        })?;
        Ok(pool)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: made by `create`; every buffer of it holds the queue, so none is left.
        let _ = unsafe { sys::cuMemPoolDestroy(self.0) };
    }
}

fn device(ordinal: u32) -> Result<sys::CUdevice, DeviceError> {
    let mut device = 0;
    let number = c_int::try_from(ordinal).unwrap_or(c_int::MAX);
    // SAFETY: the driver is initialised; it refuses a device that is not there.
    check("cuDeviceGet", unsafe {
        sys::cuDeviceGet(&mut device, number)
    })?;
    Ok(device)
}

fn attribute(device: sys::CUdevice, what: sys::CUdevice_attribute) -> Result<u32, DeviceError> {
    let mut value: c_int = 0;
    // SAFETY: the device exists.
    check("cuDeviceGetAttribute", unsafe {
        sys::cuDeviceGetAttribute(&mut value, what, device)
    })?;
    Ok(u32::try_from(value).unwrap_or(0))
}
