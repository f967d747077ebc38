//! What a kernel took, as a row of the CSV and as a line of the table.

/// One kernel on one shape.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Row {
    pub(super) kernel: &'static str,
    pub(super) element: &'static str,
    pub(super) out: u64,
    pub(super) tokens: u64,
    pub(super) inner: u64,
    pub(super) repeat: u32,
    pub(super) sets: u64,
    /// Seconds of a launch: median and quartiles.
    pub(super) seconds: f64,
    pub(super) seconds_low: f64,
    pub(super) seconds_high: f64,
    /// 2 · out · tokens · inner per second, 10¹²; nothing for kernels that multiply nothing.
    pub(super) tera_flops: Option<f64>,
    /// 10⁹ bytes read and written per second.
    pub(super) giga_bytes: f64,
    /// Those, over what a copy of as many bytes reached in the same turns.
    pub(super) of_copy: f64,
    /// The time of cuBLASLt's dense product over that of the kernel, in the same turns.
    pub(super) to_cublaslt: Option<f64>,
    /// The time of cuSPARSELt's sparse product, measured just before, over that of the kernel.
    pub(super) to_cusparselt: Option<f64>,
}

/// The titles over [`line()`]s.
pub(super) fn title() -> String {
    format!(
        "{:<22}{:>22}{:>12}{:>10}{:>10}{:>9}{:>12}{:>14}",
        "kernel",
        "out × tokens × inner",
        "µs",
        "TFLOP/s",
        "GB/s",
        "of copy",
        "× cuBLASLt",
        "× cuSPARSELt"
    )
}

/// A row for the eye.
pub(super) fn line(row: &Row) -> String {
    let shape = format!("{}×{}×{}", row.out, row.tokens, row.inner);
    let optional = |value: Option<f64>, decimals: usize| {
        value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"))
    };
    format!(
        "{:<22}{shape:>22}{:>12.1}{:>10}{:>10.0}{:>8.0}%{:>12}{:>14}",
        row.kernel,
        1e6 * row.seconds,
        optional(row.tera_flops, 1),
        row.giga_bytes,
        100.0 * row.of_copy,
        optional(row.to_cublaslt, 2),
        optional(row.to_cusparselt, 2),
    )
}
