//! `rewire export`: the trained weights alone, in a file.

use rewire_train::export::{Form, export};

use crate::args::ExportArgs;
use crate::failure::Failure;
use crate::output::{self, Table, share};

/// Writes the model of a run and prints where it is and what it takes.
pub(crate) fn run(args: &ExportArgs) -> Result<u8, Failure> {
    let form = if args.dense {
        Form::Dense
    } else {
        Form::Sparse
    };
    let exported = export(&args.path, args.out.as_deref(), form, args.overwrite)?;
    let mut table = Table::new(["model", &exported.file.display().to_string()]).words(2);
    let budget = format!(
        "{} of {} active, density {}",
        exported.n_active,
        exported.n_total,
        share(exported.n_active, exported.n_total)
    );
    for (name, value) in [
        ("from", exported.from.display().to_string()),
        ("saved after step", exported.step.to_string()),
        ("budget", budget),
        ("bytes", exported.bytes.to_string()),
    ] {
        table.row([name.to_owned(), value]);
    }
    output::print(&table.to_string())?;
    Ok(0)
}
