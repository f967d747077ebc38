//! A GPU on a CPU: runs the texts of the kernels and finds their faults.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rewire_kernels::{Call, Code, Program};
use rewire_ptx::{Argument, Launch, Memory, MemoryError, Module, Schedule};

use crate::buffer::{Buffer, DeviceId, Operand, Part, Rows};
use crate::contract::{self, Checked, Value};
use crate::device::{Device, check_bytes, check_host, check_part};
use crate::error::DeviceError;

/// Bytes that an emulator holds, unless it is told otherwise. The host takes five for each.
const ROOM_BYTES: u64 = 256 << 20;

/// The device that needs no GPU: the emulator of [`rewire_ptx`] behind the same interface.
///
/// It runs the very texts that a GPU gets, at once and one at a time, and reports what is wrong with
/// them: races, accesses out of bounds, bytes that nobody has written. It says nothing about speed,
/// and sums in an order of its own.
///
/// # Examples
/// ```
/// use rewire_cuda::{Device, Emulator, Part, Rows};
///
/// let emulator = Emulator::default();
/// let buffer = emulator.upload(&[1, 2, 3], Rows::one(3))?;
/// let mut bytes = [0; 2];
/// emulator.download(Part::new(&buffer, 1), Rows::one(2), &mut bytes)?;
/// assert_eq!(bytes, [2, 3]);
/// # Ok::<(), rewire_cuda::DeviceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Emulator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: DeviceId,
    schedule: Schedule,
    room: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    memory: Memory,
    used: u64,
    modules: HashMap<Code, Module>,
}

/// What holds the memory of a [`Buffer`] on an emulator.
#[derive(Debug)]
pub struct EmulatorMemory {
    inner: Arc<Inner>,
    address: u64,
    bytes: u64,
}

impl Default for Emulator {
    fn default() -> Self {
        Self::new(Schedule::default())
    }
}

impl Emulator {
    /// An emulator with 256 MiB of memory that uses the freedom of the hardware in this way.
    pub fn new(schedule: Schedule) -> Self {
        Self::with_room(schedule, ROOM_BYTES)
    }

    /// An emulator with so many bytes of memory, which take five times as many of the host's.
    pub fn with_room(schedule: Schedule, room: u64) -> Self {
        let inner = Inner {
            id: DeviceId::unique(),
            schedule,
            room,
            state: Mutex::default(),
        };
        let inner = Arc::new(inner);
        Self { inner }
    }

    /// Bytes of all buffers that there are.
    pub fn used_bytes(&self) -> u64 {
        self.inner.state().used
    }

    /// Puts another text in the place of a kernel's, for this emulator alone: to see a fault found.
    ///
    /// # Errors
    /// [`DeviceError::Compile`] if it is not PTX that the emulator knows.
    pub fn replace(&self, program: Program, text: &str) -> Result<(), DeviceError> {
        let module = parse(program.code(), text)?;
        self.inner.state().modules.insert(program.code(), module);
        Ok(())
    }

    /// A buffer over what `place` makes of the memory.
    fn buffer(
        &self,
        bytes: u64,
        place: impl FnOnce(&mut Memory) -> Result<u64, MemoryError>,
    ) -> Result<Buffer<EmulatorMemory>, DeviceError> {
        check_bytes(bytes)?;
        let mut state = self.inner.state();
        // The host needs a byte, and a word for what is known of it.
        let host = |bytes| Vec::<[u8; 5]>::new().try_reserve_exact(bytes).is_ok();
        let fits = usize::try_from(bytes).is_ok_and(host);
        if self.inner.room.saturating_sub(state.used) < bytes || !fits {
            return Err(DeviceError::OutOfMemory { bytes });
        }
        let address = place(&mut state.memory).map_err(fault)?;
        state.used += bytes;
        let inner = Arc::clone(&self.inner);
        let memory = EmulatorMemory {
            inner,
            address,
            bytes,
        };
        Ok(Buffer::new(self.inner.id, address, bytes, memory))
    }

