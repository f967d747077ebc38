//! A disk in memory that can fail at any operation and lose its power after any other.
//!
//! What a file system promises without being asked is little. Until a file is synced, a power cut
//! may leave its old contents, the new ones, half of them, or zeros of the new length. Until a
//! folder is synced, it may have lost any number of the latest changes of names, while the
//! contents behind them have long arrived. [`FaultyDisk::after_power_cut`] enumerates these.
//!
//! The names of one folder only: a run writes to no second one in an order that matters.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rewire_train::disk::Disk;

/// The files of a folder by path.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// One indivisible change; a written file is a creation and two halves.
#[derive(Clone, Debug)]
enum Change {
    Create(PathBuf),
    Append(PathBuf, Vec<u8>),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    SyncDir,
    Remove(PathBuf),
}

/// How an operation fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// The medium is full: half of the bytes were written.
    Full,
    /// The medium does not answer: nothing happened.
    Broken,
}

/// The disk; its log can be replayed up to any point.
#[derive(Default)]
pub(crate) struct FaultyDisk {
    start: Files,
    changes: RefCell<Vec<Change>>,
    calls: Cell<usize>,
    fails_at: Option<(usize, Failure)>,
}

impl FaultyDisk {
    /// A disk on which these files are durable.
    pub(crate) fn holding(start: Files) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    /// As [`FaultyDisk::holding`]; the call with this number, from 0, and no other fails.
    pub(crate) fn failing_at(start: Files, call: usize, failure: Failure) -> Self {
        Self {
            start,
            fails_at: Some((call, failure)),
            ..Self::default()
        }
    }

    /// How many operations were asked for.
    pub(crate) fn calls(&self) -> usize {
        self.calls.get()
    }

    /// How many indivisible changes the log holds.
    pub(crate) fn changes(&self) -> usize {
        self.changes.borrow().len()
    }

    /// The files as a running process sees them after the first `n` changes.
    pub(crate) fn seen_after(&self, n: usize) -> Files {
        self.replay(n).seen()
    }

    /// Every state a power cut after the first `n` changes may leave.
    pub(crate) fn after_power_cut(&self, n: usize) -> BTreeSet<Files> {
        self.replay(n).after_power_cut()
    }

    fn replay(&self, n: usize) -> State {
        let mut state = State::holding(&self.start);
        for change in &self.changes.borrow()[..n] {
            state.apply(change);
        }
        state
    }

    /// Counts a call and says how it fails, if it does.
    fn begin(&self) -> Option<Failure> {
        let call = self.calls.replace(self.calls.get() + 1);
        self.fails_at
            .filter(|(at, _)| *at == call)
            .map(|(_, failure)| failure)
    }

    fn log(&self, changes: impl IntoIterator<Item = Change>) {
        self.changes.borrow_mut().extend(changes);
    }

    /// Logs `change` unless this call fails.
    fn attempt(&self, change: Change) -> io::Result<()> {
        match self.begin() {
            Some(failure) => Err(failure.into()),
            None => {
                self.log([change]);
                Ok(())
            }
        }
    }

    fn put(&self, path: &Path, bytes: &[u8], create: bool) -> io::Result<()> {
        let failure = self.begin();
        if matches!(failure, Some(Failure::Broken)) {
            return Err(Failure::Broken.into());
        }
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let path = path.to_path_buf();
        let is_missing = !self.seen_after(self.changes()).contains_key(&path);
        if create || is_missing {
            self.log([Change::Create(path.clone())]);
        }
        self.log([Change::Append(path.clone(), first.to_vec())]);
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        self.log([Change::Append(path, second.to_vec())]);
        Ok(())
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Full => ErrorKind::StorageFull.into(),
            Failure::Broken => Self::other("the medium does not answer"),
        }
    }
}

