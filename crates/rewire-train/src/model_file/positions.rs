//! Positions in the fewest bytes: a bit for every weight, or the gaps between the active ones.
//!
//! ```text
//! mask   bit p mod 8 of byte p div 8 is position p; ⌈N / 8⌉ bytes
//! gaps   for each active position, the inactive ones since the last active one, as LEB128:
//!        seven bits a byte, lowest first, the high bit set on all bytes but the last
//! ```
//!
//! Gaps of at most 127 take a byte, so that they are the smaller form below a density of about
//! 1/8. The smaller form is chosen by counting its bytes, the mask where both are equal: a set of
//! positions has one code, and it never takes more than a bit per weight.

use rewire_autograd::mask::{Mask, MaskError, MatrixShape, Topology};

/// A set of positions as bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Code {
    Mask(Vec<u8>),
    Gaps(Vec<u8>),
}

/// Why bytes are no set of positions.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum PositionFault {
    #[error("{found} bytes instead of the {expected} of a mask of {shape}")]
    MaskLength {
        found: usize,
        expected: u64,
        shape: MatrixShape,
    },
    #[error("the gap after {positions} positions is cut off at byte {at}")]
    CutGap { positions: usize, at: usize },
    #[error("the gap after {positions} positions is not written in the fewest bytes")]
    LongGap { positions: usize },
    #[error("the gap after {positions} positions leads outside the {shape} matrix")]
    Outside {
        positions: usize,
        shape: MatrixShape,
    },
    #[error(transparent)]
    Mask(#[from] MaskError),
}

/// The smaller code of a topology. Cost: O(n_active), and O(N / 8) where that is the mask.
pub(super) fn encode(topology: &Topology) -> Code {
    let bound = mask_bytes(topology.shape());
    match gaps(topology, bound) {
        Some(gaps) => Code::Gaps(gaps),
        None => {
            let words = topology.to_mask().words().to_vec();
            let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            bytes.truncate(bound as usize);
            Code::Mask(bytes)
        }
    }
}

/// The topology of the bytes of a mask.
pub(super) fn from_mask(shape: MatrixShape, bytes: &[u8]) -> Result<Topology, PositionFault> {
    let expected = mask_bytes(shape);
    if bytes.len() as u64 != expected {
        return Err(PositionFault::MaskLength {
            found: bytes.len(),
            expected,
            shape,
        });
    }
    let word = |chunk: &[u8]| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    };
    let mask = Mask::from_words(shape, bytes.chunks(8).map(word).collect())?;
    Ok(Topology::from_positions(shape, mask.positions())?)
}

/// The topology of the bytes of gaps.
pub(super) fn from_gaps(shape: MatrixShape, bytes: &[u8]) -> Result<Topology, PositionFault> {
    let mut positions = Vec::new();
    let mut next = 0u64;
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = positions.len();
        let outside = PositionFault::Outside {
            positions: count,
            shape,
        };
        let Some(last) = rest.iter().position(|byte| byte & 0x80 == 0) else {
            return Err(PositionFault::CutGap {
                positions: count,
                at: bytes.len(),
            });
        };
        let (code, behind) = rest.split_at(last + 1);
        if last > 0 && code[last] == 0 {
            return Err(PositionFault::LongGap { positions: count });
        }
        // Nine bytes hold 63 bits; a gap of more is outside every matrix.
        if code.len() > 9 {
            return Err(outside);
        }
        let gap = (code.iter().rev()).fold(0, |gap, &byte| gap << 7 | u64::from(byte & 0x7f));
        match next.checked_add(gap).filter(|&at| at < shape.len()) {
            Some(position) => {
                positions.push(position);
                next = position + 1;
            }
            None => return Err(outside),
        }
        rest = behind;
    }
    Ok(Topology::from_positions(shape, positions)?)
}

/// Bytes of a mask.
fn mask_bytes(shape: MatrixShape) -> u64 {
    shape.len().div_ceil(8)
}

