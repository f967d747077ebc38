//! A finished checkpoint is never lost or torn: not by a kill, a full disk or a power cut between
//! any two operations. The same harness condemns every careless way of writing one.

use std::io;
use std::path::{Path, PathBuf};

use crate::faulty_disk::{Failure, FaultyDisk, Files};
use rewire_train::checkpoint::{
    CheckpointError, Snapshot, Tensor, decode, encode, remove_stale_temporaries, save,
};
use rewire_train::disk::Disk;
use serde_json::json;

fn path() -> PathBuf {
    PathBuf::from("run/last.safetensors")
}

/// Checkpoints of different lengths, so that a mixture of two is no third one.
fn checkpoint(step: usize) -> Snapshot {
    Snapshot {
        tensors: [("w".to_owned(), Tensor::vector(vec![step as f32; 3 + step]))].into(),
        meta: json!({ "step": step }),
    }
}

fn bytes_of(step: usize) -> Vec<u8> {
    encode(&path(), &checkpoint(step)).unwrap()
}

/// The step of the checkpoint that a file holds; `None` if there is none that loads.
fn step_in(files: &Files) -> Option<usize> {
    let snapshot = decode(&path(), files.get(&path())?).ok()?;
    let step = snapshot.meta["step"].as_u64()? as usize;
    (snapshot == checkpoint(step)).then_some(step)
}

/// What a way of saving did to its readers.
#[derive(Debug, Default, PartialEq)]
struct Verdict {
    /// States in which neither the old nor the new checkpoint loads.
    torn: usize,
    /// States after success in which the new checkpoint does not load.
    lost: usize,
    /// States that were looked at.
    states: usize,
}

impl Verdict {
    fn look(&mut self, files: &Files, acknowledged: bool) {
        self.states += 1;
        match step_in(files) {
            Some(2) => {}
            Some(1) => self.lost += usize::from(acknowledged),
            _ => self.torn += 1,
        }
    }
}

type Saver = fn(&dyn Disk, &Path, &Snapshot) -> Result<(), CheckpointError>;

/// Replaces checkpoint 1 by checkpoint 2, with a power cut after every change, with every
/// operation failing, and with a power cut after every change of those.
fn judge(saver: Saver) -> Verdict {
    let old = Files::from([(path(), bytes_of(1))]);
    let whole = FaultyDisk::holding(old.clone());
    saver(&whole, &path(), &checkpoint(2)).unwrap();
    let mut verdict = Verdict::default();
    let mut look_everywhere = |disk: &FaultyDisk, succeeded: bool| {
        for n in 0..=disk.changes() {
            let acknowledged = succeeded && n == disk.changes();
            verdict.look(&disk.seen_after(n), acknowledged);
            for files in disk.after_power_cut(n) {
                verdict.look(&files, acknowledged);
            }
        }
    };
    look_everywhere(&whole, true);
    for call in 0..whole.calls() {
        for failure in [Failure::Full, Failure::Broken] {
            let disk = FaultyDisk::failing_at(old.clone(), call, failure);
            let error = saver(&disk, &path(), &checkpoint(2)).unwrap_err();
            assert!(matches!(error, CheckpointError::Disk(_)), "{error}");
            look_everywhere(&disk, false);
        }
    }
    verdict
}

#[test]
fn at_every_instant_the_old_or_the_new_checkpoint_loads() {
    let verdict = judge(save);
    assert_eq!((verdict.torn, verdict.lost), (0, 0), "{verdict:?}");
    assert!(verdict.states > 150, "{verdict:?}");
}

#[test]
fn the_first_checkpoint_is_absent_or_whole() {
    let disk = FaultyDisk::default();
    save(&disk, &path(), &checkpoint(1)).unwrap();
    for n in 0..=disk.changes() {
        for files in disk.after_power_cut(n) {
            let is_acknowledged = n == disk.changes();
            match files.contains_key(&path()) {
                true => assert_eq!(step_in(&files), Some(1), "after {n} changes"),
                false => assert!(!is_acknowledged),
            }
        }
    }
}

#[test]
fn what_a_cut_leaves_behind_is_removed_at_the_next_start() {
    let disk = FaultyDisk::holding(Files::from([(path(), bytes_of(1))]));
    save(&disk, &path(), &checkpoint(2)).unwrap();
    let mut littered = 0;
    for n in 0..=disk.changes() {
        for files in disk.after_power_cut(n) {
            let step = step_in(&files);
            littered += usize::from(files.len() > 1);
            let restarted = FaultyDisk::holding(files);
            remove_stale_temporaries(&restarted, Path::new("run")).unwrap();
            let files = restarted.seen_after(restarted.changes());
            assert_eq!(files.len(), 1);
            assert_eq!(step_in(&files), step);
        }
    }
    assert!(littered > 0);
}

/// A failed save removes its temporary unless removing fails as well.
#[test]
fn a_full_disk_is_left_clean() {
    let old = Files::from([(path(), bytes_of(1))]);
    for call in 0..3 {
        let disk = FaultyDisk::failing_at(old.clone(), call, Failure::Full);
        let error = save(&disk, &path(), &checkpoint(2)).unwrap_err();
        assert!(error.hint().unwrap().contains("free some space"), "{error}");
        assert_eq!(disk.seen_after(disk.changes()), old, "call {call}");
    }
}

fn in_place(disk: &dyn Disk, path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    disk.write(path, &encode(path, snapshot).unwrap())?;
    disk.sync(path)
}

fn without_sync(disk: &dyn Disk, path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let temporary = Path::new("run/temporary");
    disk.write(temporary, &encode(path, snapshot).unwrap())?;
    disk.rename(temporary, path)?;
    disk.sync_dir(Path::new("run"))
}

fn without_folder_sync(disk: &dyn Disk, path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let temporary = Path::new("run/temporary");
    disk.write(temporary, &encode(path, snapshot).unwrap())?;
    disk.sync(temporary)?;
    disk.rename(temporary, path)
}

fn remove_first(disk: &dyn Disk, path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    let temporary = Path::new("run/temporary");
    disk.write(temporary, &encode(path, snapshot).unwrap())?;
    disk.sync(temporary)?;
    disk.remove(path)?;
    disk.rename(temporary, path)?;
    disk.sync_dir(Path::new("run"))
}

fn as_error(path: &Path, result: io::Result<()>) -> Result<(), CheckpointError> {
    result.map_err(|error| rewire_train::disk::DiskError::at("write", path)(error).into())
}

/// The harness sees what it is there to see: each careless writer fails it in its own way.
#[test]
fn careless_writers_are_condemned() {
    let verdict = judge(|disk, path, snapshot| as_error(path, in_place(disk, path, snapshot)));
    assert!(verdict.torn > 0, "{verdict:?}");
    let verdict = judge(|disk, path, snapshot| as_error(path, without_sync(disk, path, snapshot)));
    assert!(verdict.torn > 0 && verdict.lost == 0, "{verdict:?}");
    let verdict =
        judge(|disk, path, snapshot| as_error(path, without_folder_sync(disk, path, snapshot)));
    assert!(verdict.torn == 0 && verdict.lost > 0, "{verdict:?}");
    let verdict = judge(|disk, path, snapshot| as_error(path, remove_first(disk, path, snapshot)));
    assert!(verdict.torn > 0 && verdict.lost == 0, "{verdict:?}");
}
