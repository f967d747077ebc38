//! One file as a stream of contents, plain or gzip, read no further than asked.
//!
//! [`Source::admit`] is the gate before every allocation whose size a header dictates. A plain file
//! must be long enough to hold the announced field. A compressed one must make it plausible:
//! deflate reaches about 1000:1 on constant bytes, image files about 5:1, so more than
//! [`GZIP_RATIO`] is taken for a bomb unless the whole is small.

use std::fs::{self, File, FileType};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::DataError;

/// The largest field any header may announce, in bytes.
pub(crate) const FIELD_LIMIT: u64 = 1 << 30;
/// Unpacked size up to which the compression ratio does not matter, in bytes.
pub(crate) const GZIP_FREE: u64 = 16 << 20;
/// The highest ratio of unpacked to stored bytes accepted beyond [`GZIP_FREE`].
pub(crate) const GZIP_RATIO: u64 = 100;

/// Records that are read at once, where nothing says how many there are.
const CHUNK_RECORDS: usize = 256;

pub(crate) struct Source {
    file: PathBuf,
    gzip: bool,
    stored: u64,
    offset: u64,
    reader: Box<dyn Read>,
}

impl Source {
    /// Opens a regular file; a name that ends in `.gz` means gzip, of one or several members.
    ///
    /// What the name leads to is looked at before it is opened, because opening a FIFO would wait
    /// for a writer.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let metadata = fs::metadata(path).map_err(|e| io_error(path, "look at", e))?;
        if !metadata.is_file() {
            return Err(DataError::WrongKind {
                file: path.to_owned(),
                expected: "a regular file",
                found: kind(metadata.file_type()),
            });
        }
        let file = File::open(path).map_err(|e| io_error(path, "open", e))?;
        let stored = file
            .metadata()
            .map_err(|e| io_error(path, "look at", e))?
            .len();
        let gzip = path.extension().is_some_and(|extension| extension == "gz");
        // An empty file is a cut-off magic number whether or not it should have been compressed.
        let reader: Box<dyn Read> = if gzip && stored > 0 {
            Box::new(MultiGzDecoder::new(BufReader::new(file)))
        } else {
            Box::new(BufReader::new(file))
        };
        Ok(Self {
            file: path.to_owned(),
            gzip,
            stored,
            offset: 0,
            reader,
        })
    }

    pub(crate) fn is_gzip(&self) -> bool {
        self.gzip
    }

    /// Bytes of contents read so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Checks that a field of `dims` bytes, next in the contents, may be allocated.
    pub(crate) fn admit(&self, field: &'static str, dims: &[u32]) -> Result<usize, DataError> {
        // A header of this format has at most three dimensions of 32 bits, whose product fits in
        // 96; saturation makes the same comparison right for any number of them.
        let announced = dims
            .iter()
            .fold(1u128, |product, &dim| product.saturating_mul(dim.into()));
        let limit = self.limit();
        if announced > u128::from(limit) {
            let dims: Vec<String> = dims.iter().map(u32::to_string).collect();
            return Err(DataError::TooLarge {
                file: self.file.clone(),
                field,
                announced,
                dims: dims.join("×"),
                limit,
            });
        }
        let expected = announced as u64;
        let left = self.stored.saturating_sub(self.offset);
        if !self.gzip && left < expected {
            return Err(self.truncated(field, expected, left));
        }
        Ok(expected as usize)
    }

    /// Fills the buffer from the contents.
    pub(crate) fn fill(&mut self, field: &'static str, buffer: &mut [u8]) -> Result<(), DataError> {
        let found = self.read_up_to(field, buffer)?;
        if found < buffer.len() {
            return Err(self.truncated(field, buffer.len() as u64, found as u64));
        }
        self.offset += found as u64;
        Ok(())
    }

    /// Reads all contents, which are records of `record` bytes each.
    ///
    /// Nothing announces how many there are: memory grows with what has been read, up to the limit
    /// that [`Source::admit`] sets.
    pub(crate) fn records(
        &mut self,
        field: &'static str,
        record: usize,
    ) -> Result<Vec<u8>, DataError> {
        let limit = self.limit();
        let mut contents = Vec::new();
        let mut chunk = vec![0; record * CHUNK_RECORDS];
        loop {
            let found = self.read_up_to(field, &mut chunk)?;
            contents.extend_from_slice(&chunk[..found]);
            self.offset += found as u64;
            if contents.len() as u64 > limit {
                return Err(DataError::TooLarge {
                    file: self.file.clone(),
                    field,
                    announced: contents.len() as u128,
                    dims: format!("at least {} records", contents.len() / record),
                    limit,
                });
            }
            if found < chunk.len() {
                break;
            }
        }
        match contents.len() % record {
            0 => Ok(contents),
            rest => {
                self.offset -= rest as u64;
                Err(self.truncated("a record", record as u64, rest as u64))
            }
        }
    }

    /// The largest field or contents that are read.
    fn limit(&self) -> u64 {
        if self.gzip {
            let ratio = self.stored.saturating_mul(GZIP_RATIO);
            ratio.clamp(GZIP_FREE, FIELD_LIMIT)
        } else {
            FIELD_LIMIT
        }
    }

    /// Checks that the contents end here; for gzip this also verifies the checksum of the stream.
    pub(crate) fn end(&mut self, field: &'static str) -> Result<(), DataError> {
        match self.read_up_to(field, &mut [0])? {
            0 => Ok(()),
            _ => Err(DataError::Trailing {
                file: self.file.clone(),
                field,
                end: self.offset,
            }),
        }
    }

    fn read_up_to(&mut self, field: &'static str, buffer: &mut [u8]) -> Result<usize, DataError> {
        let mut found = 0;
        while found < buffer.len() {
            match self.reader.read(&mut buffer[found..]) {
                Ok(0) => break,
                Ok(n) => found += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The decoder makes its own errors, without a number of the operating system.
                Err(error) if self.gzip && error.raw_os_error().is_none() => {
                    return Err(DataError::Gzip {
                        file: self.file.clone(),
                        field,
                        offset: self.offset + found as u64,
                        reason: match error.kind() {
                            io::ErrorKind::UnexpectedEof => "it ends early".into(),
                            _ => error.to_string(),
                        },
                    });
                }
                Err(error) => return Err(io_error(&self.file, "read", error)),
            }
        }
        Ok(found)
    }

    fn truncated(&self, field: &'static str, expected: u64, found: u64) -> DataError {
        DataError::Truncated {
            file: self.file.clone(),
            field,
            offset: self.offset,
            expected,
            found,
        }
    }
}

