//! Hand-made hostile files: each is an error that names the file, the field and the numbers, gives
//! a hint, comes quickly and leaves memory small.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use rewire_data::{Dataset, check};

use crate::contents::contents;
use crate::streams::streams;
use crate::writer::{self, COLUMNS, ROWS, SAMPLES, TRAIN_IMAGES, TRAIN_LABELS, gzip};

/// One hostile file and what its error must say beside the file's name.
pub(crate) struct Case {
    name: String,
    file: &'static str,
    bytes: Vec<u8>,
    wanted: Vec<String>,
}

pub(crate) fn case(
    name: impl Into<String>,
    file: &'static str,
    bytes: Vec<u8>,
    wanted: &[&str],
) -> Case {
    Case {
        name: name.into(),
        file,
        bytes,
        wanted: wanted.iter().map(|&text| text.to_owned()).collect(),
    }
}

/// Opens and checks a folder in which one thing is wrong, and judges both errors.
fn refuse(dir: &Path, name: &str, file: &str, wanted: &[String], io: bool) {
    for attempt in [
        |dir: &Path| Dataset::open(dir).err(),
        |dir: &Path| check(dir).err(),
    ] {
        let begin = Instant::now();
        let error = attempt(dir).unwrap_or_else(|| panic!("{name}: accepted"));
        let spent = begin.elapsed();
        let message = error.to_string();
        assert!(message.contains(file), "{name}: no file in {message}");
        for text in wanted {
            assert!(message.contains(text), "{name}: no {text:?} in {message}");
        }
        assert!(
            error.hint().is_some_and(|hint| hint.len() > 20),
            "{name}: {message}"
        );
        assert_eq!(error.is_io(), io, "{name}: {message}");
        assert!(spent < Duration::from_secs(1), "{name}: {spent:?}");
    }
}

fn refuse_all(cases: &[Case], packed: bool, pack: fn(&[u8]) -> Vec<u8>) {
    let suffix = if packed { ".gz" } else { "" };
    let dir = writer::sound_folder(packed);
    for case in cases {
        let file = format!("{}{suffix}", case.file);
        let sound = fs::read(dir.path().join(&file)).unwrap();
        writer::write(dir.path(), &file, &pack(&case.bytes));
        refuse(dir.path(), &case.name, case.file, &case.wanted, false);
        writer::write(dir.path(), &file, &sound);
    }
    // Nothing but the case itself made the folder unsound.
    check(dir.path()).unwrap();
    assert_memory_stayed_small();
}

/// The peak of this process, all its tests and their own bombs included.
fn assert_memory_stayed_small() {
    #[cfg(target_os = "linux")]
    {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 64 << 10, "peak of {kilobytes} kB");
    }
}

#[test]
fn plain_files_are_refused() {
    let cases = contents();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    refuse_all(&cases, false, <[u8]>::to_vec);
}

#[test]
fn packed_files_are_refused() {
    let cases = contents();
    refuse_all(&cases, true, gzip);
}

#[test]
fn damaged_streams_are_refused() {
    let cases = streams();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    refuse_all(&cases, true, <[u8]>::to_vec);
}

#[test]
fn a_packed_file_under_a_plain_name_is_recognised() {
    let dir = writer::sound_folder(false);
    writer::write(dir.path(), TRAIN_LABELS, &gzip(&writer::labels(SAMPLES)));
    let error = Dataset::open(dir.path()).unwrap_err();
    assert!(error.hint().unwrap().contains("add .gz"), "{error}");
    // An empty file is cut off whatever its name says.
    let dir = writer::sound_folder(true);
    File::create(dir.path().join(format!("{TRAIN_LABELS}.gz"))).unwrap();
    let wanted = ["magic number cut off: 4 bytes expected at offset 0, 0 present".to_owned()];
    refuse(
        dir.path(),
        "empty archive",
        "train-labels-idx1-ubyte.gz",
        &wanted,
        false,
    );
}

#[test]
fn exchanged_files_are_recognised() {
    let dir = writer::sound_folder(false);
    writer::write(
        dir.path(),
        TRAIN_LABELS,
        &writer::images(SAMPLES, ROWS, COLUMNS),
    );
    writer::write(dir.path(), TRAIN_IMAGES, &writer::labels(SAMPLES));
    let error = Dataset::open(dir.path()).unwrap_err();
    assert!(error.hint().unwrap().contains("swapped"), "{error}");
}

#[cfg(unix)]
#[test]
fn things_that_are_no_regular_files_are_refused_without_waiting() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let dir = writer::sound_folder(false);
    let path = dir.path().join(TRAIN_LABELS);
    let check_now = |name: &str, wanted: &str, io: bool| {
        refuse(dir.path(), name, TRAIN_LABELS, &[wanted.to_owned()], io);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
    };

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    check_now("folder", "a regular file is needed, found a folder", false);

    // Opening a FIFO waits for a writer, and there is none.
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    check_now("FIFO", "a regular file is needed, found a FIFO", false);

    symlink("/dev/zero", &path).unwrap();
    check_now("device", "a regular file is needed, found a device", false);

    symlink(TRAIN_LABELS, &path).unwrap();
    check_now("link to itself", "cannot look at", true);

    symlink("nowhere", &path).unwrap();
    check_now("link to nothing", "cannot look at", true);

    // A regular file whose first page cannot be read, for whichever user.
    #[cfg(target_os = "linux")]
    {
        symlink("/proc/self/mem", &path).unwrap();
        check_now("unreadable", "cannot read", true);
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let dir = writer::sound_folder(false);
    let path = dir.path().join(TRAIN_LABELS);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // The administrator may read everything; then the file is simply sound.
    if File::open(&path).is_ok() {
        assert!(Dataset::open(dir.path()).is_ok());
    } else {
        refuse(
            dir.path(),
            "no permission",
            TRAIN_LABELS,
            &["cannot open".to_owned()],
            true,
        );
    }
}
