//! This project's side of `cargo xtask bench`: its candidates, served over lines.
//!
//! Each line of standard input is a request, each is answered by one line of standard output:
//!
//! ```text
//! layer DIR SEED SAMPLES OUT IN DENSITY    draws a layer, writes it to DIR     ok N_ACTIVE
//! network DIR SEED SAMPLES DENSITY SIZE…   draws a network, writes it to DIR   ok N_ACTIVE
//! answer CANDIDATE PRODUCT FILE            computes once, writes the result    ok
//! time CANDIDATE PRODUCT WARM RUNS         times it                            ok SECONDS WAITED
//! ```
//!
//! SECONDS is the median of RUNS runs after WARM that do not count; WAITED is how long its threads
//! stood ready in all of them while others had the processor. A single thread's waiting is no part
//! of its runs' seconds; that of several overlaps and stays. `error TEXT` answers what cannot be done.
//! The other side, `bench/peers/server.py`, understands the same lines and reads what is written here.

#![allow(clippy::print_stdout, reason = "the answers are the protocol")]

mod files;
mod layer;
mod memory;
mod network;
mod threads;

use std::path::Path;

use layer::Layer;
use network::Network;

/// What a side of the protocol says instead of an answer.
type Answer<T> = Result<T, String>;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["--serve", threads, processors, ..] => serve(threads, processors),
        ["--memory", folder, density, ..] => println!("{}", line(memory::measure(folder, density))),
        _ => println!("`cargo xtask bench` asks these candidates to run"),
    }
}

/// Answers requests until there are no more.
fn serve(threads: &str, processors: &str) {
    let threads = threads.parse().expect("a number of threads");
    let pool = threads::pinned_pool(threads, processors);
    let mut case = Case::Nothing;
    for request in std::io::stdin().lines() {
        let request = request.expect("a line of text");
        let words: Vec<&str> = request.split_whitespace().collect();
        println!("{}", line(pool.install(|| case.answer(&words))));
    }
}

/// An answer as the protocol writes it.
fn line(answer: Answer<String>) -> String {
    match answer {
        Ok(text) => format!("ok {text}"),
        Err(error) => format!("error {}", error.replace('\n', " ")),
    }
}

/// What requests are about.
enum Case {
    Nothing,
    Layer(Box<Layer>),
    Network(Box<Network>),
}

impl Case {
    fn answer(&mut self, words: &[&str]) -> Answer<String> {
        match words {
            ["layer", folder, seed, samples, outputs, inputs, density] => {
                // What was there goes first: both may be large.
                *self = Self::Nothing;
                let shape = [number(samples)?, number(outputs)?, number(inputs)?];
                let layer = Layer::new(number(seed)?, shape, number(density)?)?;
                layer.write(Path::new(folder))?;
                let n_active = layer.n_active();
                *self = Self::Layer(Box::new(layer));
                Ok(n_active.to_string())
            }
            ["network", folder, seed, samples, density, sizes @ ..] => {
                *self = Self::Nothing;
                let sizes: Vec<usize> = sizes.iter().map(number).collect::<Answer<_>>()?;
                let network =
                    Network::new(number(seed)?, number(samples)?, number(density)?, &sizes)?;
                network.write(Path::new(folder))?;
                let n_active = network.n_active();
                *self = Self::Network(Box::new(network));
                Ok(n_active.to_string())
            }
            ["answer", candidate, product, file] => {
                let values = match self {
                    Self::Nothing => return Err("there is no case".to_owned()),
                    Self::Layer(layer) => layer.result(candidate, product)?,
                    Self::Network(network) => network.result(candidate, product)?,
                };
                files::write_f32(Path::new(file), &values)?;
                Ok(String::new())
            }
            ["time", candidate, product, warm, runs] => {
                let (warm, runs): (usize, usize) = (number(warm)?, number(runs)?);
                for _ in 0..warm {
                    self.run(candidate, product)?;
                }
                let (mut times, mut lost) = (Vec::with_capacity(runs), 0.0);
                for _ in 0..runs {
                    let (seconds, waited) = threads::timed(|| self.run(candidate, product))?;
                    times.push(seconds);
                    lost += waited;
                }
                times.sort_by(f64::total_cmp);
                let median = times.get(runs / 2).ok_or("no runs are asked for")?;
                Ok(format!("{median:e} {lost:e}"))
            }
            _ => Err(format!("`{}` is no request", words.join(" "))),
        }
    }

    fn run(&mut self, candidate: &str, product: &str) -> Answer<()> {
        match self {
            Self::Nothing => Err("there is no case".to_owned()),
            Self::Layer(layer) => layer.run(candidate, product),
            Self::Network(network) => network.run(candidate, product),
        }
    }
}

fn number<T: std::str::FromStr>(word: &&str) -> Answer<T> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

fn unknown(candidate: &str, product: &str) -> String {
    format!("there is no {product} by {candidate} here")
}
