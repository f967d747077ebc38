//! `metrics.csv` and `timing.csv`: exact rows, exact truncation, and no trust in what they hold.

use std::fs;

use crate::cases;
use crate::epochs::{after, bytes, first_part, folder, layers, open, record, run, timing};
use crate::faulty_disk::{FaultyDisk, Files, Lazy};
use proptest::prelude::*;
use rewire_train::disk::{Disk, HostDisk};
use rewire_train::error::{ErrorKind, TrainError};
use rewire_train::records::{Counted, EpochRecord, Evaluation, LayerRecord, Records, Timing};
use rewire_train::run_folder::RunFolder;

#[test]
fn the_files_are_the_documented_text() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let mut records = Records::open(&folder, after(0), &layers()).unwrap();
    let mut first = record(1);
    first.train_flops = 10;
    first.train_flops_executed = 11;
    first.train_flops_dense = 40;
    first.train_flops_dense_executed = 22;
    records.append(&first, &timing(1)).unwrap();
    let mut second = record(2);
    second.valid = Some(Evaluation {
        loss: 0.5,
        accuracy: 1.0,
    });
    second.train_flops = 20;
    second.train_flops_executed = 22;
    second.train_flops_dense = 80;
    second.train_flops_dense_executed = 44;
    records.append(&second, &timing(2)).unwrap();
    let metrics = fs::read_to_string(folder.metrics()).unwrap();
    assert_eq!(
        metrics,
        "epoch,step,learning_rate,train_loss,train_accuracy,valid_loss,valid_accuracy,test_loss,\
         test_accuracy,n_active,dropped,grown,coverage,survivor_coverage,train_flops,\
         train_flops_executed,train_flops_dense,train_flops_dense_executed,\
         train_flops_x_dense,train_flops_executed_x_dense,fc1.weight.n_active,\
         fc1.weight.n_total,fc1.weight.density,fc1.weight.dropped,fc1.weight.grown,\
         fc1.weight.coverage,fc2.weight.n_active,fc2.weight.n_total,fc2.weight.density,\
         fc2.weight.dropped,fc2.weight.grown,fc2.weight.coverage\n\
         1,45,0.016666666666666666,0.5773502691896257,0.6666666666666667,,,3.333333333333333e-8,\
         0.8888888888888888,30,1,1,0.6666666666666667,0.3333333333333333,10,11,40,22,0.25,0.5,\
         10,300,0.03333333333333333,1,1,0.3333333333333333,\
         20,600,0.03333333333333333,2,1,0.16666666666666666\n\
         2,90,0.0125,0.5,0.75,0.5,1.0,2.5e-8,0.9166666666666666,30,2,2,0.75,0.25,20,22,80,44,0.25,0.5,\
         10,300,0.03333333333333333,2,2,0.25,\
         20,600,0.03333333333333333,4,2,0.125\n"
    );
    let timing = fs::read_to_string(folder.timing()).unwrap();
    assert_eq!(
        timing,
        "epoch,step,seconds,samples_per_second\n\
         1,45,0.1,479.3333333333333\n\
         2,90,0.2,479.3333333333333\n"
    );
    let reopened = Records::open(&folder, after(2), &layers()).unwrap();
    assert_eq!(reopened.rows(), [first, second]);
    assert_eq!(reopened.seconds(), 0.1 + 0.2);
}

/// Resumed after every epoch, with the later rows whole, torn or absent: the same bytes.
#[test]
fn a_resumed_run_writes_the_bytes_of_an_uninterrupted_one() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = folder(&one);
    run(&whole, 1..=5);
    let expected = bytes(&whole);
    for keep in 0..=5 {
        for torn in [0, 1, 40] {
            let resumed = folder(&other);
            run(&resumed, 1..=4.max(keep));
            for path in [resumed.metrics(), resumed.timing()] {
                let mut text = fs::read(&path).unwrap();
                if keep < 4 {
                    text.truncate(text.len() - torn.min(text.len() / 8));
                }
                fs::write(&path, text).unwrap();
            }
            let reopened = open(&resumed, after(keep)).unwrap();
            let kept: Vec<_> = (1..=keep).map(record).collect();
            assert_eq!(reopened.rows(), kept);
            run(&resumed, keep + 1..=5);
            assert_eq!(bytes(&resumed), expected, "kept {keep}, torn {torn}");
        }
    }
}

