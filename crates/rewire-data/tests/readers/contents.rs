//! Hostile contents: headers and elements that are wrong whether or not the file is packed.

use crate::hostile::{Case, case};
use crate::writer::{self, COLUMNS, ROWS, SAMPLES, TEST_IMAGES, TRAIN_IMAGES, TRAIN_LABELS, idx};

const MAX: u32 = u32::MAX;

/// Faults of the contents, which are found whether or not the file is packed.
pub(crate) fn contents() -> Vec<Case> {
    let images = writer::images(SAMPLES, ROWS, COLUMNS);
    let labels = writer::labels(SAMPLES);
    let mut cases = Vec::new();

    let image_fields = [
        "magic number",
        "number of images",
        "number of rows",
        "number of columns",
    ];
    let label_fields = ["magic number", "number of labels"];
    for (file, whole, fields) in [
        (TRAIN_IMAGES, &images, &image_fields[..]),
        (TRAIN_LABELS, &labels, &label_fields[..]),
    ] {
        for length in 0..4 * fields.len() {
            let field = fields[length / 4];
            let (offset, found) = (4 * (length / 4), length % 4);
            let numbers = format!("4 bytes expected at offset {offset}, {found} present");
            let name = format!("{file} cut to {length} bytes");
            let wanted = [&format!("{field} cut off") as &str, &numbers];
            cases.push(case(name, file, whole[..length].to_vec(), &wanted));
        }
    }
    for (length, found) in [(16, 0), (17, 1), (33, 17), (51, 35)] {
        let numbers = format!("36 bytes expected at offset 16, {found} present");
        let bytes = images[..length].to_vec();
        cases.push(case(
            format!("pixels cut to {found}"),
            TRAIN_IMAGES,
            bytes,
            &["pixels cut off", &numbers],
        ));
    }
    for (length, found) in [(8, 0), (9, 1), (13, 5)] {
        let numbers = format!("6 bytes expected at offset 8, {found} present");
        let bytes = labels[..length].to_vec();
        cases.push(case(
            format!("labels cut to {found}"),
            TRAIN_LABELS,
            bytes,
            &["labels cut off", &numbers],
        ));
    }

    for magic in [
        0,
        1,
        0x0801,
        0x0802,
        0x0804,
        0x0903,
        0x0b03,
        0x0c03,
        0x0d03,
        0x0e03,
        0x0308_0000,
        0x0100_0803,
        0x3c21_444f,
        MAX,
    ] {
        let bytes = idx(magic, &[SAMPLES, ROWS, COLUMNS], &images[16..]);
        let found = format!("expected 0x00000803 (images), found {magic:#010x}");
        cases.push(case(
            format!("magic {magic:#x} of images"),
            TRAIN_IMAGES,
            bytes,
            &["magic number at offset 0", &found],
        ));
    }
    for magic in [
        0,
        0x0800,
        0x0802,
        0x0803,
        0x0d01,
        0x0108_0000,
        0x3c68_746d,
        MAX,
    ] {
        let bytes = idx(magic, &[SAMPLES], &labels[8..]);
        let found = format!("expected 0x00000801 (labels), found {magic:#010x}");
        cases.push(case(
            format!("magic {magic:#x} of labels"),
            TRAIN_LABELS,
            bytes,
            &["magic number at offset 0", &found],
        ));
    }

    for (dims, wanted) in [
        ([0, ROWS, COLUMNS], "number of images is 0 at offset 4"),
        ([SAMPLES, 0, COLUMNS], "number of rows is 0 at offset 8"),
        ([SAMPLES, ROWS, 0], "number of columns is 0 at offset 12"),
        ([0, MAX, MAX], "number of images is 0 at offset 4"),
    ] {
        cases.push(case(
            wanted,
            TRAIN_IMAGES,
            idx(0x803, &dims, &images[16..]),
            &[wanted],
        ));
    }
    let none = "number of labels is 0 at offset 4";
    cases.push(case(
        none,
        TRAIN_LABELS,
        idx(0x801, &[0], &labels[8..]),
        &[none],
    ));

    // Products beyond 32 and 64 bits, products that wrap around to something harmless, and one
    // byte more than the limit.
    for dims in [
        [MAX, MAX, MAX],
        [MAX, MAX, 1],
        [MAX, 1, MAX],
        [1, MAX, MAX],
        [MAX, ROWS, COLUMNS],
        [SAMPLES, MAX, COLUMNS],
        [SAMPLES, ROWS, MAX],
        [1 << 31, 2, 1],
        [1 << 31, 1 << 31, 4],
        [1 << 16, 1 << 16, 1],
        [1 << 22, 1 << 21, 1 << 21],
        [(1 << 30) + 1, 1, 1],
    ] {
        let product: u128 = dims.iter().map(|&dim| u128::from(dim)).product();
        let [n, h, w] = dims;
        let wanted =
            format!("pixels announced as {product} bytes ({n}×{h}×{w}), more than the limit of ");
        cases.push(case(
            format!("{dims:?}"),
            TRAIN_IMAGES,
            idx(0x803, &dims, &images[16..]),
            &[&wanted],
        ));
    }
    for n in [MAX, 1 << 31, (1 << 30) + 1] {
        let wanted = format!("labels announced as {n} bytes ({n}), more than the limit of ");
        cases.push(case(
            format!("{n} labels"),
            TRAIN_LABELS,
            idx(0x801, &[n], &labels[8..]),
            &[&wanted],
        ));
    }
    // Within every limit, but not there: no bytes behind the promise.
    for dims in [
        [7, ROWS, COLUMNS],
        [SAMPLES, 4, COLUMNS],
        [SAMPLES, ROWS, 3],
        [1 << 24, 1, 1],
        [1, 4096, 4096],
    ] {
        let product: u32 = dims.iter().product();
        let wanted = format!("{product} bytes expected at offset 16, 36 present");
        cases.push(case(
            format!("{dims:?}"),
            TRAIN_IMAGES,
            idx(0x803, &dims, &images[16..]),
            &["pixels cut off", &wanted],
        ));
    }

    for dims in [
        [5, ROWS, COLUMNS],
        [SAMPLES, 2, COLUMNS],
        [SAMPLES, ROWS, 1],
        [1, 1, 1],
    ] {
        let product: u32 = dims.iter().product();
        let wanted = format!(
            "pixels end at offset {} by the header, but more bytes follow",
            16 + product
        );
        cases.push(case(
            format!("{dims:?}"),
            TRAIN_IMAGES,
            idx(0x803, &dims, &images[16..]),
            &[&wanted],
        ));
    }
    for extra in [1, 4096, 100_000] {
        let tail = vec![0; extra];
        cases.push(case(
            format!("{extra} bytes after the pixels"),
            TRAIN_IMAGES,
            [&images[..], &tail].concat(),
            &["pixels end at offset 52"],
        ));
        cases.push(case(
            format!("{extra} bytes after the labels"),
            TRAIN_LABELS,
            [&labels[..], &tail].concat(),
            &["labels end at offset 14"],
        ));
    }

    for (sample, label) in [(0, 10), (3, 26), (5, 255), (2, 128)] {
        let mut bytes = labels.clone();
        bytes[8 + sample] = label;
        let wanted = format!(
            "label {label} of sample {sample} (offset {}) is not below 10 classes",
            8 + sample
        );
        cases.push(case(&wanted, TRAIN_LABELS, bytes, &[&wanted]));
    }
    for n in [1, 5, 7, 4000] {
        let wanted = "holds 6 images, but ";
        cases.push(case(
            format!("{n} labels for 6 images"),
            TRAIN_LABELS,
            writer::labels(n),
            &[wanted, &format!("holds {n} labels")],
        ));
    }
    for (h, w) in [(2, 3), (3, 3), (1, 6)] {
        let wanted = format!("images of {h}×{w} pixels, but ");
        cases.push(case(
            format!("test images of {h}×{w}"),
            TEST_IMAGES,
            writer::images(4, h, w),
            &[&wanted, "has 3×2"],
        ));
    }
    cases
}