impl Disk for FaultyDisk {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.put(path, bytes, true)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.put(path, bytes, false)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.attempt(Change::Sync(path.to_path_buf()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.attempt(Change::Rename(from.to_path_buf(), to.to_path_buf()))
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.attempt(Change::SyncDir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.attempt(Change::Remove(path.to_path_buf()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        if let Some(failure) = self.begin() {
            return Err(failure.into());
        }
        let files = self.seen_after(self.changes());
        Ok(files
            .into_keys()
            .filter(|path| path.parent() == Some(dir))
            .collect())
    }
}

/// A disk that claims to sync and does not.
pub(crate) struct Lazy<'a>(pub(crate) &'a dyn Disk);

impl Disk for Lazy<'_> {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.write(path, bytes)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.append(path, bytes)
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.list(dir)
    }
}

/// The contents of a file on the medium and in the memory of the system.
#[derive(Clone, Default)]
struct Contents {
    durable: Vec<u8>,
    seen: Vec<u8>,
}

/// Files by number, because a name may lead to one file on the medium and to another in memory.
#[derive(Default)]
struct State {
    contents: Vec<Contents>,
    durable: BTreeMap<PathBuf, usize>,
    seen: BTreeMap<PathBuf, usize>,
    /// The maps of names between `durable` and `seen`, in the order they came about.
    between: Vec<BTreeMap<PathBuf, usize>>,
}

impl State {
    fn holding(files: &Files) -> Self {
        let mut state = Self::default();
        for (path, bytes) in files {
            state.durable.insert(path.clone(), state.contents.len());
            state.contents.push(Contents {
                durable: bytes.clone(),
                seen: bytes.clone(),
            });
        }
        state.seen = state.durable.clone();
        state
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Create(path) => match self.seen.get(path) {
                Some(&file) => self.contents[file].seen.clear(),
                None => {
                    let file = self.contents.len();
                    self.contents.push(Contents::default());
                    self.rename_with(|names| {
                        names.insert(path.clone(), file);
                    });
                }
            },
            Change::Append(path, bytes) => {
                let file = self.seen[path];
                self.contents[file].seen.extend(bytes);
            }
            Change::Sync(path) => {
                let contents = &mut self.contents[self.seen[path]];
                contents.durable = contents.seen.clone();
            }
            Change::Rename(from, to) => self.rename_with(|names| {
                let file = names.remove(from).expect("the file to rename exists");
                names.insert(to.clone(), file);
            }),
            Change::Remove(path) => self.rename_with(|names| {
                names.remove(path);
            }),
            Change::SyncDir => {
                self.between.clear();
                self.durable = self.seen.clone();
            }
        }
    }

    fn rename_with(&mut self, change: impl FnOnce(&mut BTreeMap<PathBuf, usize>)) {
        self.between.push(self.seen.clone());
        change(&mut self.seen);
    }

    fn seen(&self) -> Files {
        let contents = |file: &usize| self.contents[*file].seen.clone();
        self.seen
            .iter()
            .map(|(path, file)| (path.clone(), contents(file)))
            .collect()
    }

    fn after_power_cut(&self) -> BTreeSet<Files> {
        let names = [&self.durable, &self.seen].into_iter().chain(&self.between);
        let fates: [fn(&Contents) -> Vec<u8>; 4] = [
            |contents| contents.durable.clone(),
            |contents| contents.seen.clone(),
            |contents| contents.half(),
            |contents| contents.zeros(),
        ];
        names
            .flat_map(|names| {
                fates.map(|fate| {
                    let survived = names.iter();
                    survived
                        .map(|(path, &file)| (path.clone(), fate(&self.contents[file])))
                        .collect()
                })
            })
            .collect()
    }
}

impl Contents {
    /// What was appended or rewritten since the last sync arrived by half.
    fn half(&self) -> Vec<u8> {
        let kept = self.kept();
        let end = kept + (self.seen.len() - kept) / 2;
        self.seen[..end].to_vec()
    }

    /// The length has arrived, the bytes have not.
    fn zeros(&self) -> Vec<u8> {
        let mut bytes = self.seen.clone();
        bytes[self.kept()..].fill(0);
        bytes
    }

    /// The bytes at the front that are on the medium for sure.
    fn kept(&self) -> usize {
        match self.seen.starts_with(&self.durable) {
            true => self.durable.len(),
            false => 0,
        }
    }
}
