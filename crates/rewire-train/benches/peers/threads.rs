//! Threads that stay where they are put, and what they lost to others.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::Answer;

/// A pool whose threads each keep to one of `processors`, a list such as `0,1`; with `-` they go
/// where the system puts them. Without a core of its own a thread may share one with its peer.
pub(crate) fn pinned_pool(threads: usize, processors: &str) -> ThreadPool {
    let processors: Vec<String> = processors.split(',').map(str::to_owned).collect();
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .start_handler(move |index| {
            if let Some(processor) = processors.get(index).filter(|word| *word != "-") {
                pin(processor);
            }
        })
        .build()
        .expect("a pool of a few threads")
}

/// Keeps the calling thread on one processor, on systems with `taskset`.
fn pin(processor: &str) {
    let Ok(thread) = fs::read_link("/proc/thread-self") else {
        return;
    };
    let Some(id) = thread.file_name() else { return };
    let mut command = Command::new("taskset");
    command.args(["-p", "-c", processor]).arg(id);
    let status = command.stdout(Stdio::null()).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "taskset could not keep a thread on processor {processor}"
    );
}

/// Runs `work`; returns how long it took and how long threads waited for a processor.
///
/// A single thread's waiting is no part of what it took. Some may fall between the clock and the
/// question about it, which is why the time around the run is looked at too.
pub(crate) fn timed(work: impl FnOnce() -> Answer<()>) -> Answer<(f64, f64)> {
    let around = Instant::now();
    let before = waited();
    let start = Instant::now();
    work()?;
    let seconds = start.elapsed().as_secs_f64();
    let waited = waited() - before;
    let outside = around.elapsed().as_secs_f64() - seconds;
    let inside = if rayon::current_num_threads() == 1 {
        (waited - outside).max(0.0)
    } else {
        0.0
    };
    Ok((seconds - inside, waited))
}

/// Seconds that the calling thread has stood ready without a processor, or all threads of this process
/// where several work; 0 on systems that do not tell.
fn waited() -> f64 {
    let nanoseconds = |path: &Path| -> Option<u64> {
        let text = fs::read_to_string(path).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    };
    let total: u64 = if rayon::current_num_threads() == 1 {
        nanoseconds(Path::new("/proc/thread-self/schedstat")).unwrap_or(0)
    } else {
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
        let paths = tasks.flatten().map(|task| task.path().join("schedstat"));
        paths.filter_map(|path| nanoseconds(&path)).sum()
    };
    total as f64 * 1e-9
}
