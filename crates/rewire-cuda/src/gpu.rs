//! An NVIDIA GPU.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rewire_kernels::{Call, Code, Program};

use crate::buffer::{Buffer, DeviceId, Operand, Part, Rows};
use crate::contract;
use crate::device::{Device, check_bytes, check_host, check_part};
use crate::driver::{self, Kernel, Queue};
use crate::error::DeviceError;
use crate::facts::{Facts, Footprint};

/// The least driver, as the version of CUDA it belongs to: that of PTX 8.5.
const LEAST_DRIVER: (u32, u32) = (12, 5);

/// The least driver that tells the time between two events.
const LEAST_TIMER: (u32, u32) = (12, 8);

/// The least compute capability: that of `mma.sp`.
const LEAST_CAPABILITY: (u32, u32) = (8, 0);

/// A GPU and one stream of work on it.
///
/// Clones are handles of the same stream. Opening the same GPU again gives another stream, and buffers
/// of one are of no use to the other. Each kernel is compiled once, when it is first launched, which
/// takes up to a second; other threads that launch something wait so long.
///
/// Dropping the last handle and the last buffer waits for the work that is queued. Each call leaves the
/// GPU's primary context current on its thread.
#[derive(Clone, Debug)]
pub struct Gpu {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: DeviceId,
    facts: Facts,
    kernels: Mutex<HashMap<Code, Arc<Kernel>>>,
    queue: Arc<Queue>,
}

/// What holds the memory of a [`Buffer`] on a GPU.
#[derive(Debug)]
pub struct GpuMemory(driver::Memory);

/// A moment in the work of a [`Gpu`]: when all that was queued before is done.
#[derive(Debug)]
pub struct Event {
    event: driver::Event,
    driver: (u32, u32),
}

impl Gpu {
    /// The first GPU. The environment variable `CUDA_VISIBLE_DEVICES` chooses which that is.
    ///
    /// # Errors
    /// [`DeviceError::NoDriver`] if the machine has none, [`DeviceError::NoDevice`] if the driver
    /// knows no GPU, [`DeviceError::TooOld`] for a driver before CUDA 12.5 or a GPU before compute
    /// capability 8.0, [`DeviceError::Lacks`] for one without memory pools, and
    /// [`DeviceError::Call`] for what else the driver has to say.
    pub fn open() -> Result<Self, DeviceError> {
        Self::open_nth(0)
    }

    /// GPU number `ordinal`, from 0.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub fn open_nth(ordinal: u32) -> Result<Self, DeviceError> {
        let driver = Queue::driver_version()?;
        check_version("the driver", driver, LEAST_DRIVER)?;
        let found = Queue::device_count()?;
        if ordinal >= found {
            return Err(DeviceError::NoDevice { ordinal, found });
        }
        let facts = Queue::facts(ordinal, driver)?;
        check_version("the device", facts.capability, LEAST_CAPABILITY)?;
        if !Queue::has_pools(ordinal)? {
            let what = "memory pools";
            return Err(DeviceError::Lacks { what });
        }
        let inner = Inner {
            id: DeviceId::unique(),
            facts,
            kernels: Mutex::default(),
            queue: Arc::new(Queue::open(ordinal)?),
        };
        let inner = Arc::new(inner);
        Ok(Self { inner })
    }

    /// What this GPU is.
    pub fn facts(&self) -> &Facts {
        &self.inner.facts
    }

    /// Queues a moment.
    ///
    /// # Errors
    /// [`DeviceError::Call`] if the driver refuses.
    pub fn event(&self) -> Result<Event, DeviceError> {
        let driver = self.inner.facts.driver;
        let event = driver::Event::record(&self.inner.queue)?;
        Ok(Event { event, driver })
    }

    /// How long the GPU takes for what `work` queues, and for what other threads queue meanwhile.
    /// Waits for it.
    ///
    /// # Errors
    /// Those of `work`, and as [`Event::since`].
    pub fn timed<T>(
        &self,
        work: impl FnOnce() -> Result<T, DeviceError>,
    ) -> Result<(T, Duration), DeviceError> {
        let begin = self.event()?;
        let result = work()?;
        let taken = self.event()?.since(&begin)?;
        Ok((result, taken))
    }

    /// Compiles a kernel that is not compiled yet, so that its first launch takes no longer than the
    /// others, and says what the compiler made of it.
    ///
    /// # Errors
    /// [`DeviceError::Compile`] with what the driver's compiler says.
    pub fn prepare(&self, program: Program) -> Result<Footprint, DeviceError> {
        Ok(self.kernel(program.code())?.footprint())
    }

    /// Waits for all work and gives memory that no buffer uses back to the driver; until then it is kept
    /// for the next ones.
    ///
    /// # Errors
    /// [`DeviceError::Call`] if the driver refuses, and whatever went wrong before.
    pub fn trim(&self) -> Result<(), DeviceError> {
        self.inner.queue.trim()
    }

    fn kernel(&self, code: Code) -> Result<Arc<Kernel>, DeviceError> {
        let kernels = &self.inner.kernels;
        let mut kernels = kernels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kernel) = kernels.get(&code) {
            return Ok(Arc::clone(kernel));
        }
        let kernel = self.compile(&format!("{code}.ptx"), code.entry(), code.text())?;
        let kernel = Arc::new(kernel);
        kernels.insert(code, Arc::clone(&kernel));
        Ok(kernel)
    }

    fn compile(&self, file: &str, entry: &str, text: &str) -> Result<Kernel, DeviceError> {
        let shared_bytes = self.inner.facts.shared_bytes;
        Kernel::compile(&self.inner.queue, file, entry, text, shared_bytes)
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.inner.queue
    }

    fn buffer(&self, memory: driver::Memory, bytes: u64) -> Buffer<GpuMemory> {
        Buffer::new(self.inner.id, memory.address(), bytes, GpuMemory(memory))
    }
}

