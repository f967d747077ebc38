//! Each kernel alone, by the clock of the GPU.
//!
//! A turn is one launch on each of several sets of buffers, so many that together they are more than
//! three times the second-level cache; its time is divided by their number. The first turns warm up,
//! the median of the others is taken. Bytes that are copied and dense products of cuBLASLt run in turns
//! with the kernel, so that a change of the clocks meets all. Before a time is taken, what every one of
//! them left is compared with an oracle.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rewire_cuda::kernels::{Access, Call, Copy, Element};
use rewire_cuda::{Buffer, CublasLt, Device, DeviceError, Gpu, GpuMemory, Operand, Part, Rows};

use super::data::{Data, Shape};
use super::peer;
use super::rows::{Row, line, title};
use super::work::Work;
use super::{file_name, root};

/// Outputs, tokens and inputs: squares, then layers of large language models.
const SHAPES: [Shape; 6] = [
    Shape([4096, 4096, 4096]),
    Shape([8192, 8192, 8192]),
    Shape([16384, 16384, 16384]),
    Shape([14336, 8192, 4096]),
    Shape([4096, 8192, 14336]),
    Shape([28672, 8192, 8192]),
];

/// What does not count: so many turns, and as many more as fill so many seconds.
const WARM_TURNS: usize = 3;
const WARM_SECONDS: f64 = 0.1;

/// More sets of buffers than this are not made, however small they are.
const MOST_SETS: u64 = 64;

/// Where the results go, relative to the root, in a folder for each kind of device.
const RECORDS: &str = "bench/record";

/// The Python that is asked for cuSPARSELt.
const PYTHON: &str = "python3";

/// Options of `cargo xtask gpu bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this kernel.
    #[arg(long, value_name = "NAME", value_parser = work)]
    kernel: Option<Work>,
    /// Only this shape: outputs, tokens, inputs. Kernels of one matrix take outputs × inputs.
    #[arg(long, value_name = "M,N,K")]
    shape: Option<Shape>,
    /// Turns that count.
    #[arg(long, value_name = "R", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// The type of the numbers.
    #[arg(long, value_name = "TYPE", default_value = "bf16", value_parser = element)]
    element: Element,
    /// A Python whose PyTorch has cuSPARSELt, to be timed beside the sparse products.
    #[arg(long, value_name = "PATH", default_value = PYTHON)]
    python: String,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            kernel: None,
            shape: None,
            repeat: 20,
            element: Element::Bf16,
            python: PYTHON.to_owned(),
        }
    }
}

fn element(text: &str) -> Result<Element> {
    let named = Element::ALL
        .into_iter()
        .find(|element| element.name() == text);
    named.with_context(|| format!("`{text}` is neither bf16 nor f16"))
}

fn work(text: &str) -> Result<Work> {
    let names: Vec<&str> = Work::all().map(Work::name).collect();
    let named = Work::all().find(|work| work.name() == text);
    named.with_context(|| format!("there are {}", names.join(", ")))
}

/// Something to time: a call on sets of buffers.
struct Candidate<'a> {
    call: Call,
    /// In place of our own kernel.
    blas: Option<&'a CublasLt>,
    sets: Vec<Vec<Buffer<GpuMemory>>>,
    seconds: Vec<f64>,
}

