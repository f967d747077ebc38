//! What does not fit panics with the numbers that disagree; nothing is cut off or read beyond.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rewire_autograd::ParameterId;

use crate::oracle::{Stored, numbers};
use crate::tape::Bench;

/// Runs `work` on a tape with one value of 3 samples × 4 features and checks what it says.
fn refuses(parameters: &[Stored], numbers: &[&str], work: impl FnOnce(&mut Bench)) {
    let mut bench = Bench::new(parameters);
    let payload = catch_unwind(AssertUnwindSafe(|| work(&mut bench)));
    let payload = payload.expect_err("this must panic");
    let message = match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast::<&str>().expect("a message").to_string(),
    };
    for number in numbers {
        assert!(message.contains(number), "{number} is not in: {message}");
    }
}

fn vector(len: usize) -> Stored {
    Stored::dense(&numbers(1, len, 1))
}

fn input(bench: &mut Bench) -> rewire_autograd::Var {
    bench.tape.input(&[1.0; 12], 3, 4)
}

#[test]
fn inputs_and_targets_of_the_wrong_length() {
    refuses(&[], &["11", "3", "4"], |bench| {
        bench.tape.input(&[1.0; 11], 3, 4);
    });
    refuses(&[], &["13", "3", "4"], |bench| {
        let x = input(bench);
        bench.tape.mean_squared_error(x, &[0.0; 13]);
    });
}

#[test]
fn weights_of_another_width() {
    let w = Stored::dense(&numbers(2, 5, 1));
    refuses(&[w], &["4", "5"], |bench| {
        let x = input(bench);
        bench.tape.linear(&bench.store, x, ParameterId(0));
    });
}

#[test]
fn vectors_of_another_length() {
    for len in [3, 5] {
        let found = len.to_string();
        refuses(&[vector(len)], &[&found, "4"], |bench| {
            let x = input(bench);
            bench.tape.bias(&bench.store, x, ParameterId(0));
        });
        for (first, second) in [(len, 4), (4, len)] {
            let both = [vector(first), vector(second)];
            let ids = (ParameterId(0), ParameterId(1));
            refuses(&both, &[&found, "4"], |bench| {
                let x = input(bench);
                bench.tape.layer_norm(&bench.store, x, ids.0, ids.1, 1e-5);
            });
            refuses(&both, &[&found, "4"], |bench| {
                let x = input(bench);
                bench.tape.batch_norm(&bench.store, x, ids.0, ids.1, 1e-5);
            });
            refuses(&both, &[&found, "4"], |bench| {
                let x = input(bench);
                let (mean, variance) = ([0.0; 4], [1.0; 4]);
                let store = &bench.store;
                let (scale, shift) = ids;
                bench
                    .tape
                    .fixed_norm(store, x, scale, shift, &mean, &variance, 1e-5);
            });
        }
    }
    refuses(&[vector(4), vector(4)], &["3", "4"], |bench| {
        let x = input(bench);
        let ids = (ParameterId(0), ParameterId(1));
        let store = &bench.store;
        bench
            .tape
            .fixed_norm(store, x, ids.0, ids.1, &[0.0; 3], &[1.0; 4], 1e-5);
    });
}

#[test]
fn labels_that_are_no_classes_or_too_few() {
    for label in [4, u32::MAX] {
        refuses(&[], &[&label.to_string(), "4"], |bench| {
            let x = input(bench);
            bench.tape.softmax_cross_entropy(x, &[0, 3, label]);
        });
    }
    refuses(&[], &["2", "3"], |bench| {
        let x = input(bench);
        bench.tape.softmax_cross_entropy(x, &[0, 1]);
    });
}

#[test]
fn probabilities_outside_the_range() {
    for probability in [-0.1, 1.0, f64::NAN] {
        refuses(&[], &[&probability.to_string()], |bench| {
            let x = input(bench);
            bench.tape.dropout(x, probability, &mut |_, _| {});
        });
    }
}

/// Only one number can be differentiated: a batch of values is no loss.
#[test]
fn a_loss_of_several_values() {
    let w = Stored::dense(&numbers(4, 4, 1));
    refuses(&[w], &["3", "4"], |bench| {
        let x = input(bench);
        let y = bench.tape.linear(&bench.store, x, ParameterId(0));
        bench.gradient(y, 0);
    });
}

#[test]
fn statistics_of_another_op() {
    refuses(&[], &["0"], |bench| {
        let x = input(bench);
        bench.tape.statistics(x);
    });
}
