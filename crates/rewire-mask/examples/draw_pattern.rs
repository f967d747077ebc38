//! Draws a mask of a pattern as SVG: `cargo run -p rewire-mask --example draw_pattern -- nm`.
//!
//! The pictures of `docs/patterns/` are what this prints. Every square is a weight of a 16 × 32
//! matrix, drawn from a normal distribution; the larger its magnitude, the darker it is. Active
//! weights are blue, and lines mark the groups, tiles or blocks of the pattern.

use std::fmt::Write as _;
use std::io::Write as _;

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rewire_mask::{Block, BlockNorm, Density, Edges, Lines, MaskError, Nm, Pattern};

const ROWS: usize = 16;
const COLS: usize = 32;
/// Side of a square in pixels.
const SIDE: usize = 18;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    match picture(&name) {
        Some(svg) => std::io::stdout().write_all(svg?.as_bytes())?,
        None => return Err(format!("draw_pattern takes one of {NAMES:?}, not {name:?}").into()),
    }
    Ok(())
}

/// The pictures there are.
pub(crate) const NAMES: [&str; 8] = [
    "unstructured",
    "nm",
    "nm-outputs",
    "transposable",
    "blocks",
    "row-groups",
    "kernel-slices",
    "fan-in",
];

/// The picture of this name.
pub(crate) fn picture(name: &str) -> Option<Result<String, MaskError>> {
    let half = Density::new(0.5).ok()?;
    let quarter = Density::new(0.25).ok()?;
    let edges = Edges::Reject;
    let nm = Nm { keep: 2, of: 4 };
    let along = |along| Pattern::Nm { nm, along, edges };
    let (pattern, unit) = match name {
        "unstructured" => (Pattern::Unstructured { density: quarter }, (ROWS, COLS)),
        "nm" => (along(Lines::Inputs), (1, 4)),
        "nm-outputs" => (along(Lines::Outputs), (4, 1)),
        "transposable" => (Pattern::TransposableNm { nm, edges }, (4, 4)),
        "blocks" => {
            let block = Block { rows: 4, cols: 4 };
            let norm = BlockNorm::L1;
            let density = half;
            let pattern = Pattern::Blocks {
                block,
                norm,
                density,
                edges,
            };
            (pattern, (4, 4))
        }
        "row-groups" => (Pattern::row_groups(4, quarter, edges), (4, 1)),
        // 4 × 4 kernels, 2 input channels.
        "kernel-slices" => (Pattern::kernel_slices(16, half), (1, 16)),
        "fan-in" => (Pattern::FanIn { keep: 8 }, (1, COLS)),
        _ => return None,
    };
    Some(draw(&pattern, unit))
}

fn draw(pattern: &Pattern, unit: (usize, usize)) -> Result<String, MaskError> {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    // The sum of twelve uniform numbers is close to a normal one.
    let mut uniform = || rng.next_u32() as f32 / u32::MAX as f32;
    let weights = Array2::from_shape_simple_fn((ROWS, COLS), || {
        (0..12).map(|_| uniform()).sum::<f32>() - 6.0
    });
    let mask = pattern.project_magnitude(weights.view())?;
    let (width, height) = (COLS * SIDE + 2, ROWS * SIDE + 2);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"-1 -1 {width} {height}\">\n"
    );
    svg.push_str("<g stroke=\"#fff\">\n");
    for ((row, col), weight) in weights.indexed_iter() {
        let strength = (weight.abs() / 2.5).min(1.0);
        let shade = |dark: f32, light: f32| (light + (dark - light) * strength) as u8;
        let color = if mask.get(row, col) {
            (shade(10.0, 150.0), shade(70.0, 190.0), shade(160.0, 240.0))
        } else {
            (
                shade(170.0, 250.0),
                shade(170.0, 250.0),
                shade(170.0, 250.0),
            )
        };
        let (red, green, blue) = color;
        let (x, y) = (col * SIDE, row * SIDE);
        let _ = writeln!(
            svg,
            "<path fill=\"#{red:02x}{green:02x}{blue:02x}\" d=\"M{x} {y}h{SIDE}v{SIDE}h-{SIDE}z\"/>"
        );
    }
    svg.push_str("</g>\n<g fill=\"none\" stroke=\"#555\">\n");
    for row in (0..ROWS).step_by(unit.0) {
        for col in (0..COLS).step_by(unit.1) {
            let (x, y) = (col * SIDE, row * SIDE);
            let (width, height) = (unit.1 * SIDE, unit.0 * SIDE);
            let _ = writeln!(svg, "<path d=\"M{x} {y}h{width}v{height}h-{width}z\"/>");
        }
    }
    svg.push_str("</g>\n</svg>\n");
    Ok(svg)
}
