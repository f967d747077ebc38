//! A folder of its own for every test, and ways to call the program in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// No call of these tests lasts longer unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// A network whose epochs take milliseconds, for tests that need many.
pub(crate) const SMALL: [&str; 4] = ["--model", "mlp:24", "--batch", "240"];

pub(crate) struct Sandbox {
    dir: TempDir,
}

/// What a call has left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Names and contents of every file below a folder; two equal values are equal folders.
    pub(crate) fn contents(&self, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(dir: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    files.push((path.clone(), Vec::new()));
                    walk(&path, files);
                } else {
                    files.push((path.clone(), fs::read(&path).unwrap()));
                }
            }
        }
        let mut files = Vec::new();
        walk(&self.path(name), &mut files);
        files.sort();
        files
    }

    /// Calls the program in this folder and waits for its end.
    pub(crate) fn call<S: AsRef<str>>(&self, arguments: &[S]) -> Outcome {
        let mut command = assert_cmd::Command::new(program());
        command
            .current_dir(self.dir.path())
            .args(arguments.iter().map(AsRef::as_ref))
            .timeout(PATIENCE);
        let output = command.output().unwrap();
        Outcome {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Lets a shell run a script in this folder; `$REWIRE` is the program.
    pub(crate) fn shell(&self, script: &str) -> Outcome {
        let mut command = assert_cmd::Command::new("sh");
        command
            .current_dir(self.dir.path())
            .env("REWIRE", program())
            .args(["-c", script])
            .timeout(PATIENCE);
        let output = command.output().unwrap();
        Outcome {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Trains to the end and returns the summary.
    pub(crate) fn train(&self, arguments: &[&str]) -> Value {
        let mut line = vec!["train", "--json", "--quiet"];
        line.extend(arguments);
        let outcome = self.call(&line);
        assert_eq!(
            (outcome.status, outcome.stderr.as_str()),
            (0, ""),
            "{line:?}"
        );
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Starts the program in this folder.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(program());
        command.args(arguments);
        self.start_command(command)
    }

    /// Starts a command in this folder; `$REWIRE` is the program.
    pub(crate) fn start_command(&self, mut command: Command) -> Process {
        let mut child = command
            .current_dir(self.dir.path())
            .env("REWIRE", program())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        // A pipe that nobody empties would stop the program.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Process { child, lines }
    }
}

pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_rewire")
}

/// A program that runs beside the test; it is killed with the value.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on stderr that begins like this.
    pub(crate) fn wait_for(&self, beginning: &str) -> String {
        let start = Instant::now();
        let mut seen = Vec::new();
        while let Ok(line) = self
            .lines
            .recv_timeout(PATIENCE.saturating_sub(start.elapsed()))
        {
            if line.starts_with(beginning) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line begins with {beginning:?}: {seen:?}");
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success(), "{kill}");
    }

    /// Ends the program without asking it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for the end; the exit status and what was not yet read of stderr.
    pub(crate) fn wait(&mut self) -> (ExitStatus, Vec<String>) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.lines.iter().collect());
            }
            assert!(start.elapsed() < PATIENCE, "the program does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has usually ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    /// Checks status, `error:` and `hint:` and that each fragment is in one of them.
    #[track_caller]
    pub(crate) fn is_refused(&self, status: i32, fragments: &[&str]) {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.status, status, "{stderr}");
        assert_eq!(stdout, "", "a failure prints nothing on stdout");
        let mut lines = stderr.lines();
        let first = lines.next().unwrap_or_default();
        assert!(first.starts_with("error: "), "{stderr}");
        let hints: Vec<&str> = lines.collect();
        assert!(!hints.is_empty(), "no hint: {stderr}");
        // A list belongs to the hint above it.
        let is_hint = |line: &&str| line.starts_with("hint: ") || line.starts_with("  ");
        assert!(
            hints[0].starts_with("hint: ") && hints.iter().all(is_hint),
            "{stderr}"
        );
        assert!(
            !stderr.contains("panicked") && !stderr.contains("internal fault"),
            "{stderr}"
        );
        for fragment in fragments {
            assert!(
                stderr.contains(fragment),
                "{fragment:?} is not in\n{stderr}"
            );
        }
    }
}

/// Bytes of an IDX file: magic number and dimensions as given, whatever follows them.
pub(crate) fn idx(magic: u32, dims: &[u32], elements: &[u8]) -> Vec<u8> {
    let numbers = [magic].into_iter().chain(dims.iter().copied());
    let mut bytes: Vec<u8> = numbers.flat_map(u32::to_be_bytes).collect();
    bytes.extend(elements);
    bytes
}

/// A sound data set of 60 training and 20 test images of 5×4 pixels under `name`.
pub(crate) fn write_data(sandbox: &Sandbox, name: &str) {
    for (part, count) in [("train", 60u32), ("t10k", 20)] {
        let labels: Vec<u8> = (0..count).map(|sample| (sample % 10) as u8).collect();
        let pixels: Vec<u8> = labels
            .iter()
            .flat_map(|&label| {
                (0..20u8).map(move |pixel| if pixel % 10 == label { 250 } else { 3 })
            })
            .collect();
        sandbox.write(
            &format!("{name}/{part}-images-idx3-ubyte"),
            idx(0x0803, &[count, 5, 4], &pixels),
        );
        sandbox.write(
            &format!("{name}/{part}-labels-idx1-ubyte"),
            idx(0x0801, &[count], &labels),
        );
    }
}