/// Times what is asked for, prints a table and writes a CSV; `true` if every answer was right.
pub(super) fn run(gpu: &Gpu, arguments: &Arguments, out: Option<&Path>) -> Result<bool> {
    // A driver without the clock is told before anything else is done.
    gpu.timed(|| Ok(()))?;
    let blas = CublasLt::open(gpu)
        .inspect_err(|reason| println!("without cuBLASLt: {reason}"))
        .ok();
    let works = arguments
        .kernel
        .map_or_else(|| Work::all().collect(), |work| vec![work]);
    let shapes = arguments.shape.map_or(SHAPES.to_vec(), |shape| vec![shape]);
    let peers = if works.iter().any(|work| work.is_sparse_product()) {
        let (element, repeat) = (arguments.element, arguments.repeat);
        let (peers, missing) = peer::run(&arguments.python, element, repeat, &shapes);
        if let Some(reason) = missing {
            println!("without cuSPARSELt: {reason:#}");
        }
        peers
    } else {
        Vec::new()
    };
    let (mut rows, mut agrees) = (Vec::<Row>::new(), true);
    println!("{}", title());
    let mut broken = Ok(());
    'shapes: for shape in shapes {
        let data = Data::new(arguments.element, shape)?;
        for &work in &works {
            match time(gpu, blas.as_ref(), arguments.repeat, shape, &data, work) {
                Ok(mut row) => {
                    let peer = peer::of(&peers, shape).filter(|_| work.is_sparse_product());
                    row.to_cusparselt = peer.map(|peer| peer.seconds / row.seconds);
                    println!("{}", line(&row));
                    rows.push(row);
                }
                Err(error) => match error.downcast_ref() {
                    Some(DeviceError::OutOfMemory { bytes }) => {
                        println!("{:<22} {shape}: no room for {bytes} bytes", work.name());
                    }
                    // After a failed call the device may do nothing any more.
                    Some(DeviceError::Call { .. }) => {
                        broken = Err(error);
                        break 'shapes;
                    }
                    // A wrong answer, or a text that does not compile, has no time.
                    _ => {
                        eprintln!("error: {} {shape}: {error:#}", work.name());
                        agrees = false;
                    }
                },
            }
            gpu.trim()?;
        }
    }
    // A part would take the place of the whole.
    let is_whole = arguments.kernel.is_none()
        && arguments.shape.is_none()
        && arguments.element == Element::Bf16;
    if !is_whole && out.is_none() {
        return broken.map(|()| agrees);
    }
    let own = || root().join(RECORDS).join(file_name(&gpu.facts().name));
    let folder = out.map_or_else(own, Path::to_path_buf);
    std::fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    let facts = folder.join("device.txt");
    std::fs::write(&facts, format!("{:#?}\n", gpu.facts()))
        .with_context(|| format!("{}", facts.display()))?;
    let path = folder.join("kernels.csv");
    let mut file = csv::Writer::from_path(&path).with_context(|| format!("{}", path.display()))?;
    for row in &rows {
        file.serialize(row)?;
    }
    file.flush()?;
    println!("written to {}", path.display());
    broken.map(|()| agrees)
}

