//! Hostile gzip streams, over contents that are sound where there are any.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::hostile::{Case, case};
use crate::writer::{self, COLUMNS, ROWS, SAMPLES, TRAIN_IMAGES, gzip, idx};

const MAX: u32 = u32::MAX;

/// Faults of the gzip stream itself.
pub(crate) fn streams() -> Vec<Case> {
    let contents = writer::images(SAMPLES, ROWS, COLUMNS);
    let whole = gzip(&contents);
    let mut cases = Vec::new();
    for length in 1..whole.len() {
        let bytes = whole[..length].to_vec();
        cases.push(case(
            format!("stream cut to {length} bytes"),
            TRAIN_IMAGES,
            bytes,
            &["damaged gzip stream in", "it ends early"],
        ));
    }
    let changed = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        bytes
    };
    let end = whole.len();
    let pixels = "damaged gzip stream in pixels (at offset 52 of";
    let magic = "damaged gzip stream in magic number (at offset 0 of";
    let second = |tail: &[u8]| [&whole[..], tail].concat();
    let noise: Vec<u8> = (0..64u32).map(|i| (i * 37 + 11) as u8).collect();
    // A header with the "name follows" flag whose name never ends.
    let endless = [
        &[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..],
        &vec![b'x'; 1 << 20],
    ]
    .concat();
    // Ten thousand members of nothing.
    let hollow = gzip(&[]).repeat(10_000);
    cases.extend([
        case("not gzip", TRAIN_IMAGES, contents.clone(), &[magic]),
        case("wrong first byte", TRAIN_IMAGES, changed(0, 0x1e), &[magic]),
        case(
            "wrong second byte",
            TRAIN_IMAGES,
            changed(1, 0x8a),
            &[magic],
        ),
        case("unknown method", TRAIN_IMAGES, changed(2, 7), &[magic]),
        case("reserved flags", TRAIN_IMAGES, changed(3, 0xe0), &[magic]),
        case(
            "reserved block type",
            TRAIN_IMAGES,
            changed(10, 0xff),
            &[magic],
        ),
        case(
            "wrong CRC",
            TRAIN_IMAGES,
            changed(end - 8, whole[end - 8] ^ 1),
            &[pixels],
        ),
        case(
            "wrong length",
            TRAIN_IMAGES,
            changed(end - 1, whole[end - 1] ^ 0x80),
            &[pixels],
        ),
        case(
            "bytes after the stream",
            TRAIN_IMAGES,
            second(b"more"),
            &[pixels],
        ),
        case(
            "zeros after the stream",
            TRAIN_IMAGES,
            second(&[0; 512]),
            &[pixels],
        ),
        case(
            "half a second member",
            TRAIN_IMAGES,
            second(&whole[..20]),
            &["pixels"],
        ),
        case(
            "a second copy",
            TRAIN_IMAGES,
            second(&whole),
            &["pixels end at offset 52"],
        ),
        case(
            "packed twice",
            TRAIN_IMAGES,
            gzip(&whole),
            &["magic number at offset 0", "found 0x1f8b08"],
        ),
        case("noise", TRAIN_IMAGES, noise, &[magic]),
        case("a name without end", TRAIN_IMAGES, endless, &[magic]),
        case(
            "members of nothing",
            TRAIN_IMAGES,
            hollow,
            &["magic number cut off", "0 present"],
        ),
        case(
            "a bomb with an honest header",
            TRAIN_IMAGES,
            bomb([17 << 20, 1, 1], 17 << 20),
            &["pixels announced as 17825792 bytes (17825792×1×1), more than the limit of 16777216"],
        ),
        case(
            "a bomb behind sound contents",
            TRAIN_IMAGES,
            bomb([SAMPLES, ROWS, COLUMNS], 128 << 20),
            &["pixels end at offset 52"],
        ),
        case(
            "a bomb announcing everything",
            TRAIN_IMAGES,
            bomb([MAX, MAX, MAX], 1 << 20),
            &["pixels announced as 79228162458924105385300197375 bytes"],
        ),
    ]);
    cases
}

/// A packed image file of zeros, a thousandth as large as its contents.
fn bomb(dims: [u32; 3], zeros: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&idx(0x803, &dims, &[])).unwrap();
    io::copy(&mut io::repeat(0).take(zeros), &mut encoder).unwrap();
    encoder.finish().unwrap()
}
