//! Buffers and copies.
//!
//! Memory comes from the queue's pool in the order of a stream, so neither asking for it nor giving
//! it back waits for anything.

use std::ptr::{null, null_mut};
use std::sync::Arc;

use cudarc::driver::sys;

use super::{Queue, check};
use crate::buffer::Rows;
use crate::error::DeviceError;

/// Memory of a device, given back in the order of the work stream when it is dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    queue: Arc<Queue>,
    address: sys::CUdeviceptr,
}

impl Memory {
    /// So many bytes, more than 0, that nobody has written; for work that is queued from now on.
    pub(crate) fn reserve(queue: &Arc<Queue>, bytes: u64) -> Result<Self, DeviceError> {
        Self::allocate(queue, bytes, queue.work())
    }

    /// So many zeros, more than 0, for work that is queued from now on.
    pub(crate) fn zeros(queue: &Arc<Queue>, bytes: u64) -> Result<Self, DeviceError> {
        let memory = Self::reserve(queue, bytes)?;
        // SAFETY: the memory has so many bytes, and is there when the stream comes to this.
        check("cuMemsetD8Async", unsafe {
            sys::cuMemsetD8Async(memory.address, 0, bytes as usize, queue.work())
        })?;
        Ok(memory)
    }

    /// Rows from the host, as many bytes as they have. They have been copied when it returns; other
    /// work is not waited for.
    pub(crate) fn upload(queue: &Arc<Queue>, host: &[u8], rows: Rows) -> Result<Self, DeviceError> {
        let memory = Self::allocate(queue, rows.extent(), queue.copies())?;
        let copied = if rows.stride == rows.bytes || rows.count == 1 {
            // SAFETY: `host` has as many bytes as the memory, which is there when the stream comes
            // to this; both stay until the wait below.
            check("cuMemcpyHtoDAsync", unsafe {
                let source = host.as_ptr().cast();
                sys::cuMemcpyHtoDAsync_v2(memory.address, source, host.len(), queue.copies())
            })
        } else {
            let copy = sys::CUDA_MEMCPY2D {
                srcMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_HOST,
                srcHost: host.as_ptr().cast(),
                srcPitch: rows.bytes as usize,
                dstMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_DEVICE,
                dstDevice: memory.address,
                dstPitch: rows.stride as usize,
                ..rectangle(rows)
            };
            // SAFETY: `host` has as many bytes as the rows, the memory their extent; both stay until
            // the wait below.
            check("cuMemcpy2DAsync", unsafe {
                sys::cuMemcpy2DAsync_v2(&copy, queue.copies())
            })
        };
        // Also after an error: the allocation must be done before the work stream gives it back.
        // SAFETY: the stream lives as long as the queue.
        let waited = check("cuStreamSynchronize", unsafe {
            sys::cuStreamSynchronize(queue.copies())
        });
        copied.and(waited).map(|()| memory)
    }

    /// Puts rows that begin `offset` bytes after the beginning into `host`, which is as long as they
    /// are; the memory holds their extent. Waits for all work.
    pub(crate) fn download(
        &self,
        offset: u64,
        rows: Rows,
        host: &mut [u8],
    ) -> Result<(), DeviceError> {
        let queue = &*self.queue;
        queue.bind()?;
        let from = self.address + offset;
        let copied = if rows.stride == rows.bytes || rows.count == 1 {
            // SAFETY: the memory holds as many bytes from there on as `host`; both stay until the
            // wait below.
            check("cuMemcpyDtoHAsync", unsafe {
                let target = host.as_mut_ptr().cast();
                sys::cuMemcpyDtoHAsync_v2(target, from, host.len(), queue.work())
            })
        } else {
            let copy = sys::CUDA_MEMCPY2D {
                srcMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_DEVICE,
                srcDevice: from,
                srcPitch: rows.stride as usize,
                dstMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_HOST,
                dstHost: host.as_mut_ptr().cast(),
                dstPitch: rows.bytes as usize,
                ..rectangle(rows)
            };
            // SAFETY: the memory holds the extent of the rows from there on, `host` their bytes; both
            // stay until the wait below.
            check("cuMemcpy2DAsync", unsafe {
                sys::cuMemcpy2DAsync_v2(&copy, queue.work())
            })
        };
        let waited = queue.synchronize();
        copied.and(waited)
    }

    /// Where it begins.
    pub(crate) const fn address(&self) -> u64 {
        self.address
    }

    fn allocate(
        queue: &Arc<Queue>,
        bytes: u64,
        stream: sys::CUstream,
    ) -> Result<Self, DeviceError> {
        queue.bind()?;
        let mut address = 0;
        // SAFETY: pool and stream live as long as the queue.
        let returned = unsafe {
            sys::cuMemAllocFromPoolAsync(&mut address, bytes as usize, queue.pool(), stream)
        };
        if returned == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            return Err(DeviceError::OutOfMemory { bytes });
        }
        check("cuMemAllocFromPoolAsync", returned)?;
        let queue = Arc::clone(queue);
        Ok(Self { queue, address })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let queue = &self.queue;
        queue.keep_untold(queue.bind());
        // SAFETY: allocated by `allocate` and given back once. All work that uses it was queued
        // before, and an allocation on the other stream was waited for.
        queue.keep_untold(check("cuMemFreeAsync", unsafe {
            sys::cuMemFreeAsync(self.address, queue.work())
        }));
    }
}

/// A copy of rows from and to the beginning of something that is filled in later.
const fn rectangle(rows: Rows) -> sys::CUDA_MEMCPY2D {
    sys::CUDA_MEMCPY2D {
        srcXInBytes: 0,
        srcY: 0,
        srcMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_HOST,
        srcHost: null(),
        srcDevice: 0,
        srcArray: null_mut(),
        srcPitch: 0,
        dstXInBytes: 0,
        dstY: 0,
        dstMemoryType: sys::CUmemorytype::CU_MEMORYTYPE_HOST,
        dstHost: null_mut(),
        dstDevice: 0,
        dstArray: null_mut(),
        dstPitch: 0,
        WidthInBytes: rows.bytes as usize,
        Height: rows.count as usize,
    }
}
