//! What a run asks of a file system, and the one way to replace a file without ever losing it.
//!
//! A file is replaced by writing a temporary beside it, forcing that to the medium, renaming it
//! over the old name and forcing the folder to the medium:
//!
//! ```text
//! write .NAME.tmp-PID → sync → rename to NAME → sync the folder
//! ```
//!
//! At every instant NAME is the whole old file or the whole new one, whether the process is
//! killed, an operation fails or the power is cut; once [`replace`] has returned, it is the new
//! one. [`Disk`] exists so that tests can cut the power between any two of these operations.
//! Reading needs no such care and goes to the host's file system directly.
//!
//! This module refuses to buffer, to retry and to write in place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The operations with which a run changes its folder.
///
/// Implementations do exactly what is asked: data and names reach the medium only through
/// [`Disk::sync`] and [`Disk::sync_dir`].
pub trait Disk {
    /// Creates the file, or empties it, and writes all bytes; not durable before [`Disk::sync`].
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Writes all bytes at the end of the file, which is created if it is missing.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Forces the contents of a file to the medium, not its name.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Gives a file another name in the same folder, replacing what had that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Forces the names in a folder to the medium.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The paths of everything in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
}

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostDisk;

impl Disk for HostDisk {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(path)?.write_all(bytes)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?
            .write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        // Opened for writing because some systems refuse to flush a handle that cannot write.
        OpenOptions::new().append(true).open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Elsewhere a folder cannot be opened as a file, and renames are journalled by the system.
        if cfg!(unix) {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = fs::read_dir(dir)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }
}

/// An operation on a file or folder that the system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct DiskError {
    /// What was tried, as a verb: "write", "rename".
    pub action: &'static str,
    /// The file or folder it was tried on.
    pub path: PathBuf,
    /// The answer of the system.
    pub source: io::Error,
}

impl DiskError {
    /// Wraps the answer of the system with what was tried and where.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self {
            action,
            path,
            source,
        }
    }

    /// What the user can do about it, if the answer of the system says as much.
    pub fn hint(&self) -> Option<String> {
        let advice = match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space; the files written before are whole"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "check the permissions of the folder"
            }
            io::ErrorKind::FileTooLarge => {
                "raise the limit on the size of files (ulimit -f); the files written before are whole"
            }
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::NotADirectory => "a part of the path is a file, not a folder",
            io::ErrorKind::AlreadyExists => {
                "a file, or a link that leads nowhere, has this name; move it away or choose another"
            }
            io::ErrorKind::InvalidFilename => "choose a shorter name",
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

/// Replaces `path` by a file that holds `bytes`, or leaves it as it is.
///
/// # Determinism
/// When this returns, the new file survives a power cut. When it fails or the machine stops, the
/// name leads to the whole old or the whole new file; a temporary may stay behind until
/// [`remove_stale_temporaries`].
///
/// # Cost
/// One write of the bytes and two waits for the medium.
///
/// # Errors
/// The operation that failed and its file; the temporary is removed if that is still possible.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let temporary = temporary_of(path)?;
    let put = || {
        disk.write(&temporary, bytes)
            .map_err(DiskError::at("write", &temporary))?;
        disk.sync(&temporary)
            .map_err(DiskError::at("sync", &temporary))?;
        disk.rename(&temporary, path)
            .map_err(DiskError::at("rename a temporary to", path))
    };
    if let Err(error) = put() {
        // The first failure is the one to report; whether this succeeds changes nothing for it.
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    let folder = folder_of(path);
    disk.sync_dir(folder).map_err(DiskError::at("sync", folder))
}

/// Removes the temporaries that killed processes left in `dir` and returns their paths, sorted.
///
/// Only names of the form `.NAME.tmp-PID` are touched. To be called before a run writes to its
/// folder: a temporary in use by a running process would be lost.
///
/// # Errors
/// If the folder cannot be listed or a file not removed.
pub fn remove_stale_temporaries(disk: &dyn Disk, dir: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let stale: Vec<PathBuf> = disk
        .list(dir)
        .map_err(DiskError::at("list", dir))?
        .into_iter()
        .filter(|path| temporary_target(path).is_some())
        .collect();
    for path in &stale {
        disk.remove(path).map_err(DiskError::at("remove", path))?;
    }
    Ok(stale)
}

/// The name that a temporary was to take, or `None` if `path` is not named like one.
pub(crate) fn temporary_target(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let (target, process) = name.strip_prefix('.')?.rsplit_once(".tmp-")?;
    let is_process = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    (is_process && !target.is_empty()).then_some(target)
}

/// The folder that holds `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temporary_of(path: &Path) -> Result<PathBuf, DiskError> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
        .map_err(DiskError::at("write", path))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".tmp-{}", std::process::id()));
    Ok(path.with_file_name(temporary))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        HostDisk
            .list(dir)
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn replacing_leaves_the_new_bytes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("summary.json");
        for bytes in [&b"first"[..], b"", b"the third is longer"] {
            replace(&HostDisk, &path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(names(dir.path()), ["summary.json"]);
        }
    }

    #[test]
    fn a_replacement_that_cannot_be_renamed_cleans_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        let error = replace(&HostDisk, &path, b"bytes").unwrap_err();
        assert_eq!(error.action, "rename a temporary to");
        assert_eq!(error.path, path);
        assert_eq!(names(dir.path()), ["taken"]);
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        let error = replace(&HostDisk, Path::new("/"), b"bytes").unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn only_temporaries_are_stale() {
        let dir = tempfile::tempdir().unwrap();
        let kept = [
            "last.safetensors",
            ".hidden",
            ".x.tmp-",
            ".x.tmp-12a",
            "x.tmp-12",
            "..tmp-12",
        ];
        let stale = [".best.safetensors.tmp-7", ".last.safetensors.tmp-4711"];
        for name in kept.iter().chain(&stale) {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        let removed = remove_stale_temporaries(&HostDisk, dir.path()).unwrap();
        assert_eq!(removed, stale.map(|name| dir.path().join(name)));
        let mut expected = kept.map(str::to_owned);
        expected.sort();
        assert_eq!(names(dir.path()), expected);
    }

    #[test]
    fn an_error_names_the_action_and_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        let error = remove_stale_temporaries(&HostDisk, &missing).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("cannot list "), "{text}");
        assert!(text.contains("missing"), "{text}");
        assert_eq!(error.hint().as_deref(), Some("check the path"));
    }
}
