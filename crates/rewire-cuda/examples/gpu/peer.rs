//! cuSPARSELt's product, through PyTorch where that is at hand.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rewire_cuda::kernels::Element;

use super::data::Shape;

/// The script, so that the program needs no other file.
const SCRIPT: &str = include_str!("../../../../bench/peers/cusparselt.py");

/// The exit status of a script that found no such product.
const ABSENT: i32 = 3;

/// Longer it is not waited for: a Python may hang while it looks for a driver.
const LONGEST: Duration = Duration::from_secs(300);

/// Seconds of a product on a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peer {
    shape: Shape,
    pub(super) seconds: f64,
}

/// The seconds of the shapes that were timed, and why there are not all.
pub(super) fn run(
    python: &str,
    element: Element,
    repeat: u32,
    shapes: &[Shape],
) -> (Vec<Peer>, Option<anyhow::Error>) {
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, element.name(), &repeat.to_string()]);
    command.args(shapes.iter().map(ToString::to_string));
    let (code, said) = match finished(python, &mut command) {
        Ok(finished) => finished,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let peers: Vec<Peer> = said
        .lines()
        .map_while(|line| Peer::parse(line).ok())
        .collect();
    let last = said.lines().last().unwrap_or_default();
    let missing = match code {
        Some(0) => None,
        Some(ABSENT) => Some(anyhow!("{}", last.trim_start_matches("absent: "))),
        _ => Some(anyhow!("{python} failed after {} shapes", peers.len())),
    };
    (peers, missing)
}

/// The exit status and what was said; errors go to the terminal.
fn finished(python: &str, command: &mut Command) -> Result<(Option<i32>, String)> {
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = started.with_context(|| python.to_owned())?;
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > LONGEST {
            child.kill()?;
            bail!("{python} took longer than {} s", LONGEST.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let done = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    Ok((done.status.code(), said))
}

/// What was measured on a shape.
pub(super) fn of(peers: &[Peer], shape: Shape) -> Option<Peer> {
    peers.iter().copied().find(|peer| peer.shape == shape)
}

impl Peer {
    /// A line of the script.
    fn parse(line: &str) -> Result<Self> {
        let (shape, seconds) = line
            .split_once(' ')
            .with_context(|| format!("`{line}` is not a shape and a time"))?;
        let seconds: f64 = seconds.parse().with_context(|| format!("`{line}`"))?;
        ensure!(seconds.is_finite() && seconds > 0.0, "`{line}`");
        Ok(Self {
            shape: shape.parse()?,
            seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_refused() {
        let peer = Peer::parse("4096,8192,1024 2.5e-3").unwrap();
        assert_eq!(
            (peer.shape, peer.seconds),
            (Shape([4096, 8192, 1024]), 0.0025)
        );
        assert_eq!(of(&[peer], Shape([4096, 8192, 1024])), Some(peer));
        assert_eq!(of(&[peer], Shape([4096, 8192, 1025])), None);
        for wrong in [
            "",
            "1,2,3",
            "1,2 0.1",
            "1,2,3 x",
            "1,2,3 0",
            "1,2,3 nan",
            "1,2,3 1 1",
        ] {
            assert!(Peer::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_missing_python_is_a_reason() {
        let shapes = [Shape([16, 16, 16])];
        let (found, reason) = run("no-such-python", Element::Bf16, 1, &shapes);
        assert_eq!(found, []);
        let reason = reason.unwrap().to_string();
        assert!(reason.contains("no-such-python"), "{reason}");
    }
}
