//! A file of comma-separated numbers under one line of names, which grows by whole rows.

use std::fs;
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

impl Table {
    pub(super) fn new(path: PathBuf, columns: Vec<String>) -> Self {
        Self { path, columns }
    }

    /// Reads the first `keep` rows and cuts off what follows them.
    pub(super) fn open<T>(
        &self,
        disk: &dyn Disk,
        keep: u64,
        read: impl Fn(Row<'_>) -> Result<T, TrainError>,
    ) -> Result<Vec<T>, TrainError> {
        let header = line(&self.columns);
        if keep == 0 {
            replace(disk, &self.path, &header)?;
            return Ok(Vec::new());
        }
        let bytes = read_bounded(&self.path)?;
        if !bytes.starts_with(&header) {
            let what = "the columns are not those of this run's layers";
            return Err(refuse(&self.path, what.to_owned()));
        }
        let body = &bytes[header.len()..];
        let mut rows = Vec::new();
        let mut end = header.len();
        for text in body.split_inclusive(|&byte| byte == b'\n') {
            if rows.len() as u64 == keep || !text.ends_with(b"\n") {
                break;
            }
            let number = rows.len() as u64 + 1;
            rows.push(read(self.row(number, text)?)?);
            end += text.len();
        }
        if (rows.len() as u64) < keep {
            let what = format!(
                "holds {} whole rows, the checkpoint was saved after {keep} epochs",
                rows.len()
            );
            return Err(refuse(&self.path, what));
        }
        if end < bytes.len() {
            replace(disk, &self.path, &bytes[..end])?;
        }
        Ok(rows)
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

fn read_bounded(path: &Path) -> Result<Vec<u8>, TrainError> {
    let metadata = fs::metadata(path).map_err(DiskError::at("read", path))?;
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
    Ok(fs::read(path).map_err(DiskError::at("read", path))?)
}
