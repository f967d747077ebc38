//! `rewire tune`: a table that a run takes over into its configuration.

use crate::sandbox::Sandbox;

#[test]
fn a_measured_table_is_a_configuration_beside_others() {
    let sandbox = Sandbox::new();
    let tuned = sandbox.call(&["tune", "--threads", "1", "--sides", "9,5", "--batches", "3"]);
    assert_eq!(tuned.status, 0, "{}", tuned.stderr);
    assert_eq!(tuned.stderr.lines().count(), 2, "{}", tuned.stderr);
    assert!(
        tuned.stdout.starts_with("crossover = [[25, 3, "),
        "{}",
        tuned.stdout
    );
    sandbox.write("machine.toml", &tuned.stdout);
    sandbox.write("run.toml", "[schedule]\nepochs = 3\n");
    let files = ["--config", "machine.toml", "--config", "run.toml"];
    let plan = sandbox.call(&[&["train", "--dry-run"][..], &files].concat());
    assert_eq!(plan.status, 0, "{}", plan.stderr);
    assert!(plan.stdout.contains(&tuned.stdout), "{}", plan.stdout);
    assert!(plan.stdout.contains("epochs = 3\n"), "{}", plan.stdout);
}

#[test]
fn the_table_decides_unless_it_is_overridden() {
    let sandbox = Sandbox::new();
    let kernels = |products: &str| {
        let table = "crossover=[[1000,32,0.5,0.05,0]]";
        let set = ["--set", table, "--set", products];
        let plan = sandbox.call(&[&["train", "--dry-run"][..], &set].concat());
        assert_eq!(plan.status, 0, "{}", plan.stderr);
        let line = plan
            .stdout
            .lines()
            .find(|line| line.starts_with("# kernels"));
        line.unwrap_or_default().to_owned()
    };
    let mixed = "fc1.weight tiled (forward), dense (input gradient), dense (weight gradient); fc2";
    assert!(
        kernels("products=auto").contains(mixed),
        "{}",
        kernels("products=auto")
    );
    for word in ["tiled", "dense", "plain"] {
        let line = kernels(&format!("products={word}"));
        assert!(line.contains(&format!("fc1.weight {word}; fc2")), "{line}");
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let sandbox = Sandbox::new();
    for arguments in [["--sides", "0"], ["--batches", "16385"], ["--sides", "x"]] {
        let outcome = sandbox.call(&[&["tune"][..], &arguments].concat());
        assert_eq!(outcome.status, 2, "{arguments:?}");
    }
}
