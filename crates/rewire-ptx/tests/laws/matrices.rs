//! `ldmatrix`, `mma.sync` and `mma.sp` against naive products of small whole numbers.

use rewire_ptx::FaultKind;

use crate::rig::{Kernel, Numbers};

/// The bits of a small whole number in a 16-bit format, which holds it exactly.
fn half(value: i64, format: &str) -> u16 {
    if format == "bf16" {
        return ((value as f32).to_bits() >> 16) as u16;
    }
    if value == 0 {
        return 0;
    }
    let exponent = 63 - value.unsigned_abs().leading_zeros() as i64;
    let fraction = (value.unsigned_abs() << (10 - exponent)) as u16 & 0x3FF;
    let sign = u16::from(value < 0) << 15;
    sign | ((exponent + 15) as u16) << 10 | fraction
}

fn pair(low: i64, high: i64, format: &str) -> u32 {
    u32::from(half(high, format)) << 16 | u32::from(half(low, format))
}

type Matrix = Vec<Vec<i64>>;

fn matrix(rows: usize, cols: usize, numbers: &mut Numbers) -> Matrix {
    (0..rows)
        .map(|_| (0..cols).map(|_| numbers.small(8)).collect())
        .collect()
}

/// What each lane holds, words of A, B, C and others in this order.
fn lane_words(a: &Matrix, b: &Matrix, c: &Matrix, format: &str, lane: usize) -> Vec<u32> {
    let (g, t) = (lane / 4, lane % 4);
    let mut words = Vec::new();
    for block in 0..a[0].len() / 8 {
        for row in [g, g + 8] {
            let col = 8 * block + 2 * t;
            words.push(pair(a[row][col], a[row][col + 1], format));
        }
    }
    for block in 0..b.len() / 8 {
        let row = 8 * block + 2 * t;
        words.push(pair(b[row][g], b[row + 1][g], format));
    }
    for row in [g, g + 8] {
        for col in [2 * t, 2 * t + 1] {
            words.push((c[row][col] as f32).to_bits());
        }
    }
    words
}

/// A kernel of one warp that loads `n_words` per lane, multiplies and stores four singles per lane
/// behind them.
fn product_kernel(n_words: usize, multiply: &str) -> Kernel {
    let mut body = String::from(
        ".reg .b32 %lane, %w<32>; .reg .f32 %d<4>; .reg .b64 %in, %out, %at;\n\
         ld.param.u64 %in, [data]; mov.u32 %lane, %laneid;\n",
    );
    body += &format!(
        "mul.wide.u32 %at, %lane, {}; add.u64 %out, %in, {}; add.u64 %in, %in, %at;\n",
        4 * n_words,
        128 * n_words
    );
    for word in 0..n_words {
        body += &format!("ld.global.b32 %w{word}, [%in+{}];\n", 4 * word);
    }
    body += multiply;
    body += "\nmul.wide.u32 %at, %lane, 16; add.u64 %out, %out, %at;\n\
             st.global.v4.f32 [%out], {%d0, %d1, %d2, %d3};\n";
    Kernel::new(32, &body)
}

fn list(first: usize, count: usize) -> String {
    let names: Vec<String> = (first..first + count).map(|w| format!("%w{w}")).collect();
    format!("{{{}}}", names.join(", "))
}

/// Runs a product and compares D with A·B + C.
fn check(kernel: &Kernel, words: &[Vec<u32>], wanted: &Matrix) {
    let mut data: Vec<u32> = words.concat();
    let begin = data.len();
    data.resize(begin + 128, 0);
    let found = kernel.run(&data).unwrap_or_else(|fault| panic!("{fault}"));
    for lane in 0..32 {
        let (g, t) = (lane / 4, lane % 4);
        for (register, (row, col)) in [(0, 0), (0, 1), (8, 0), (8, 1)].into_iter().enumerate() {
            let found = f32::from_bits(found[begin + 4 * lane + register]);
            let wanted = wanted[g + row][2 * t + col] as f32;
            assert_eq!(
                found.to_bits(),
                wanted.to_bits(),
                "row {} column {}",
                g + row,
                2 * t + col
            );
        }
    }
}

