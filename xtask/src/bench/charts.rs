//! The record as pictures: cost against density, and cost against the work there is.
//!
//! Both are drawn from the record alone, on logarithmic axes, on which a cost in proportion to the
//! active weights is a line of slope 1. Text is left to the viewer's fonts.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

use super::cases::OWN;
use super::record::{Record, Row};

const HEIGHT: u32 = 460;
const CHART_WIDTH: u32 = 640;
const LEGEND_WIDTH: u32 = 230;
/// One line of the legend.
const ROW: i32 = 22;

/// Colours that people with any colour vision can tell apart (Okabe & Ito 2008).
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(120, 120, 120),
];

/// Draws what the record has rows for.
pub(super) fn draw(folder: &Path, record: &Record) -> Result<()> {
    for (name, chart) in [
        ("density.svg", cost_against_density(record)),
        ("work.svg", cost_against_work(record)),
    ] {
        if chart.series.iter().all(|series| series.points.is_empty()) {
            continue;
        }
        let svg = chart.svg().with_context(|| format!("drawing {name}"))?;
        fs::write(folder.join(name), svg).with_context(|| format!("writing {name}"))?;
    }
    Ok(())
}

struct Series {
    name: String,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
    /// What the points are compared with, as a ring.
    ring: Option<(f64, f64)>,
}

struct Chart {
    title: &'static str,
    across: &'static str,
    up: &'static str,
    series: Vec<Series>,
}

/// A training step of the network, over its density.
fn cost_against_density(record: &Record) -> Chart {
    let named = [
        (OWN, "rewire"),
        ("own-dense", "rewire, dense storage"),
        ("torch-dense", "PyTorch, dense"),
        ("torch-masked", "PyTorch, masked"),
    ];
    let series = named
        .iter()
        .zip(COLOURS)
        .map(|(&(candidate, name), colour)| {
            let rows = record
                .rows
                .iter()
                .filter(|row| row.part == "step" || row.part == "size")
                .filter(|row| row.product == "step" && row.candidate == candidate);
            let mut points: Vec<(f64, f64)> = Vec::new();
            for row in rows {
                // What both parts measured is taken from the one with peers, which comes first.
                if !points.iter().any(|point| point.0 == row.density) {
                    points.push((row.density, 1e3 * row.seconds));
                }
            }
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Series {
                name: name.to_owned(),
                colour,
                points,
                ring: None,
            }
        });
    Chart {
        title: "Training step, 3072-4096-4096-10, batch 128, 1 thread",
        across: "density (share of weights that are active)",
        up: "time per step (ms)",
        series: series.collect(),
    }
}

/// The three products of each layer, over the multiply-adds that its active weights ask for.
fn cost_against_work(record: &Record) -> Chart {
    let rows = |candidate: &'static str| {
        record
            .part("product")
            .filter(move |row| row.product == "all" && row.candidate == candidate)
    };
    let mut series: Vec<Series> = Vec::new();
    for row in rows(OWN) {
        let name = format!("rewire, {}", row.shape);
        let point = (work(row, row.n_active as f64), 1e3 * row.seconds);
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => series.push(Series {
                name,
                colour: COLOURS[series.len() % COLOURS.len()],
                points: vec![point],
                ring: None,
            }),
        }
    }
    // Dense products do all of the work whatever the density: one ring, at their least time.
    for row in rows("best-dense") {
        let all = (
            work(row, row.n_active as f64 / row.density),
            1e3 * row.seconds,
        );
        let name = format!("rewire, {}", row.shape);
        if let Some(series) = series.iter_mut().find(|series| series.name == name)
            && series.ring.is_none_or(|ring| all.1 < ring.1)
        {
            series.ring = Some(all);
        }
    }
    Chart {
        title: "Forward pass and both gradients of a layer, 1 thread",
        across: "multiply-adds of the active weights (millions)",
        up: "time (ms)",
        series,
    }
}

/// Millions of multiply-adds of three products with this many weights.
fn work(row: &Row, weights: f64) -> f64 {
    let samples = row.shape.split('x').next().and_then(|n| n.parse().ok());
    3e-6 * weights * samples.unwrap_or(1.0)
}