/// The gaps, unless they take `bound` bytes or more.
fn gaps(topology: &Topology, bound: u64) -> Option<Vec<u8>> {
    if topology.n_active() as u64 >= bound {
        return None;
    }
    let mut bytes = Vec::new();
    let mut next = 0;
    for position in topology.positions() {
        let mut gap = position - next;
        next = position + 1;
        while gap > 0x7f {
            bytes.push(gap as u8 | 0x80);
            gap >>= 7;
        }
        bytes.push(gap as u8);
        if bytes.len() as u64 >= bound {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rewire_rng::{Purpose, Streams};

    use super::*;

    fn topology(shape: MatrixShape, positions: impl IntoIterator<Item = u64>) -> Topology {
        Topology::from_positions(shape, positions).unwrap()
    }

    fn decode(shape: MatrixShape, code: &Code) -> Result<Topology, PositionFault> {
        match code {
            Code::Mask(bytes) => from_mask(shape, bytes),
            Code::Gaps(bytes) => from_gaps(shape, bytes),
        }
    }

    fn len(code: &Code) -> u64 {
        let (Code::Mask(bytes) | Code::Gaps(bytes)) = code;
        bytes.len() as u64
    }

    /// Written by hand: 300 = 0b10_0101100 takes two bytes.
    #[test]
    fn the_bytes_are_the_documented_ones() {
        let shape = MatrixShape::new(3, 200);
        let far = topology(shape, [0, 1, 129, 430]);
        let expected = vec![0, 0, 127, 0b1010_1100, 0b10];
        assert_eq!(encode(&far), Code::Gaps(expected));

        let near = topology(MatrixShape::new(2, 5), [0, 3, 8, 9]);
        assert_eq!(encode(&near), Code::Mask(vec![0b1001, 0b11]));
        let none = topology(MatrixShape::new(0, 0), []);
        assert_eq!(encode(&none), Code::Mask(vec![]));
        assert_eq!(encode(&topology(shape, [])), Code::Gaps(vec![]));
    }

    #[test]
    fn bytes_that_are_no_positions_are_refused() {
        let shape = MatrixShape::new(3, 200);
        let rows: [(&[u8], &str); 7] = [
            (&[0x80], "the gap after 0 positions is cut off at byte 1"),
            (&[5, 0xff, 0xff], "the gap after 1 positions is cut off"),
            (
                &[5, 0x80, 0],
                "after 1 positions is not written in the fewest",
            ),
            (
                &[0xd8, 4],
                "after 0 positions leads outside the 3×200 matrix",
            ),
            (&[0xd7, 4, 0], "after 1 positions leads outside"),
            (&[0xff; 12], "cut off at byte 12"),
            (
                &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
                "leads outside",
            ),
        ];
        for (bytes, what) in rows {
            let fault = from_gaps(shape, bytes).unwrap_err().to_string();
            assert!(fault.contains(what), "{bytes:?}: {fault}");
        }
        assert_eq!(from_gaps(shape, &[0xd7, 4]).unwrap().position(0), 599);
        let small = MatrixShape::new(2, 5);
        for (bytes, what) in [
            (&[1u8][..], "1 bytes instead of the 2 of a mask of 2×5"),
            (&[1, 0, 0], "3 bytes instead of the 2"),
            (&[1, 4], "2×5"),
        ] {
            let fault = from_mask(small, bytes).unwrap_err().to_string();
            assert!(fault.contains(what), "{bytes:?}: {fault}");
        }
    }

    /// Gaps take a byte per active weight and one for each 128 positions of the matrix at most.
    #[test]
    fn a_code_is_read_back_and_never_above_a_bit_per_weight() {
        let mut stream = Streams::new(3).stream(Purpose::Topology, "codes", 0);
        for shape in [(1, 1), (7, 9), (64, 64), (300, 784), (1000, 1000)] {
            let shape = MatrixShape::new(shape.0, shape.1);
            for percent in [0, 1, 2, 5, 10, 12, 13, 50, 90, 100] {
                let n_active = (shape.len() * percent / 100) as usize;
                let topology = Topology::random(shape, n_active as u64, &mut stream).unwrap();
                let code = encode(&topology);
                assert_eq!(decode(shape, &code).unwrap(), topology);
                assert!(len(&code) <= shape.len().div_ceil(8), "{shape} {percent} %");
                if let Code::Gaps(bytes) = &code {
                    // A gap of b bytes stands for 128^(b − 1) positions or more.
                    let longer = bytes.len() - n_active;
                    assert!(longer as u64 * 128 <= shape.len(), "{shape} {percent} %");
                }
            }
        }
    }

    proptest! {
        /// Whatever the bytes, there is an answer, and what is admitted is the code of nothing else.
        #[test]
        fn any_bytes_have_an_answer(
            rows in 0usize..20,
            cols in 1usize..300,
            bytes in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let shape = MatrixShape::new(rows, cols);
            if let Ok(read) = from_gaps(shape, &bytes) {
                let gaps = gaps(&read, u64::MAX);
                prop_assert_eq!(gaps, Some(bytes.clone()));
            }
            if let Ok(read) = from_mask(shape, &bytes) {
                prop_assert_eq!(from_mask(shape, &bytes).unwrap(), read);
            }
        }
    }
}