    fn launch(&self, checked: &Checked<'_>) -> Result<(), DeviceError> {
        let call = checked.call();
        let code = call.code();
        let mut state = self.inner.state();
        let State {
            memory, modules, ..
        } = &mut *state;
        let module = match modules.entry(code) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => place.insert(parse(code, code.text())?),
        };
        let entry = module.entry(code.entry()).map_err(fault)?;
        let text: Vec<usize> = entry.parameters().iter().map(|p| p.bytes()).collect();
        checked.check_parameters(&text)?;
        let arguments = checked.values().iter().map(|value| match *value {
            Value::Address(address) => Argument::from(address),
            Value::Number(number) => Argument::from(number),
        });
        let threads = [call.threads(), 1, 1];
        Launch::new([call.blocks(), 1, 1], threads, arguments.collect())
            .with_shared(call.shared_bytes())
            .with_schedule(self.inner.schedule)
            .run(entry, memory)
            .map_err(fault)?;
        Ok(())
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EmulatorMemory {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        // There is a buffer as long as this lives, so there is one to give back.
        let _ = state.memory.release(self.address);
        state.used -= self.bytes;
    }
}

impl Device for Emulator {
    type Memory = EmulatorMemory;

    fn id(&self) -> DeviceId {
        self.inner.id
    }

    fn reserve(&self, bytes: u64) -> Result<Buffer<EmulatorMemory>, DeviceError> {
        self.buffer(bytes, |memory| Ok(memory.reserve(bytes as usize)))
    }

    fn zeros(&self, bytes: u64) -> Result<Buffer<EmulatorMemory>, DeviceError> {
        let place = |memory: &mut Memory| Ok(memory.upload(&vec![0u8; bytes as usize]));
        Ok(self.buffer(bytes, place)?.written())
    }

    fn upload(&self, bytes: &[u8], rows: Rows) -> Result<Buffer<EmulatorMemory>, DeviceError> {
        check_host(bytes.len(), rows)?;
        check_bytes(rows.packed())?;
        let extent = rows.extent();
        let place = |memory: &mut Memory| {
            let address = memory.reserve(extent as usize);
            for (row, bytes) in (0..rows.count).zip(bytes.chunks(rows.bytes as usize)) {
                memory.overwrite(address + row * rows.stride, bytes)?;
            }
            Ok(address)
        };
        Ok(self.buffer(extent, place)?.written())
    }

    fn download(
        &self,
        part: Part<'_, EmulatorMemory>,
        rows: Rows,
        bytes: &mut [u8],
    ) -> Result<(), DeviceError> {
        check_host(bytes.len(), rows)?;
        check_part(self.inner.id, part, rows)?;
        if rows.packed() == 0 {
            return Ok(());
        }
        let first = part.buffer().address() + part.offset();
        let state = self.inner.state();
        let places = (0..rows.count).map(|row| first + row * rows.stride);
        for (address, bytes) in places.zip(bytes.chunks_mut(rows.bytes.max(1) as usize)) {
            let found: Vec<u8> = state.memory.download(address, bytes.len()).map_err(fault)?;
            bytes.copy_from_slice(&found);
        }
        Ok(())
    }

    fn run(
        &self,
        call: &Call,
        operands: &mut [Operand<'_, EmulatorMemory>],
    ) -> Result<(), DeviceError> {
        let checked = contract::check(call, self.inner.id, operands)?;
        self.launch(&checked)?;
        contract::note_writes(operands);
        Ok(())
    }

    fn synchronize(&self) -> Result<(), DeviceError> {
        Ok(())
    }
}

fn parse(code: Code, text: &str) -> Result<Module, DeviceError> {
    let file = format!("{code}.ptx");
    Module::parse(&file, text).map_err(|error| DeviceError::Compile {
        file,
        code: 0,
        log: error.to_string(),
    })
}

fn fault(error: impl std::fmt::Display) -> DeviceError {
    let text = error.to_string();
    DeviceError::Fault { text }
}