/// How many power cuts there are while three epochs are recorded, and after how many of them the
/// rows that a checkpoint counts are not there.
fn judge(disk: &FaultyDisk, seen_as: &dyn Disk) -> (usize, usize) {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = folder(&one);
    let mut records = Records::open_on(seen_as, &whole, after(0), &layers()).unwrap();
    let mut written = vec![(disk.changes(), after(0))];
    for epoch in 1..=3 {
        let part = first_part(epoch);
        records.append_part_on(seen_as, &part).unwrap();
        let counted = Counted {
            epochs: epoch - 1,
            step: part.step,
        };
        written.push((disk.changes(), counted));
        records
            .append_on(seen_as, &record(epoch), &timing(epoch))
            .unwrap();
        written.push((disk.changes(), after(epoch)));
    }
    let restarted = folder(&other);
    let (mut states, mut lost) = (0, 0);
    for n in written[0].0..=disk.changes() {
        // A checkpoint counts the rows that were acknowledged.
        let last = written
            .iter()
            .rposition(|(changes, _)| *changes <= n)
            .unwrap();
        let counted = written[last].1;
        let kept: Vec<_> = (1..=counted.epochs).map(record).collect();
        for files in disk.after_power_cut(n) {
            put(&files, &whole, &restarted);
            let reopened = open(&restarted, counted);
            lost += usize::from(!reopened.is_ok_and(|records| records.rows() == kept));
            states += 1;
        }
    }
    (states, lost)
}

#[test]
fn a_written_row_survives_any_power_cut() {
    let disk = FaultyDisk::default();
    let (states, lost) = judge(&disk, &disk);
    assert_eq!(lost, 0);
    assert!(states > 30, "{states}");
}

/// The harness sees what it is there to see.
#[test]
fn rows_that_are_not_synced_are_lost() {
    let disk = FaultyDisk::default();
    let (_, lost) = judge(&disk, &Lazy(&disk));
    assert!(lost > 0);
}

/// Puts the files of a simulated folder where they can be read.
fn put(files: &Files, from: &RunFolder, to: &RunFolder) {
    for (path, bytes) in files {
        let name = path.strip_prefix(from.path()).unwrap();
        fs::write(to.path().join(name), bytes).unwrap();
    }
}

