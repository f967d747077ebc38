//! Budgets, columns and coverage after every step of a real run.

use rewire_train::trainer::Trainer;

use crate::{METHODS, config};

#[test]
fn budgets_hold_and_columns_fit_after_every_step() {
    for (method, more) in METHODS {
        let mut trainer = Trainer::new(&config(method, more)).unwrap();
        let layers = |trainer: &Trainer| -> Vec<u64> {
            let weights = trainer.parameters().iter().filter(|p| p.dims().len() == 2);
            weights.map(|parameter| parameter.n_active()).collect()
        };
        let start = layers(&trainer);
        // 784 digits-sized inputs: 64·20 + 20·12 + 12·10 = 1640 weights, 164 of them at 0.9.
        let budget = if method == "dense" { 1640 } else { 164 };
        let mut moved = false;
        for _ in 0..trainer.total_steps() {
            trainer.step_in_pool().unwrap();
            let now = layers(&trainer);
            assert_eq!(now.iter().sum::<u64>(), budget, "{method}");
            if method != "dsr" {
                assert_eq!(now, start, "{method} keeps each layer's share");
            }
            moved |= now != start;
            for parameter in trainer.parameters().iter() {
                assert_eq!(parameter.values().len(), parameter.stored());
                for column in parameter.columns() {
                    assert_eq!(column.len(), parameter.stored(), "{}", parameter.name());
                }
            }
        }
        assert_eq!(
            moved,
            method == "dsr",
            "only DSR moves weights between layers"
        );
    }
}
