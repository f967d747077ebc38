//! `rewire tune`: the table of crossovers of this machine.

use rewire_train::config::Config;
use rewire_train::tune::tune;

use crate::args::TuneArgs;
use crate::failure::Failure;
use crate::output;

/// Measures every size and prints the table as a configuration file.
pub(crate) fn run(args: &TuneArgs) -> Result<u8, Failure> {
    let sides = args.sides.iter().map(|&side| side as usize);
    let sizes: Vec<(usize, usize)> = sides
        .flat_map(|side| {
            args.batches
                .iter()
                .map(move |&batch| (side, batch as usize))
        })
        .collect();
    let mut measured = 0;
    let table = tune(&sizes, usize::from(args.threads), |row| {
        measured += 1;
        let [forward, input_gradient, weight_gradient] = row.densities;
        output::say(&format!(
            "{measured} of {}: {} weights, {} samples: dense above {forward:.3} (forward), \
             {input_gradient:.3} (input gradient), {weight_gradient:.3} (weight gradient)",
            sizes.len(),
            row.weights,
            row.samples
        ));
    })?;
    output::print(&Config::crossover_text(&table))?;
    Ok(0)
}
