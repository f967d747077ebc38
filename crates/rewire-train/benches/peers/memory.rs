//! The most memory that a training process ever had, against what its active weights allow.
//!
//! The process is a whole one: it reads data, draws positions and takes steps through the trainer
//! that `rewire train` uses, on images of 48×64 pixels and random labels.

use std::fs;
use std::path::Path;

use rand::RngCore;
use rewire_rng::{Purpose, Streams};
use rewire_train::config::Config;
use rewire_train::trainer::Trainer;

use crate::Answer;

const SAMPLES: usize = 512;
const PIXELS: [usize; 2] = [48, 64];
const HIDDEN: [usize; 2] = [4096, 4096];
const CLASSES: usize = 10;
const BATCH: usize = 128;
const STEPS: usize = 4;

/// Trains in `folder` and answers `N_ACTIVE PEAK ACTIVATIONS DATA`, the last three in bytes.
pub(crate) fn measure(folder: &str, density: &str) -> Answer<String> {
    let density: f64 = crate::number(&density)?;
    let folder = Path::new(folder);
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let mut data = 0;
    for part in ["train", "t10k"] {
        data += write_part(folder, part).map_err(|error| error.to_string())?;
    }
    let text = format!(
        "threads = 1\n[data]\nsource = {folder:?}\nbatch = {BATCH}\n\
         [model]\nkind = \"mlp:{},{}\"\n\
         [sparsity]\nmethod = \"static\"\nsparsity = {}\nallocation = \"uniform\"\n",
        HIDDEN[0],
        HIDDEN[1],
        1.0 - density
    );
    let config = Config::from_toml(&text, "memory").map_err(|error| error.to_string())?;
    let mut trainer = Trainer::new(&config).map_err(|error| error.to_string())?;
    for _ in 0..STEPS {
        trainer.step_in_pool().map_err(|error| error.to_string())?;
    }
    let parameters = trainer.parameters();
    let weights = parameters
        .iter()
        .filter(|parameter| parameter.dims().len() > 1);
    let n_active: u64 = weights.map(|parameter| parameter.n_active()).sum();
    // One value and one gradient of each unit and sample.
    let units = PIXELS[0] * PIXELS[1] + HIDDEN.iter().sum::<usize>() + CLASSES;
    let activations = 2 * 4 * BATCH * units;
    Ok(format!("{n_active} {} {activations} {data}", peak()?))
}

/// Writes images and labels of one part; returns the bytes of both.
fn write_part(folder: &Path, part: &str) -> std::io::Result<usize> {
    let mut stream = Streams::new(1).stream(Purpose::Shuffle, part, 0);
    let mut images = header(3, &[SAMPLES, PIXELS[0], PIXELS[1]]);
    let mut pixels = vec![0; SAMPLES * PIXELS[0] * PIXELS[1]];
    stream.fill_bytes(&mut pixels);
    images.extend(pixels);
    let mut labels = header(1, &[SAMPLES]);
    labels.extend((0..SAMPLES).map(|_| (stream.next_u32() % CLASSES as u32) as u8));
    fs::write(folder.join(format!("{part}-images-idx3-ubyte")), &images)?;
    fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), &labels)?;
    Ok(images.len() + labels.len())
}

/// The head of an IDX file of unsigned bytes.
fn header(dimensions: u8, sizes: &[usize]) -> Vec<u8> {
    let sizes = sizes.iter().flat_map(|&size| (size as u32).to_be_bytes());
    [0, 0, 8, dimensions].into_iter().chain(sizes).collect()
}

/// The largest resident size so far, in bytes.
fn peak() -> Answer<u64> {
    let status = fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let field = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|text| text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let kilobytes = field.ok_or("this system does not tell a process's largest size")?;
    Ok(kilobytes * 1024)
}
