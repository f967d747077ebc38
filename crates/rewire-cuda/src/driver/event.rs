//! Moments in the stream of work, and the time between them.

use std::ptr::null_mut;
use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::sys;

use super::{Queue, check};
use crate::error::DeviceError;

/// The moment at which all work that was queued before is done.
#[derive(Debug)]
pub(crate) struct Event {
    queue: Arc<Queue>,
    handle: sys::CUevent,
}

// SAFETY: the handle is a name that the driver gives out; it takes it from any thread whose context is
// the one it belongs to.
unsafe impl Send for Event {}
// SAFETY: as for `Send`.
unsafe impl Sync for Event {}

impl Event {
    /// Queues a moment.
    pub(crate) fn record(queue: &Arc<Queue>) -> Result<Self, DeviceError> {
        queue.bind()?;
        let mut handle = null_mut();
        let flags = sys::CUevent_flags::CU_EVENT_DEFAULT as u32;
        // SAFETY: a context is current.
        check("cuEventCreate", unsafe {
            sys::cuEventCreate(&mut handle, flags)
        })?;
        let queue = Arc::clone(queue);
        let event = Self { queue, handle };
        // SAFETY: event and stream live as long as `event`.
        check("cuEventRecord", unsafe {
            sys::cuEventRecord(event.handle, event.queue.work())
        })?;
        Ok(event)
    }

    /// Waits for this moment and gives the time since an earlier one of the same queue; the driver
    /// is of 12.8 or later.
    pub(crate) fn since(&self, earlier: &Self) -> Result<Duration, DeviceError> {
        if !Arc::ptr_eq(&self.queue, &earlier.queue) {
            return Err(DeviceError::Foreign);
        }
        self.queue.bind()?;
        for event in [earlier, self] {
            // SAFETY: the event was recorded.
            check("cuEventSynchronize", unsafe {
                sys::cuEventSynchronize(event.handle)
            })?;
        }
        let mut milliseconds = 0f32;
        // SAFETY: both events were recorded with their times and have happened.
        check("cuEventElapsedTime", unsafe {
            sys::cuEventElapsedTime_v2(&mut milliseconds, earlier.handle, self.handle)
        })?;
        Ok(Duration::from_secs_f64(
            f64::from(milliseconds).max(0.0) * 1e-3,
        ))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.queue.keep_untold(self.queue.bind());
        // SAFETY: made once by `record`; the driver waits with giving it back until it has happened.
        self.queue.keep_untold(check("cuEventDestroy", unsafe {
            sys::cuEventDestroy_v2(self.handle)
        }));
    }
}
