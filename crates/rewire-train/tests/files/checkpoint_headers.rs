//! Headers of a checkpoint that lie about what follows, or that are large or deep.

use rewire_train::checkpoint::CheckpointError;

use crate::checkpoint::{file, refusal};

/// A header that is legal except for what `tensors` and `metadata` say.
fn lying(tensors: &str) -> String {
    let text = format!(
        r#"{{\"checksum\":\"{}\",\"format_version\":1,\"meta\":null}}"#,
        "0".repeat(64)
    );
    format!(r#"{{"__metadata__":{{"rewire":"{text}"}}{tensors}}}"#)
}

#[test]
fn a_lying_header_is_refused_before_memory_is_asked_for() {
    let a = r#","a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    let b = r#","b":{"dtype":"F32","shape":[2],"data_offsets""#;
    let rows: Vec<(Vec<u8>, &str)> = vec![
        (
            u64::MAX.to_le_bytes().to_vec(),
            "the header claims 18446744073709551615 bytes, at most 100000000",
        ),
        (
            100_000_001u64.to_le_bytes().to_vec(),
            "the header claims 100000001 bytes, at most 100000000",
        ),
        (
            100_000_000u64.to_le_bytes().to_vec(),
            "cut off: the header ends at byte 100000008, the file at byte 8",
        ),
        (
            0u64.to_le_bytes().to_vec(),
            "header: EOF while parsing a value",
        ),
        (file("{}", b""), "header: no `__metadata__`"),
        (file("[]", b""), "header: invalid type: sequence"),
        (file("{", b""), "header: EOF"),
        (file("\u{0}", b""), "header: expected value"),
        (
            [&2u64.to_le_bytes()[..], b"\xff\xfe"].concat(),
            "header: invalid utf-8",
        ),
        (
            file(r#"{"__metadata__":{"format":"pt"}}"#, b""),
            "header: `__metadata__`: unknown field `format`",
        ),
        (
            file(r#"{"__metadata__":{"rewire":"{}","format":"pt"}}"#, b""),
            "header: `__metadata__`: unknown field `format`",
        ),
        (
            file(r#"{"__metadata__":{"rewire":"{}","rewire":"{}"}}"#, b""),
            "header: `__metadata__`: duplicate field `rewire`",
        ),
        (
            file(
                r#"{"__metadata__":{"rewire":"{}"},"__metadata__":{"rewire":"{}"}}"#,
                b"",
            ),
            "header: `__metadata__` appears twice",
        ),
        (
            file(r#"{"__metadata__":{}}"#, b""),
            "header: `__metadata__`: missing field `rewire`",
        ),
        (
            file(r#"{"__metadata__":{"rewire":"[]"}}"#, b""),
            "header: metadata `rewire`: ",
        ),
        (
            file(r#"{"__metadata__":{"rewire":"{}"}}"#, b""),
            "header: metadata `rewire`: missing field `format_version`",
        ),
        (
            file(
                r#"{"__metadata__":{"rewire":"{\"format_version\":2,\"future\":1}"}}"#,
                b"",
            ),
            "format version 2, this program reads version 1",
        ),
        (
            file(
                r#"{"__metadata__":{"rewire":"{\"format_version\":1,\"checksum\":\"\",\"meta\":1}"}}"#,
                b"",
            ),
            "`checksum` must be 64 hexadecimal digits, it is ``",
        ),
        (
            file(
                &lying(r#","a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}"#),
                &[0; 8],
            ),
            "tensor `a`: dtype `F64` is none of F32, U8, U32, U64",
        ),
        (
            file(
                &lying(r#","a":{"dtype":"U8","shape":[2],"data_offsets":[0,8]}"#),
                &[0; 8],
            ),
            "tensor `a`: shape [2] of U8 needs 2 bytes, the offsets 0..8 hold 8",
        ),
        (
            file(
                &lying(
                    r#","a":{"dtype":"U64","shape":[18446744073709551615,2],"data_offsets":[0,8]}"#,
                ),
                &[0; 8],
            ),
            "tensor `a`: shape [18446744073709551615, 2] of U64 needs more than 2⁶⁴ bytes",
        ),
        (
            file(
                &lying(
                    r#","a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}"#,
                ),
                b"",
            ),
            "cut off: the last tensor ends at byte 18446744073709551615",
        ),
        (
            file(
                &lying(
                    r#","a":{"dtype":"U8","shape":[4000000000000],"data_offsets":[0,4000000000000]}"#,
                ),
                b"",
            ),
            "cut off: the last tensor ends at byte 4000000000",
        ),
        (
            file(
                &lying(r#","a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}"#),
                &[0; 8],
            ),
            "header: `a`: invalid value: integer `-1`",
        ),
        (
            file(
                &lying(r#","a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#),
                &[0; 8],
            ),
            "tensor `a`: ends at byte 0, before it starts at 8",
        ),
        (
            file(
                &lying(r#","a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}"#),
                &[0; 8],
            ),
            "header: `a`: unknown field `more`",
        ),
        (
            file(&lying(r#","a":{"dtype":"F32","shape":[2]}"#), &[0; 8]),
            "header: `a`: missing field `data_offsets`",
        ),
        (
            file(&lying(&format!("{a}{a}")), &[0; 8]),
            "header: `a` appears twice",
        ),
        (
            file(&lying(&format!("{a}{b}:[4,12]}}")), &[0; 12]),
            "tensor `b`: starts at byte 4 and overlaps the one before, which ends at byte 8",
        ),
        (
            file(&lying(&format!("{a}{b}:[12,20]}}")), &[0; 20]),
            "tensor `b`: starts at byte 12 and leaves a hole after the one before, which ends at byte 8",
        ),
        (
            file(&lying(&format!("{b}:[4,12]}}")), &[0; 12]),
            "tensor `b`: starts at byte 4 and leaves a hole",
        ),
        (file(&lying(a), &[0; 8]), "checksum "),
    ];
    for (bytes, message) in rows {
        let error = refusal(&bytes);
        assert!(
            error.to_string().contains(message),
            "wanted: {message}\nfound: {error}"
        );
    }
}

/// A deep value must not exhaust the stack, a header of many tensors must not take quadratic time.
#[test]
fn large_and_deep_headers_are_bounded() {
    let deep = format!(r#"{{"__metadata__":{}"#, r#"{"a":"#.repeat(100_000));
    assert!(matches!(
        refusal(&file(&deep, b"")),
        CheckpointError::Header { .. }
    ));
    let tensors: String = (0..200_000)
        .map(|index| {
            format!(
                r#","t{index}":{{"dtype":"U8","shape":[1],"data_offsets":[{index},{}]}}"#,
                index + 1
            )
        })
        .collect();
    let start = std::time::Instant::now();
    let error = refusal(&file(&lying(&tensors), &vec![0; 200_000]));
    assert!(matches!(error, CheckpointError::Checksum { .. }), "{error}");
    assert!(start.elapsed().as_secs() < 10, "took {:?}", start.elapsed());
}
