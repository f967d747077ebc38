//! A model put into a folder that may be a run's.
//!
//! Whoever writes to the folder of a run holds its lock, so a run that is running admits no guest.
//! The names of what a run writes itself are not for guests, whether the file is there or not.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::lock::FolderLock;
use super::{FILES, LAST, MODELS, name_of};
use crate::disk::{DiskError, HostDisk, folder_of, replace};
use crate::error::TrainError;

/// Writes a model to `path`, atomically; a file that is there is replaced only if asked for.
///
/// # Errors
/// [`TrainError::FileExists`] unless it is to be replaced, [`TrainError::NotReplaceable`] for a
/// folder, a link or a file of a run, [`TrainError::InUse`] while a run writes to the folder,
/// [`TrainError::Io`].
pub(crate) fn put_model(path: &Path, bytes: &[u8], overwrite: bool) -> Result<(), TrainError> {
    let folder = folder_of(path);
    admit(path, folder, overwrite)?;
    let _lock = FolderLock::take_again(folder)?;
    // Another process may have been faster.
    admit(path, folder, overwrite)?;
    Ok(replace(&HostDisk, path, bytes)?)
}

fn admit(path: &Path, folder: &Path, overwrite: bool) -> Result<(), TrainError> {
    let refuse = |what: &str| {
        Err(TrainError::NotReplaceable {
            path: path.to_path_buf(),
            what: what.to_owned(),
        })
    };
    let name = name_of(path);
    let is_of_run = FILES.contains(&name.as_str()) && !MODELS.contains(&name.as_str());
    if is_of_run && folder.join(LAST).exists() {
        return refuse("one of the files a run writes");
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => refuse("a folder"),
        Ok(metadata) if !metadata.is_file() => refuse("not a regular file"),
        Ok(_) if !overwrite => Err(TrainError::FileExists {
            path: path.to_path_buf(),
        }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(DiskError::at("write", path)(error).into()),
    }
}