impl Device for Gpu {
    type Memory = GpuMemory;

    fn id(&self) -> DeviceId {
        self.inner.id
    }

    fn reserve(&self, bytes: u64) -> Result<Buffer<GpuMemory>, DeviceError> {
        check_bytes(bytes)?;
        let memory = driver::Memory::reserve(&self.inner.queue, bytes)?;
        Ok(self.buffer(memory, bytes))
    }

    fn zeros(&self, bytes: u64) -> Result<Buffer<GpuMemory>, DeviceError> {
        check_bytes(bytes)?;
        let memory = driver::Memory::zeros(&self.inner.queue, bytes)?;
        Ok(self.buffer(memory, bytes).written())
    }

    fn upload(&self, bytes: &[u8], rows: Rows) -> Result<Buffer<GpuMemory>, DeviceError> {
        check_host(bytes.len(), rows)?;
        check_bytes(rows.packed())?;
        let memory = driver::Memory::upload(&self.inner.queue, bytes, rows)?;
        Ok(self.buffer(memory, rows.extent()).written())
    }

    fn download(
        &self,
        part: Part<'_, GpuMemory>,
        rows: Rows,
        bytes: &mut [u8],
    ) -> Result<(), DeviceError> {
        check_host(bytes.len(), rows)?;
        check_part(self.inner.id, part, rows)?;
        let memory = &part.buffer().memory().0;
        memory.download(part.offset(), rows, bytes)
    }

    fn run(&self, call: &Call, operands: &mut [Operand<'_, GpuMemory>]) -> Result<(), DeviceError> {
        let checked = contract::check(call, self.inner.id, operands)?;
        self.kernel(call.code())?.launch(&checked)?;
        contract::note_writes(operands);
        Ok(())
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        self.inner.queue.synchronize()
    }
}

impl Event {
    /// Waits for this moment and gives the time since an earlier one, to half a microsecond.
    ///
    /// # Errors
    /// [`DeviceError::TooOld`] for a driver before CUDA 12.8, [`DeviceError::Foreign`] for a moment of
    /// another stream, and whatever went wrong on the device before.
    pub fn since(&self, earlier: &Self) -> Result<Duration, DeviceError> {
        check_version("the driver", self.driver, LEAST_TIMER)?;
        self.event.since(&earlier.event)
    }
}

/// Checks that a version is recent enough.
fn check_version(
    what: &'static str,
    found: (u32, u32),
    least: (u32, u32),
) -> Result<(), DeviceError> {
    if found >= least {
        return Ok(());
    }
    Err(DeviceError::TooOld { what, found, least })
}

#[cfg(test)]
mod tests;
