//! The parts of interrupted epochs, and tables that are gone.

use std::fs;
use std::path::PathBuf;

use crate::epochs::{after, bytes, folder, open, record, run, timing};
use rewire_train::error::ErrorKind;
use rewire_train::records::{Counted, Timing};
use rewire_train::run_folder::RunFolder;

/// Epoch 2 in three parts, and in the file one that no checkpoint counts.
#[test]
fn the_parts_of_an_epoch_are_kept_up_to_the_step_of_the_checkpoint() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let part = |epoch, step, seconds| Timing {
        step,
        seconds,
        ..timing(epoch)
    };
    let at = |epochs, step| Counted { epochs, step };
    let seconds = |counted| open(&folder, counted).map(|records| records.seconds());

    let mut records = open(&folder, after(0)).unwrap();
    records.append_part(&part(1, 7, 0.5)).unwrap();
    // The first epoch is not finished, so that its part is all there is to keep.
    fs::write(folder.metrics(), b"damaged").unwrap();
    assert_eq!(seconds(at(0, 7)).unwrap(), 0.5);
    let mut records = open(&folder, at(0, 7)).unwrap();
    records.append(&record(1), &part(1, 45, 0.25)).unwrap();
    records.append_part(&part(2, 61, 2.0)).unwrap();
    let mut records = open(&folder, at(1, 61)).unwrap();
    records.append_part(&part(2, 62, 4.0)).unwrap();
    records.append(&record(2), &part(2, 90, 8.0)).unwrap();
    records.append_part(&part(3, 91, 16.0)).unwrap();
    let text = fs::read_to_string(folder.timing()).unwrap();
    let steps: Vec<&str> = text
        .lines()
        .map(|line| line.split(',').nth(1).unwrap())
        .collect();
    assert_eq!(steps, ["step", "7", "45", "61", "62", "90", "91"]);

    // A checkpoint between two rows was saved by nobody.
    let error = seconds(at(2, 92)).unwrap_err().to_string();
    let lack = "the file ends after 6 whole rows; it should hold rows up to step 92";
    assert!(error.contains(lack), "{error}");
    let error = seconds(at(1, 60)).unwrap_err().to_string();
    let wrong = "row 3, column `step`: step 61 is not one of 46 to 60";
    assert!(error.ends_with(wrong), "{error}");

    for (counted, sum) in [
        (at(2, 91), 30.75),
        (at(2, 90), 14.75),
        (at(1, 62), 6.75),
        (at(1, 61), 2.75),
        (at(1, 45), 0.75),
        (at(0, 7), 0.5),
        (at(0, 0), 0.0),
    ] {
        assert_eq!(seconds(counted).unwrap(), sum, "{counted:?}");
    }
}

#[test]
fn a_part_that_does_not_follow_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    run(&folder, 1..=2);
    let whole = fs::read_to_string(folder.timing()).unwrap();
    for (from, to, what) in [
        (
            "\n2,90",
            "\n3,90",
            "row 2, column `epoch`: epoch 3 is not 2",
        ),
        (
            "\n1,45",
            "\n1,46",
            "row 1, column `step`: step 46 is not one of 1 to 45",
        ),
        (
            "\n1,45",
            "\n1,0",
            "row 1, column `step`: step 0 is not one of 1 to 45",
        ),
        (
            "\n1,45",
            "\n1,44",
            "row 2, column `epoch`: epoch 2 is not 1",
        ),
        (
            "\n2,90",
            "\n2,45",
            "row 2, column `step`: step 45 is not one of 46 to 90",
        ),
        (
            ",0.2,",
            ",inf,",
            "row 2, column `seconds`: `inf` is not a finite number",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        fs::write(folder.timing(), whole.replacen(from, to, 1)).unwrap();
        let error = open(&folder, after(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().ends_with(what), "{error}");
    }
}

/// Of whichever table, the answer is the same: what is missing, what it held, what to do.
#[test]
fn a_table_that_is_gone_is_missed_by_name_unless_nothing_in_it_counts() {
    type Place = fn(&RunFolder) -> PathBuf;
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let tables: [(Place, &str); 2] = [
        (
            RunFolder::metrics,
            "metrics.csv: there is no such file; it should hold the rows of epochs 1 to 2,",
        ),
        (
            RunFolder::timing,
            "timing.csv: there is no such file; it should hold rows up to step 90,",
        ),
    ];
    for (path, words) in tables {
        run(&folder, 1..=2);
        let before = bytes(&folder);
        fs::rename(path(&folder), place.path().join("kept")).unwrap();
        let error = open(&folder, after(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains(words), "{error}");
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("put back") && hint.contains("--overwrite"),
            "{hint}"
        );
        assert!(!path(&folder).exists());
        // The other table is not even rid of the rows that would go.
        assert!(open(&folder, after(1)).is_err());
        // What the hint says first loses nothing.
        fs::rename(place.path().join("kept"), path(&folder)).unwrap();
        assert!(open(&folder, after(2)).is_ok());
        assert_eq!(bytes(&folder), before);

        fs::remove_file(path(&folder)).unwrap();
        assert!(open(&folder, after(0)).is_ok());
    }
}