#[test]
fn damage_is_refused_with_row_and_column() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    run(&folder, 1..=2);
    let (metrics, _) = bytes(&folder);
    let metrics = String::from_utf8(metrics).unwrap();
    let refusal = |text: &str| {
        // A file that is made anew is written much faster than one that is emptied.
        fs::remove_file(folder.metrics()).unwrap();
        fs::write(folder.metrics(), text).unwrap();
        let error = open(&folder, after(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.hint().is_some());
        let text = error.to_string();
        text.split_once("metrics.csv: ").unwrap().1.to_owned()
    };
    let with = |from: &str, to: &str| {
        assert!(metrics.contains(from), "{from}");
        metrics.replacen(from, to, 1)
    };
    let rows = [
        (
            with("\n2,90,", "\n3,90,"),
            "row 2, column `epoch`: epoch 3 is not 2",
        ),
        (
            with("\n2,90,", "\n2,+90,"),
            "row 2, column `step`: `+90` should be `90`",
        ),
        (
            with("\n2,90,", "\n2,x,"),
            "row 2, column `step`: `x` is not a whole number",
        ),
        (
            with("\n2,90,", "\n2,-1,"),
            "row 2, column `step`: `-1` is not a whole number",
        ),
        (
            with(",0.0125,", ",0.01250,"),
            "row 2, column `learning_rate`: `0.01250` should be `0.0125`",
        ),
        (
            with(",0.0125,", ",NaN,"),
            "row 2, column `learning_rate`: `NaN` is not a finite number",
        ),
        (
            with(",0.0125,", ",,"),
            "row 2, column `learning_rate`: `` is not a finite number",
        ),
        (
            with(",0.75,,,", ",0.75,0.5,,"),
            "row 2, column `valid_loss`: `0.5` should be ``",
        ),
        (
            with(",10,300,", ",11,300,"),
            "row 1, column `fc1.weight.density`: `0.03333333333333333` should be `0.03666666666666667`",
        ),
        (
            with("\n2,90,", "\n2,90,90,"),
            "row 2: 33 fields under 32 columns",
        ),
        (with("\n2,90,", "\n2,"), "row 2: 31 fields under 32 columns"),
        (with("\n2,90,", "\n"), "row 2: 30 fields under 32 columns"),
        (
            with("\n2,", "\r\n2,"),
            "row 1, column `fc2.weight.coverage`: `0.16666666666666666\r` is not a finite number",
        ),
        (with("fc1", "fc3"), "the columns are not those of this run"),
        (
            String::new(),
            "the file is empty; it should hold the rows of epochs 1 to 2, which the checkpoint counts",
        ),
        (
            metrics[..metrics.len() - 1].to_owned(),
            "the file ends after 1 whole rows; it should hold the rows of epochs 1 to 2, which the checkpoint counts",
        ),
    ];
    for (text, message) in rows {
        assert_eq!(refusal(&text), message);
    }
    // Any prefix that lacks a byte of the kept rows is refused, and nothing panics.
    for end in 0..metrics.len() {
        refusal(&metrics[..end]);
    }
    let mut not_utf8 = metrics.into_bytes();
    let last = not_utf8.len() - 2;
    not_utf8[last] = 0xff;
    fs::write(folder.metrics(), not_utf8).unwrap();
    let error = open(&folder, after(2)).unwrap_err();
    assert!(
        error.to_string().contains("row 2: invalid utf-8"),
        "{error}"
    );
    fs::remove_file(folder.metrics()).unwrap();
    fs::create_dir(folder.metrics()).unwrap();
    let error = open(&folder, after(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[test]
fn what_is_not_a_number_stops_the_run_before_it_is_written() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let mut records = open(&folder, after(0)).unwrap();
    let before = bytes(&folder);
    for (value, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let mut sick = record(1);
        sick.test_loss = value;
        let error = records.append(&sick, &timing(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Diverged);
        let text =
            format!("the training diverged at step 45: the test loss of the network is {shown}");
        assert_eq!(error.to_string(), text);
        let mut sick = record(1);
        sick.layers[1].coverage = value;
        let error = records.append(&sick, &timing(1)).unwrap_err();
        assert!(
            error.to_string().contains("the coverage of fc2.weight"),
            "{error}"
        );
    }
    assert_eq!(bytes(&folder), before);
    assert!(records.rows().is_empty());
}

#[test]
fn only_the_next_epoch_of_the_same_layers_can_follow() {
    let place = tempfile::tempdir().unwrap();
    let folder = folder(&place);
    let mut records = open(&folder, after(0)).unwrap();
    let mut other = record(1);
    other.layers.pop();
    for (record, timing) in [
        (record(2), timing(2)),
        (record(1), timing(2)),
        (record(1), first_part(1)),
        (other, timing(1)),
    ] {
        let error = records.append(&record, &timing).unwrap_err();
        assert!(matches!(error, TrainError::Bug { .. }), "{error}");
    }
    records.append_part(&first_part(1)).unwrap();
    for part in [first_part(1), first_part(2)] {
        let error = records.append_part(&part).unwrap_err();
        assert!(matches!(error, TrainError::Bug { .. }), "{error}");
    }
}

#[test]
fn ratios_without_a_denominator_are_zero() {
    let mut start = record(1);
    start.train_flops_dense = 0;
    assert_eq!(start.flops_ratio(), 0.0);
    start.train_flops_dense_executed = 0;
    assert_eq!(start.executed_ratio(), 0.0);
    start.layers[0].n_total = 0;
    assert_eq!(start.layers[0].density(), 0.0);
}

prop_compose! {
    fn any_record(epoch: u64)(
        floats in proptest::collection::vec(any::<f64>().prop_map(|x| if x.is_finite() { x } else { 0.5 }), 9),
        counts in proptest::collection::vec(any::<u64>(), 10),
        flops in proptest::collection::vec(any::<u128>(), 4),
        has_valid in any::<bool>(),
    ) -> EpochRecord {
        EpochRecord {
            epoch,
            // Every epoch takes a step.
            step: ((epoch - 1) << 62) + (counts[0] >> 2).max(1),
            learning_rate: floats[0],
            train_loss: floats[1],
            train_accuracy: floats[2],
            valid: has_valid.then_some(Evaluation { loss: floats[3], accuracy: floats[4] }),
            test_loss: floats[5],
            test_accuracy: floats[6],
            n_active: counts[1],
            dropped: counts[2],
            grown: counts[3],
            coverage: floats[7],
            survivor_coverage: floats[8],
            train_flops: flops[0],
            train_flops_executed: flops[1],
            train_flops_dense: flops[2],
            train_flops_dense_executed: flops[3],
            layers: layers().into_iter().map(|name| LayerRecord {
                name,
                n_active: counts[4],
                n_total: counts[5],
                dropped: counts[6],
                grown: counts[7],
                coverage: floats[7],
            }).collect(),
        }
    }
}

proptest! {
    // 50 runs take about a second.
    #![proptest_config(ProptestConfig::with_cases(cases(50)))]

    #[test]
    fn any_rows_are_read_back_bit_for_bit(
        one in any_record(1), two in any_record(2), three in any_record(3), keep in 0..=3u64,
    ) {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(&place);
        let mut records = open(&folder, after(0)).unwrap();
        let rows = [one, two, three];
        for row in &rows {
            let timing = Timing { step: row.step, ..timing(row.epoch) };
            records.append_on(&Lazy(&HostDisk), row, &timing).unwrap();
        }
        let step = rows[..keep as usize].last().map_or(0, |row| row.step);
        let reopened = open(&folder, Counted { epochs: keep, step }).unwrap();
        // Text tells −0 from 0, which equality does not.
        prop_assert_eq!(format!("{:?}", reopened.rows()), format!("{:?}", &rows[..keep as usize]));
    }
}