fn product(a: &Matrix, b: &Matrix, c: &Matrix) -> Matrix {
    let sum = |m: usize, n: usize| (0..b.len()).map(|k| a[m][k] * b[k][n]).sum::<i64>();
    (0..16)
        .map(|m| (0..8).map(|n| c[m][n] + sum(m, n)).collect())
        .collect()
}

#[test]
fn dense_products_are_exact() {
    let mut numbers = Numbers(1);
    for format in ["f16", "bf16"] {
        for depth in [8, 16] {
            let (n_a, n_b) = (depth / 4, depth / 8);
            let multiply = format!(
                "mma.sync.aligned.m16n8k{depth}.row.col.f32.{format}.{format}.f32 \
                 {{%d0, %d1, %d2, %d3}}, {}, {}, {};",
                list(0, n_a),
                list(n_a, n_b),
                list(n_a + n_b, 4)
            );
            // The accumulators are loaded as bits, which singles accept.
            let kernel = product_kernel(n_a + n_b + 4, &multiply);
            let [a, b, c] = [(16, depth), (depth, 8), (16, 8)]
                .map(|(rows, cols)| matrix(rows, cols, &mut numbers));
            let words: Vec<_> = (0..32).map(|l| lane_words(&a, &b, &c, format, l)).collect();
            check(&kernel, &words, &product(&a, &b, &c));
        }
    }
}

/// The six ordered pairs of columns, as nibbles.
const PAIRS: [(u32, [usize; 2]); 6] = [
    (0x4, [0, 1]),
    (0x8, [0, 2]),
    (0xC, [0, 3]),
    (0x9, [1, 2]),
    (0xD, [1, 3]),
    (0xE, [2, 3]),
];

/// A sparse kernel with its data, and the A it stands for written out densely.
fn sparse_case(
    depth: usize,
    selector: usize,
    format: &str,
    seed: u64,
) -> (Kernel, Vec<Vec<u32>>, Matrix) {
    let mut numbers = Numbers(seed);
    let n = depth / 8;
    let multiply = format!(
        "mma.sp::ordered_metadata.sync.aligned.m16n8k{depth}.row.col.f32.{format}.{format}.f32 \
         {{%d0, %d1, %d2, %d3}}, {}, {}, {}, %w{}, {selector}; // PRODUCT",
        list(0, n),
        list(n, n),
        list(2 * n, 4),
        2 * n + 4
    );
    let kernel = product_kernel(2 * n + 5, &multiply);
    let [packed, b, c] =
        [(16, depth / 2), (depth, 8), (16, 8)].map(|(rows, cols)| matrix(rows, cols, &mut numbers));
    let mut dense = vec![vec![0; depth]; 16];
    // Lanes that the selector leaves out hold what is no metadata.
    let mut metadata = [0xFFFF_FFFFu32; 32];
    for row in 0..16 {
        for group in 0..depth / 4 {
            let (nibble, columns) = PAIRS[numbers.below(6) as usize];
            for (entry, column) in columns.into_iter().enumerate() {
                dense[row][4 * group + column] = packed[row][2 * group + entry];
            }
            // 16 columns to a word; the rows g and g + 8 share it.
            let lane = 4 * (row % 8) + selector * (depth / 16) + group / 4;
            let shift = 16 * (row / 8) + 4 * (group % 4);
            metadata[lane] = metadata[lane] & !(0xF << shift) | nibble << shift;
        }
    }
    let words = (0..32)
        .map(|lane| {
            let mut words = lane_words(&packed, &b, &c, format, lane);
            words.push(metadata[lane]);
            words
        })
        .collect();
    (kernel, words, product(&dense, &b, &c))
}

#[test]
fn sparse_products_are_exact_for_every_selector() {
    for format in ["f16", "bf16"] {
        for (depth, selectors) in [(16, 4), (32, 2)] {
            for selector in 0..selectors {
                let (kernel, words, wanted) =
                    sparse_case(depth, selector, format, 40 + selector as u64);
                check(&kernel, &words, &wanted);
            }
        }
    }
}

