//! One dependency for a program that shares a budget, trains a few steps and counts FLOPs.

use rewire::mask::{Allocation, Density, LayerDims, allocate};
use rewire::train::config::ConfigBuilder;
use rewire::train::trainer::Trainer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = ConfigBuilder::new()
        .set("sparsity.method=dsr")?
        .set("sparsity.sparsity=0.95")?
        .build()?;
    let mut trainer = Trainer::new(&config)?;
    let layers = [("fc1", [300, 64]), ("fc2", [100, 300]), ("fc3", [10, 100])];
    let layers = layers
        .each_ref()
        .map(|(name, dims)| LayerDims { name, dims });
    let budget = allocate(&layers, Density::from_sparsity(0.95)?, Allocation::Erk)?;
    let cost = trainer.cost().clone();
    let active: Vec<u64> = cost
        .layers
        .iter()
        .map(|layer| layer.cost.n_active)
        .collect();
    assert_eq!(active, budget);

    let first = trainer.step()?.loss;
    let mut last = first;
    for _ in 0..60 {
        last = trainer.step()?.loss;
    }
    assert!(last < 0.7 * first, "{first} fell to {last} only");
    let ratio = cost.f_sparse() as f64 / cost.f_dense() as f64;
    println!("rewire: loss {first:.2} to {last:.2} at {ratio:.3} of the dense cost");
    Ok(())
}
