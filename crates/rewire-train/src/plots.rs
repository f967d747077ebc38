//! The charts of a run, as SVG: loss, accuracy, coverage and density over the epochs.
//!
//! They are drawn from the records alone, so that they can be drawn again at any time. Text is left
//! to the viewer's fonts; nothing is measured with fonts of this machine, and equal records give
//! equal files.

use std::path::Path;

use plotters::prelude::*;

use crate::disk::{DiskError, HostDisk, replace};
use crate::error::TrainError;
use crate::records::{EpochRecord, Evaluation, LayerRecord};
use crate::run_folder::{CHARTS, RunFolder};

const HEIGHT: u32 = 420;
const CHART_WIDTH: u32 = 640;
/// One line of the legend.
const ROW: i32 = 20;
/// Lines of the legend that fit beside the chart; further series are counted in the last one.
const LEGEND_ROWS: usize = 18;
/// Letters of a name that the legend shows.
const NAME_LIMIT: usize = 28;
/// Above this many epochs, points would hide the line.
const POINTS_UP_TO: usize = 50;

/// Colours that people with any colour vision can tell apart (Okabe & Ito 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 120),
];

/// Draws the charts of a run into its `plots/`; without any record nothing is drawn.
///
/// # Errors
/// [`TrainError::Plot`] if a chart cannot be drawn, [`TrainError::Io`] if it cannot be written.
pub fn draw(folder: &RunFolder, records: &[EpochRecord]) -> Result<(), TrainError> {
    if records.is_empty() {
        return Ok(());
    }
    let plots = folder.plots();
    std::fs::create_dir_all(&plots).map_err(DiskError::at("create", &plots))?;
    let charts = [
        loss(records),
        accuracy(records),
        coverage(records),
        density(records),
    ];
    for (name, chart) in CHARTS.iter().zip(charts) {
        let path = plots.join(name);
        let svg = chart.svg(&path)?;
        replace(&HostDisk, &path, svg.as_bytes())?;
    }
    Ok(())
}

/// A value per epoch under a name.
struct Series {
    name: String,
    colour: RGBAColor,
    /// Width of the line in pixels.
    width: u32,
    values: Vec<f64>,
}

impl Series {
    /// The part of the data that is number `colour` among train, valid and test.
    fn of(
        name: &str,
        colour: usize,
        records: &[EpochRecord],
        value: impl Fn(&EpochRecord) -> Option<f64>,
    ) -> Option<Self> {
        let values: Option<Vec<f64>> = records.iter().map(value).collect();
        Some(Self {
            name: name.to_owned(),
            colour: COLOURS[colour % COLOURS.len()].to_rgba(),
            width: 2,
            values: values?,
        })
    }
}

struct Chart {
    title: &'static str,
    /// What is on the vertical axis, with its unit.
    axis: &'static str,
    low: f64,
    high: f64,
    series: Vec<Series>,
}

fn loss(records: &[EpochRecord]) -> Chart {
    let series = parts(
        records,
        |record| record.train_loss,
        |valid| valid.loss,
        |record| record.test_loss,
    );
    let (low, high) = around(&series);
    Chart {
        title: "Loss",
        axis: "cross-entropy (nats)",
        low: low.max(0.0),
        high,
        series,
    }
}

fn accuracy(records: &[EpochRecord]) -> Chart {
    let series = parts(
        records,
        |record| 100.0 * record.train_accuracy,
        |valid| 100.0 * valid.accuracy,
        |record| 100.0 * record.test_accuracy,
    );
    let (low, high) = around(&series);
    Chart {
        title: "Accuracy",
        axis: "correct (%)",
        low: low.max(0.0),
        high: high.min(100.0).max(low + 0.1),
        series,
    }
}

