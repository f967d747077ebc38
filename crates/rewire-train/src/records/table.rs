//! A file of comma-separated numbers under one line of names, which grows by whole rows.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::refuse;
use super::row::Row;
use crate::disk::{Disk, DiskError, replace};
use crate::error::TrainError;

/// No run writes more; a longer file is not read into memory.
const LENGTH_LIMIT: u64 = 1 << 28;

/// One file of records.
#[derive(Debug)]
pub(super) struct Table {
    path: PathBuf,
    columns: Vec<String>,
}

/// Rows that are kept, and the bytes of the file without the others unless it is as it should be.
pub(super) struct Kept<T> {
    rows: Vec<T>,
    replacement: Option<Vec<u8>>,
}

impl<T> Kept<T> {
    pub(super) fn rows(&self) -> &[T] {
        &self.rows
    }
}

impl Table {
    pub(super) fn new(path: PathBuf, columns: Vec<String>) -> Self {
        Self { path, columns }
    }

    /// No rows, whatever the file holds.
    pub(super) fn none<T>(&self) -> Kept<T> {
        Kept {
            rows: Vec::new(),
            replacement: Some(line(&self.columns)),
        }
    }

    /// Reads rows until they are `complete`.
    ///
    /// `read` sees the rows before its own; `expected` names the rows for whoever misses some.
    pub(super) fn read<T>(
        &self,
        expected: &str,
        read: impl Fn(Row<'_>, &[T]) -> Result<T, TrainError>,
        complete: impl Fn(&[T]) -> bool,
    ) -> Result<Kept<T>, TrainError> {
        let lacking = |what: &str| {
            let what = format!("{what}; it should hold {expected}, which the checkpoint counts");
            refuse(&self.path, what)
        };
        let header = line(&self.columns);
        let bytes = match read_bounded(&self.path)? {
            None => return Err(lacking("there is no such file")),
            Some(bytes) if bytes.is_empty() => return Err(lacking("the file is empty")),
            Some(bytes) => bytes,
        };
        if !bytes.starts_with(&header) {
            let what = "the columns are not those of this run";
            return Err(refuse(&self.path, what.to_owned()));
        }
        let mut lines = bytes[header.len()..].split_inclusive(|&byte| byte == b'\n');
        let mut rows = Vec::new();
        let mut end = header.len();
        while !complete(&rows) {
            let Some(text) = lines.next().filter(|text| text.ends_with(b"\n")) else {
                let what = format!("the file ends after {} whole rows", rows.len());
                return Err(lacking(&what));
            };
            let number = rows.len() as u64 + 1;
            rows.push(read(self.row(number, text)?, &rows)?);
            end += text.len();
        }
        let replacement = (end < bytes.len()).then(|| bytes[..end].to_vec());
        Ok(Kept { rows, replacement })
    }

    /// Leaves nothing in the file but the kept rows, and returns them.
    pub(super) fn keep<T>(&self, disk: &dyn Disk, kept: Kept<T>) -> Result<Vec<T>, TrainError> {
        if let Some(bytes) = kept.replacement {
            replace(disk, &self.path, &bytes)?;
        }
        Ok(kept.rows)
    }

    /// Adds a row and forces it to the medium.
    pub(super) fn append(&self, disk: &dyn Disk, fields: &[String]) -> Result<(), TrainError> {
        assert_eq!(fields.len(), self.columns.len(), "{:?}", self.columns);
        disk.append(&self.path, &line(fields))
            .map_err(DiskError::at("append to", &self.path))?;
        disk.sync(&self.path)
            .map_err(DiskError::at("sync", &self.path))?;
        Ok(())
    }

    /// Rows hold numbers only, so that no field is quoted and none contains a comma.
    fn row<'a>(&'a self, number: u64, text: &'a [u8]) -> Result<Row<'a>, TrainError> {
        let refuse_row = |what: String| refuse(&self.path, format!("row {number}: {what}"));
        let text = std::str::from_utf8(text).map_err(|error| refuse_row(error.to_string()))?;
        let fields: Vec<&str> = text.trim_end_matches('\n').split(',').collect();
        if fields.len() != self.columns.len() {
            return Err(refuse_row(format!(
                "{} fields under {} columns",
                fields.len(),
                self.columns.len()
            )));
        }
        Ok(Row::new(&self.path, number, &self.columns, fields))
    }
}

/// The bytes of a line; names are quoted where they must be.
fn line(fields: &[String]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(fields)
        .and_then(|()| Ok(writer.flush()?))
        .expect("memory takes every record");
    writer
        .into_inner()
        .expect("nothing is left to flush to memory")
}

/// The bytes of the file, or `None` if there is none.
fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>, TrainError> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        answer => answer.map_err(DiskError::at("read", path))?,
    };
    if !metadata.is_file() {
        return Err(refuse(path, "is not a regular file".to_owned()));
    }
    if metadata.len() > LENGTH_LIMIT {
        let what = format!(
            "is {} bytes long, no run writes more than {LENGTH_LIMIT}",
            metadata.len()
        );
        return Err(refuse(path, what));
    }
    Ok(Some(fs::read(path).map_err(DiskError::at("read", path))?))
}
