//! What moving weights costs: training with SET, DSR and RigL beside the same training with a static
//! mask.
//!
//! A network of two hidden layers learns the embedded digits at density 0.1, batch 128, with a
//! rewiring every 100 steps. In each round every method takes the 100 steps around one rewiring, one
//! method after another in an order that goes round, so that a change of the machine's speed meets
//! all. Printed are quartiles of the ratios within a round, and what the rewiring alone adds: the
//! seconds of its step and the next two beyond three median ones, over those of the period. One thread.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::time::Instant;

use rewire_train::config::Config;
use rewire_train::trainer::Trainer;

/// Units of each hidden layer.
const HIDDEN: [usize; 2] = [1024, 3072];

/// The first is what the others are compared with.
const METHODS: [&str; 4] = ["static", "set", "dsr", "rigl"];

/// Steps from one rewiring to the next.
const PERIOD: usize = 100;

/// The first step of a rewiring's own in a period, and how many they are: its step, and those that
/// find weights, layouts and caches changed.
const OWN: std::ops::Range<usize> = PERIOD / 2 - 1..PERIOD / 2 + 2;

const ROUNDS: usize = 9;

fn main() {
    println!("seconds of {PERIOD} steps with one rewiring, over those with a static mask");
    for hidden in HIDDEN {
        println!("\nmlp:{hidden},{hidden} at density 0.1, batch 128, one thread");
        compare(hidden);
    }
}

fn compare(hidden: usize) {
    let mut trainers = METHODS.map(|method| trainer(method, hidden));
    // The first period warms up. It ends half a period after a rewiring, so that every later one
    // has its rewiring in the middle.
    for trainer in &mut trainers {
        seconds_of(trainer, PERIOD + PERIOD / 2);
    }
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut periods = METHODS.map(|_| Vec::new());
        for turn in 0..METHODS.len() {
            let method = (round + turn) % METHODS.len();
            periods[method] = seconds_of(&mut trainers[method], PERIOD);
        }
        rounds.push(periods);
    }
    for (method, name) in METHODS.iter().enumerate() {
        let of_rounds = |of: &dyn Fn(&[Vec<f64>; METHODS.len()]) -> f64| {
            quartiles(rounds.iter().map(of).collect())
        };
        let total = |period: &Vec<f64>| period.iter().sum::<f64>();
        let [_, seconds, _] = of_rounds(&|round| total(&round[method]));
        let [low, ratio, high] = of_rounds(&|round| total(&round[method]) / total(&round[0]));
        let [_, added, _] = of_rounds(&|round| {
            let [_, step, _] = quartiles(round[method].clone());
            let own = round[method][OWN].iter().sum::<f64>();
            (own - OWN.len() as f64 * step) / (PERIOD as f64 * step)
        });
        println!(
            "{name:<8}{seconds:>8.3} s {ratio:>7.3} ({low:.3}–{high:.3}){:>8.2} % added",
            100.0 * added
        );
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    [last / 4, last / 2, last - last / 4].map(|at| values[at])
}

/// A run that is still rewiring when the last round ends.
fn trainer(method: &str, hidden: usize) -> Trainer {
    let text = format!(
        "threads = 1\n[data]\nsource = \"digits\"\nbatch = 128\n\
         [model]\nkind = \"mlp:{hidden},{hidden}\"\n\
         [sparsity]\nmethod = \"{method}\"\nsparsity = 0.9\nallocation = \"uniform\"\n\
         [rewire]\nevery = {PERIOD}\n[schedule]\nepochs = 1000\n"
    );
    let text = if method == "static" {
        text.replace(&format!("[rewire]\nevery = {PERIOD}\n"), "")
    } else {
        text
    };
    let config = Config::from_toml(&text, "exploration").expect("a legal configuration");
    Trainer::new(&config).expect("a network that fits")
}

/// What each of the next steps takes.
fn seconds_of(trainer: &mut Trainer, steps: usize) -> Vec<f64> {
    let step = |_| {
        let start = Instant::now();
        trainer.step_in_pool().expect("finite losses");
        start.elapsed().as_secs_f64()
    };
    (0..steps).map(step).collect()
}