impl Chart {
    fn svg(&self) -> Result<String> {
        let mut svg = String::new();
        self.draw_on(&mut svg).map_err(|error| anyhow!("{error}"))?;
        Ok(svg)
    }

    fn draw_on(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let size = (CHART_WIDTH + LEGEND_WIDTH, HEIGHT);
        let root = SVGBackend::with_string(svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let (left, right) = root.split_horizontally(CHART_WIDTH);
        let points = || {
            let rings = self.series.iter().filter_map(|series| series.ring.as_ref());
            let points = self.series.iter().flat_map(|series| &series.points);
            points.chain(rings)
        };
        let (across, up) = (
            around(points().map(|point| point.0)),
            around(points().map(|point| point.1)),
        );
        let mut chart = ChartBuilder::on(&left)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .margin_right(24)
            .x_label_area_size(48)
            .y_label_area_size(66)
            .build_cartesian_2d(across.log_scale(), up.log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(BLACK.mix(0.06))
            .bold_line_style(BLACK.mix(0.18))
            .x_desc(self.across)
            .y_desc(self.up)
            .x_label_formatter(&|value| label(*value))
            .y_label_formatter(&|value| label(*value))
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .draw()?;
        for series in &self.series {
            let style = series.colour.stroke_width(2);
            chart.draw_series(LineSeries::new(series.points.iter().copied(), style))?;
            let ring = |point| Circle::new(point, 6, style);
            chart.draw_series(series.ring.into_iter().map(ring))?;
            let dot = |&point: &(f64, f64)| Circle::new(point, 4, series.colour.filled());
            chart.draw_series(series.points.iter().map(dot))?;
        }
        let shown = self
            .series
            .iter()
            .filter(|series| !series.points.is_empty());
        let mut y = 60;
        for series in shown {
            let line = vec![(4, y), (28, y)];
            right.draw(&PathElement::new(line, series.colour.stroke_width(2)))?;
            right.draw(&Circle::new((16, y), 4, series.colour.filled()))?;
            let style = ("sans-serif", 14);
            right.draw(&Text::new(series.name.clone(), (36, y - 7), style))?;
            y += ROW;
        }
        if self.series.iter().any(|series| series.ring.is_some()) {
            right.draw(&Circle::new((16, y), 6, BLACK.stroke_width(2)))?;
            let style = ("sans-serif", 14);
            right.draw(&Text::new("best dense, all weights", (36, y - 7), style))?;
        }
        root.present()?;
        Ok(())
    }
}

/// The range from below the least to above the largest value, ending at 1, 2 or 5 of a power of ten.
fn around(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let steps = |power: f64| [1.0, 2.0, 5.0, 10.0].map(|step| step * 10f64.powf(power));
    // Decimals such as 0.1 are no exact powers; a value on a step is not outside it.
    let slack = 1.0 + 1e-9;
    let mut below = steps(low.log10().floor()).into_iter();
    let low = below.rfind(|step| *step <= low * slack).unwrap_or(low);
    let mut above = steps((high / slack).log10().floor()).into_iter();
    let high = above.find(|step| *step * slack >= high).unwrap_or(high);
    if low < high {
        low..high
    } else {
        low..10.0 * low
    }
}

/// A power of ten as people write it.
fn label(value: f64) -> String {
    if value >= 1.0 {
        format!("{value:.0}")
    } else {
        let decimals = (-value.log10()).ceil() as usize;
        format!("{value:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (values, (low, high)) in [
            ([0.03, 3.0], (0.02, 5.0)),
            ([0.1, 1.0], (0.1, 1.0)),
            ([7.0, 640.0], (5.0, 1000.0)),
            ([1.0, 1.0], (1.0, 10.0)),
        ] {
            let range = around(values.into_iter());
            let off = (range.start / low - 1.0).abs() + (range.end / high - 1.0).abs();
            assert!(off < 1e-6, "{values:?}: {range:?}");
        }
    }

    #[test]
    fn labels_have_the_digits_they_need() {
        for (value, text) in [(1000.0, "1000"), (1.0, "1"), (0.1, "0.1"), (0.001, "0.001")] {
            assert_eq!(label(value), text);
        }
    }
}
