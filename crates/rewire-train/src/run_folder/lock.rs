//! One process at a time in a run folder.
//!
//! The lock is the system's lock on the empty file `.lock`, not the file: it ends with the process
//! that holds it, however that ends, so a file that was left behind bars nobody. The file stays
//! where it is, because a process that removed it could take the name from under another that has
//! opened it and is about to lock it.
//!
//! A file system without locks gives none, and the run goes on without.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::error::TrainError;

/// The name of the file in the run folder.
pub(super) const LOCK: &str = ".lock";

/// A folder that no other process writes to while this value lives.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Locks a folder.
    ///
    /// # Errors
    /// [`TrainError::InUse`] if somebody else holds the lock, within this process too;
    /// [`TrainError::Io`].
    pub(super) fn take(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(LOCK);
        let file = open(&path, true).map_err(DiskError::at("create", &path))?;
        Self::of(file, folder, path)
    }

    /// Locks a folder that has been locked before; leaves any other as it is.
    ///
    /// # Errors
    /// As [`FolderLock::take`].
    pub(super) fn take_again(folder: &Path) -> Result<Option<Self>, TrainError> {
        let path = folder.join(LOCK);
        match open(&path, false) {
            Ok(file) => Self::of(file, folder, path).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DiskError::at("open", &path)(error).into()),
        }
    }

    fn of(file: File, folder: &Path, path: PathBuf) -> Result<Self, TrainError> {
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(TrainError::InUse {
                path: folder.to_path_buf(),
            }),
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                Ok(Self { _file: file })
            }
            Err(TryLockError::Error(error)) => Err(DiskError::at("lock", &path)(error).into()),
        }
    }
}

/// Opened for writing, because some network file systems lock nothing else.
fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .open(path)
}