pub(crate) fn io_error(path: &Path, action: &'static str, source: io::Error) -> DataError {
    DataError::Io {
        file: path.to_owned(),
        action,
        source,
    }
}

/// What something that is not what it should be is, in words.
pub(crate) fn kind(file_type: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return "a FIFO";
        }
        if file_type.is_socket() {
            return "a socket";
        }
        if file_type.is_char_device() || file_type.is_block_device() {
            return "a device";
        }
    }
    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_file() {
        "a regular file"
    } else {
        "something else"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// What a reader that has read a header of 16 bytes says to the dimensions.
    fn admit(gzip: bool, stored: u64, dims: &[u32]) -> Result<usize, DataError> {
        let source = Source {
            file: PathBuf::from("file"),
            gzip,
            stored,
            offset: 16,
            reader: Box::new(io::empty()),
        };
        source.admit("pixels", dims)
    }

    #[test]
    fn sizes_up_to_the_limit_are_admitted() {
        for (gzip, stored, dims) in [
            (false, 16 + 36, &[6, 3, 2][..]),
            (false, 16 + (1 << 30), &[1 << 30]),
            // MNIST as published, at 5:1.
            (true, 9_912_422, &[60_000, 28, 28]),
            // Any ratio while the whole is small.
            (true, 30, &[16, 1 << 20]),
            // Exactly 100:1, and the largest field of all.
            (true, MIB, &[100, 1 << 20]),
            (true, 11 * MIB, &[1 << 30]),
            (true, u64::MAX, &[1 << 30]),
        ] {
            let product: u32 = dims.iter().product();
            assert_eq!(
                admit(gzip, stored, dims).unwrap(),
                product as usize,
                "{dims:?}"
            );
        }
    }

    #[test]
    fn sizes_beyond_the_limit_are_refused_with_both_numbers() {
        for (gzip, stored, dims, limit) in [
            (false, u64::MAX, &[(1 << 30) + 1][..], 1 << 30),
            (true, u64::MAX, &[(1 << 30) + 1], 1 << 30),
            (true, 30, &[(16 << 20) + 1], 16 * MIB),
            (true, MIB, &[(100 << 20) + 1], 100 * MIB),
            (true, MIB, &[u32::MAX; 5], 100 * MIB),
        ] {
            let message = admit(gzip, stored, dims).unwrap_err().to_string();
            let ends = format!("more than the limit of {limit}");
            assert!(message.ends_with(&ends), "{message}");
        }
        // The product of five such dimensions has 160 bits: it saturates, it does not wrap.
        let message = admit(true, MIB, &[u32::MAX; 5]).unwrap_err().to_string();
        assert!(message.contains(&u128::MAX.to_string()), "{message}");
    }

    #[test]
    fn a_plain_file_must_hold_what_its_header_announces() {
        let message = admit(false, 16 + 35, &[6, 3, 2]).unwrap_err().to_string();
        assert_eq!(
            message,
            "file: pixels cut off: 36 bytes expected at offset 16, 35 present"
        );
        // A file that shrank since it was opened holds nothing more.
        assert!(admit(false, 3, &[1]).is_err());
    }
}