#[test]
fn a_wrong_nibble_is_named_with_lane_and_word() {
    for nibble in [0x0, 0x5, 0xA, 0xF, 0x1, 0x7] {
        let (kernel, mut words, _) = sparse_case(32, 1, "bf16", 9);
        let lane = 4 * 5 + 3;
        let word = words[lane].last_mut().unwrap();
        *word = *word & !(0xF << 24) | nibble << 24;
        let word = *word;
        let mut data = words.concat();
        data.resize(data.len() + 128, 0);
        let fault = kernel.run(&data).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Metadata { word, place: 6 });
        assert_eq!(
            (fault.line, fault.lane),
            (kernel.line_of("PRODUCT"), Some(lane as u32))
        );
    }
}

#[test]
fn ldmatrix_spreads_rows_or_columns() {
    for (count, transposed) in [
        (1, false),
        (2, false),
        (4, false),
        (1, true),
        (2, true),
        (4, true),
    ] {
        let names: Vec<String> = (0..count).map(|i| format!("%m{i}")).collect();
        let trans = if transposed { ".trans" } else { "" };
        // Row j of matrix i lies at 16·(31 − 8i − j), so that neither order nor base is trivial.
        let mut body = format!(
            ".shared .align 16 .b8 tile[512]; .reg .b32 %lane, %at, %v, %m<4>; .reg .b64 %in, %p;\n\
             ld.param.u64 %in, [data]; mov.u32 %lane, %laneid; mul.wide.u32 %p, %lane, 16;\n\
             add.u64 %in, %in, %p; .reg .b32 %q<4>; mov.u32 %at, tile; mad.lo.u32 %v, %lane, 16, %at;\n\
             ld.global.v4.b32 {{%q0, %q1, %q2, %q3}}, [%in];\n\
             st.shared.v4.b32 [%v], {{%q0, %q1, %q2, %q3}};\n\
             bar.warp.sync 0xffffffff;\n\
             mad.lo.u32 %at, %lane, -16, %at;\n\
             ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {{{}}}, [%at+496];\n",
            names.join(", ")
        );
        for (index, name) in names.iter().enumerate() {
            body += &format!("st.global.b32 [%in+{}], {name};\n", 4 * index);
        }
        let data: Vec<u32> = (0..128)
            .map(|word| ((2 * word + 1) << 16) | (2 * word))
            .collect();
        let element = |matrix: usize, row: usize, col: usize| {
            let begin = 16 * (31 - 8 * matrix - row) + 2 * col;
            begin as u32 / 2
        };
        let found = Kernel::new(32, &body)
            .run(&data)
            .unwrap_or_else(|fault| panic!("{fault}"));
        for lane in 0..32 {
            let (g, t) = (lane / 4, lane % 4);
            for matrix in 0..count {
                let [low, high] = if transposed {
                    [element(matrix, 2 * t, g), element(matrix, 2 * t + 1, g)]
                } else {
                    [element(matrix, g, 2 * t), element(matrix, g, 2 * t + 1)]
                };
                assert_eq!(found[4 * lane + matrix], high << 16 | low);
            }
        }
    }
}

#[test]
fn movmatrix_transposes_in_registers() {
    let body = ".reg .b32 %lane, %v; .reg .b64 %p, %at; ld.param.u64 %p, [data];
        mov.u32 %lane, %laneid; mul.wide.u32 %at, %lane, 4; add.u64 %p, %p, %at;
        ld.global.b32 %v, [%p]; movmatrix.sync.aligned.m8n8.trans.b16 %v, %v;
        st.global.b32 [%p], %v;";
    // Element (row, column) is 8 · row + column.
    let data: Vec<u32> = (0..32)
        .map(|word| ((2 * word + 1) << 16) | (2 * word))
        .collect();
    let found = Kernel::new(32, body).run(&data).unwrap();
    for (lane, found) in found.into_iter().enumerate() {
        let (g, t) = (lane as u32 / 4, lane as u32 % 4);
        assert_eq!(found, ((8 * (2 * t + 1) + g) << 16) | (8 * 2 * t + g));
    }
}