/// The two parts every run has and the one it may have.
fn parts(
    records: &[EpochRecord],
    train: impl Fn(&EpochRecord) -> f64,
    valid: impl Fn(&Evaluation) -> f64,
    test: impl Fn(&EpochRecord) -> f64,
) -> Vec<Series> {
    let held_out = |record: &EpochRecord| record.valid.as_ref().map(&valid);
    [
        Series::of("train", 0, records, |record| Some(train(record))),
        Series::of("valid", 2, records, held_out),
        Series::of("test", 1, records, |record| Some(test(record))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn coverage(records: &[EpochRecord]) -> Chart {
    // A wide line below the others, so that it hides none of them.
    let all = Series {
        name: "all layers".to_owned(),
        colour: BLACK.mix(0.3),
        width: 7,
        values: records.iter().map(|record| record.coverage).collect(),
    };
    let mut series = vec![all];
    series.extend(layers(records, |layer| layer.coverage));
    Chart {
        title: "Explored weights",
        axis: "R_s (share ever active)",
        low: 0.0,
        high: 1.0,
        series,
    }
}

fn density(records: &[EpochRecord]) -> Chart {
    let series = layers(records, LayerRecord::density);
    let (_, high) = around(&series);
    Chart {
        title: "Density",
        axis: "active share of weights",
        low: 0.0,
        high: high.min(1.0),
        series,
    }
}

fn layers(records: &[EpochRecord], value: impl Fn(&LayerRecord) -> f64) -> Vec<Series> {
    let names = records.first().map_or(&[][..], |record| &record.layers);
    names
        .iter()
        .enumerate()
        .filter_map(|(index, layer)| {
            Series::of(&layer.name, index, records, |record| {
                record.layers.get(index).map(&value)
            })
        })
        .collect()
}

/// A range that holds all values and some air, and is never empty.
fn around(series: &[Series]) -> (f64, f64) {
    let values = || {
        series
            .iter()
            .flat_map(|series| series.values.iter().copied())
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return (0.0, 1.0);
    }
    let air = 0.05 * (high - low);
    // A constant gets a tenth of its size as air, 0 an absolute one.
    let air = if air > 1e-9 * high.abs() && air > 0.0 {
        air
    } else {
        (0.1 * high.abs()).max(0.01)
    };
    (low - air, high + air)
}

impl Chart {
    fn svg(&self, path: &Path) -> Result<String, TrainError> {
        let mut svg = String::new();
        self.draw_on(&mut svg).map_err(|error| TrainError::Plot {
            path: path.to_path_buf(),
            what: error.to_string(),
        })?;
        Ok(svg)
    }

    fn draw_on(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let legend = self.legend();
        let longest = legend.iter().map(|(name, _)| name.chars().count()).max();
        let width = CHART_WIDTH + 60 + 8 * longest.unwrap_or(0) as u32;
        let root = SVGBackend::with_string(svg, (width, HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        let (left, right) = root.split_horizontally(CHART_WIDTH);

        let epochs = self.series.iter().map(|series| series.values.len()).max();
        let epochs = epochs.unwrap_or(1) as u32;
        // One epoch stands in the middle of its axis.
        let range = if epochs == 1 { 0..2 } else { 1..epochs };
        let mut chart = ChartBuilder::on(&left)
            .caption(self.title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(70)
            .build_cartesian_2d(range, self.low..self.high)?;
        let decimals = decimals_of(self.high - self.low);
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_desc("epoch")
            .y_desc(self.axis)
            .x_labels(10)
            .y_labels(8)
            .y_label_formatter(&|value| format!("{value:.decimals$}"))
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .draw()?;
        for (index, series) in self.series.iter().enumerate() {
            let points = || (1..).zip(series.values.iter().copied());
            // What is drawn over is wider: equal values show as an edge of both colours.
            let above = match self.series.len() {
                n if n <= COLOURS.len() => (n - 1 - index).min(2) as u32,
                _ => 0,
            };
            let style = series.colour.stroke_width(series.width + 2 * above);
            chart.draw_series(LineSeries::new(points(), style))?;
            if series.values.len() <= POINTS_UP_TO {
                let size = 3 + above as i32;
                let dot = |point| Circle::new(point, size, series.colour.filled());
                chart.draw_series(points().map(dot))?;
            }
        }
        for (row, (name, line)) in (0..).zip(&legend) {
            let y = 52 + ROW * row;
            if let Some((colour, width)) = line {
                let line = vec![(8, y), (30, y)];
                right.draw(&PathElement::new(line, colour.stroke_width(*width)))?;
            }
            right.draw(&Text::new(name.clone(), (38, y - 7), ("sans-serif", 14)))?;
        }
        root.present()?;
        Ok(())
    }

    /// The lines of the legend; the last one may count what does not fit.
    fn legend(&self) -> Vec<(String, Option<(RGBAColor, u32)>)> {
        let shown = match self.series.len() {
            n if n <= LEGEND_ROWS => n,
            _ => LEGEND_ROWS - 1,
        };
        let mut rows: Vec<_> = self.series[..shown]
            .iter()
            .map(|series| {
                (
                    shortened(&series.name),
                    Some((series.colour, series.width + 1)),
                )
            })
            .collect();
        if shown < self.series.len() {
            rows.push((format!("and {} more", self.series.len() - shown), None));
        }
        rows
    }
}

/// The end of a long name, where names differ.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= NAME_LIMIT {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length - NAME_LIMIT + 1).collect();
    format!("…{end}")
}

/// Decimals that tell the ticks of a range apart.
fn decimals_of(span: f64) -> usize {
    (1.0 - span.log10().floor()).clamp(0.0, 12.0) as usize
}