/// Times one kernel beside a copy of as many bytes and, if it multiplies, beside cuBLASLt.
fn time(
    gpu: &Gpu,
    blas: Option<&CublasLt>,
    repeat: u32,
    shape: Shape,
    data: &Data,
    work: Work,
) -> Result<Row> {
    let Shape([out, tokens, inner]) = shape;
    let call = work.call(data)?;
    let cache = u64::from(gpu.facts().l2_bytes);
    let sets = (3 * cache / call.bytes().max(1) + 2).min(MOST_SETS);
    let copied = data.bytes(call.bytes() / 32 * 16);
    let copy = Copy {
        bytes: call.bytes() / 2,
    };
    let mut candidates = vec![
        Candidate::new(gpu, call, &work.inputs(data), None, sets)?,
        Candidate::new(gpu, copy.call()?, &[&copied], None, sets)?,
    ];
    let mut works = vec![Some(work), None];
    if let (Some(blas), Some(dense)) = (blas, work.dense()) {
        let (call, inputs) = (dense.call(data)?, dense.inputs(data));
        let mut candidate = Candidate::new(gpu, call, &inputs, Some(blas), sets)?;
        match candidate.turn(gpu) {
            Ok(_) => {
                candidates.push(candidate);
                works.push(Some(dense));
            }
            Err(reason) => println!("without cuBLASLt on {shape}: {reason:#}"),
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (candidate, work) in candidates.iter_mut().zip(works) {
        candidate.turn(gpu)?;
        let left = candidate.outputs(gpu)?;
        match work {
            Some(work) => work
                .check(data, &left, &mut rng)
                .context(candidate.blas.map_or("the kernel", |_| "cuBLASLt"))?,
            None => ensure!(left == [copied.as_slice()], "the copy differs"),
        }
    }
    let start = Instant::now();
    let mut warm = 0;
    while warm < WARM_TURNS || start.elapsed().as_secs_f64() < WARM_SECONDS {
        for candidate in &mut candidates {
            candidate.turn(gpu)?;
        }
        warm += 1;
    }
    for _ in 0..repeat {
        for candidate in &mut candidates {
            let seconds = candidate.turn(gpu)?;
            candidate.seconds.push(seconds);
        }
    }
    let [low, seconds, high] = quartiles(candidates[0].seconds.clone());
    let ratio = |other: &Candidate<'_>| {
        let pairs = other.seconds.iter().zip(&candidates[0].seconds);
        quartiles(pairs.map(|(other, own)| other / own).collect())[1]
    };
    let call = &candidates[0].call;
    let giga_bytes = call.bytes() as f64 / seconds * 1e-9;
    Ok(Row {
        kernel: work.name(),
        element: data.element.name(),
        out,
        tokens,
        inner,
        repeat,
        sets,
        seconds,
        seconds_low: low,
        seconds_high: high,
        tera_flops: (call.flops() > 0).then(|| call.flops() as f64 / seconds * 1e-12),
        giga_bytes,
        // Both move the same number of bytes but for the last 32.
        of_copy: ratio(&candidates[1]),
        to_cublaslt: candidates.get(2).map(ratio),
        to_cusparselt: None,
    })
}

impl<'a> Candidate<'a> {
    fn new(
        gpu: &Gpu,
        call: Call,
        inputs: &[&[u8]],
        blas: Option<&'a CublasLt>,
        sets: u64,
    ) -> Result<Self> {
        let mut all = Vec::new();
        for _ in 0..sets {
            let (mut buffers, mut inputs) = (Vec::new(), inputs.iter());
            for need in call.needs() {
                buffers.push(match need.access {
                    Access::Read => {
                        let bytes = inputs.next().context("an input is missing")?;
                        gpu.upload(bytes, Rows::one(need.bytes))?
                    }
                    // Not what another kernel left there, which may be the right answer.
                    Access::Write | Access::Update => gpu.zeros(need.bytes)?,
                });
            }
            all.push(buffers);
        }
        Ok(Self {
            call,
            blas,
            sets: all,
            seconds: Vec::new(),
        })
    }

    /// One launch on each set; seconds of one. A launch on the last set goes before, so that the clock does
    /// not begin on a device that waits for work; the first sets stay out of the cache.
    fn turn(&mut self, gpu: &Gpu) -> Result<f64> {
        let Self {
            call, blas, sets, ..
        } = self;
        let count = sets.len() as f64;
        if let Some(last) = sets.last_mut() {
            launch(gpu, call, *blas, last)?;
        }
        let ((), taken) = gpu.timed(|| {
            sets.iter_mut()
                .try_for_each(|buffers| launch(gpu, call, *blas, buffers))
        })?;
        Ok(taken.as_secs_f64() / count)
    }

    /// What lies in the outputs of the last set.
    fn outputs(&self, gpu: &Gpu) -> Result<Vec<Vec<u8>>> {
        let mut left = Vec::new();
        let last = self.sets.last().context("there are no buffers")?;
        for (buffer, need) in last.iter().zip(self.call.needs()) {
            if need.access != Access::Read {
                let mut bytes = vec![0; need.bytes as usize];
                gpu.download(Part::whole(buffer), Rows::one(need.bytes), &mut bytes)?;
                left.push(bytes);
            }
        }
        Ok(left)
    }
}

/// One launch, by cuBLASLt if there is one.
fn launch(
    gpu: &Gpu,
    call: &Call,
    blas: Option<&CublasLt>,
    buffers: &mut [Buffer<GpuMemory>],
) -> Result<(), DeviceError> {
    let mut operands = Operand::for_call(call, buffers);
    match blas {
        Some(blas) => blas.run(call, &mut operands),
        None => gpu.run(call, &mut operands),
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    [at(last / 4), at(last / 2), at(last - last / 4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_types_are_read_or_refused() {
        assert_eq!("1,2,3".parse::<Shape>().unwrap(), Shape([1, 2, 3]));
        for wrong in ["1,2", "1,2,3,4", "a,b,c", "", "1;2;3", "-1,2,3"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong}");
        }
        assert_eq!(element("f16").unwrap(), Element::F16);
        assert!(element("f32").is_err());
    }
}
