//! `rewire flops` and `rewire plan`: networks that are counted and not trained.

use serde_json::Value;

use crate::sandbox::Sandbox;

fn json(args: &[&str]) -> Value {
    let said = Sandbox::new().call(&[args, &["--json"]].concat());
    assert_eq!(said.status, 0, "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

/// LeNet-300-100 by hand at one half: 133 100 of 266 200 weights, 2 FLOPs each, three products a
/// step, and batch 10.
#[test]
fn the_totals_are_those_worked_by_hand() {
    let count = json(&[
        "flops",
        "mlp:784,300,100,10",
        "--sparsity",
        "0.5",
        "--allocation",
        "uniform",
        "--method",
        "rigl",
        "--batch",
        "10",
    ]);
    assert_eq!(count["parameters"], 266_610);
    assert_eq!(count["trained_values"], 133_100 + 410);
    assert_eq!(count["n_active"], 133_100);
    assert_eq!(count["search_space"], 266_200);
    assert_eq!(count["descriptive_bits"], 32 * 133_100 + 266_200);
    assert_eq!(count["forward"]["flops"], 10 * 266_200);
    let steps = &count["algorithmic"];
    assert_eq!(steps["train"]["flops"], 10 * 3 * 266_200);
    assert_eq!(steps["train"]["times_dense"], 0.5);
    assert_eq!(steps["rewire"]["flops"], 10 * (2 * 266_200 + 532_400));
    // The first layer's input gradient, 2 · 117 600 per sample, is not run.
    let executed = &count["executed"]["train"];
    assert_eq!(executed["flops"], 10 * (3 * 266_200 - 235_200));
    assert_eq!(executed["dense"], 10 * (3 * 532_400 - 470_400));
    assert_eq!(
        (&count["batch"], &count["method"]),
        (&10.into(), &"rigl".into())
    );
    assert_eq!(count["layers"].as_array().unwrap().len(), 3);
    assert_eq!(count["layers"][1]["n_active"], 15_000);
}

/// RigL's table: ERK at 0.9 costs 0.24 × dense.
#[test]
fn erk_on_resnet_50_costs_what_was_published() {
    let args = ["flops", "resnet50", "--sparsity", "0.9"];
    let count = json(&args);
    let forward = &count["forward"];
    assert_eq!(forward["dense"], 8_178_368_512u64);
    let share = forward["times_dense"].as_f64().unwrap();
    assert!((share - 0.24).abs() <= 0.01, "{share}");
    let stem = json(&[&args[..], &["--dense", "conv1,fc"]].concat());
    assert_eq!(stem["layers"][0]["n_active"], 64 * 3 * 49);
}

#[test]
fn a_transform_costs_what_the_dense_network_does() {
    let count = json(&[
        "flops",
        "mlp:784,300,100,10",
        "--transform",
        "factorized",
        "--sparsity",
        "0.9",
    ]);
    assert_eq!(count["forward"]["flops"], 532_400);
    assert_eq!(count["forward"]["times_dense"], 1.0);
    assert_eq!(count["layers"][0]["name"], "fc1.u");
    assert_eq!(count["layers"][0]["treatment"], "transformed");
    // Dense edges are no part of the search space.
    let count = json(&[
        "flops",
        "gpt3-small",
        "--transform",
        "wide",
        "--sparsity",
        "0.5",
        "--match",
        "layer",
        "--edges",
        "dense",
    ]);
    let weights = count["weights"].as_u64().unwrap();
    assert_eq!(count["search_space"], weights - 50_257 * 1092);
}

#[test]
fn a_line_per_layer_holds_what_the_object_holds() {
    let sandbox = Sandbox::new();
    let args = ["flops", "resnet18", "--sparsity", "0.8"];
    let said = sandbox.call(&[&args[..], &["--csv"]].concat());
    let count = json(&args);
    let layers = count["layers"].as_array().unwrap();
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), layers.len() + 1);
    for (line, layer) in lines[1..].iter().zip(layers) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), lines[0].split(',').count());
        assert_eq!(cells[0], layer["name"]);
        assert_eq!(cells[6], layer["n_active"].to_string());
        assert_eq!(cells[7], layer["forward_flops_per_sample"].to_string());
    }
}

#[test]
fn a_plan_shows_both_networks_side_by_side() {
    let args = [
        "plan",
        "mlp:784,300,100,10",
        "--transform",
        "wide",
        "--sparsity",
        "0.75",
    ];
    let said = Sandbox::new().call(&args);
    assert_eq!(said.status, 0, "{}", said.stderr);
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn requests_without_an_answer_say_what_there_is() {
    let sandbox = Sandbox::new();
    for (args, message, hint) in [
        (&["flops", "resnet51"][..], "there is no `resnet51`", "mlp:"),
        (
            &["flops", "resnet50", "--dense", "conv9"],
            "resnet50 has no layer `conv9`",
            "conv1, ",
        ),
        (&["flops", "resnet50", "--sparsity", "1"], "1", "[0, 1)"),
        (
            &["flops", "resnet50", "--context", "9"],
            "resnet50 does not take a context, 9 was given",
            "--help",
        ),
        (
            &[
                "flops",
                "resnet50",
                "--method",
                "dense",
                "--sparsity",
                "0.5",
            ],
            "--sparsity is 0.5, but the method is dense",
            "other than dense",
        ),
        (
            &["flops", "resnet50", "--method", "rigel"],
            "legal is one of dense, static, set, rigl, dsr",
            "--help",
        ),
        (
            &[
                "plan",
                "resnet50",
                "--transform",
                "wider",
                "--sparsity",
                "0.5",
            ],
            "legal is one of wide, parallel, factorized, doped",
            "--help",
        ),
        (
            &["flops", "resnet50", "--edges", "dense"],
            "--transform",
            "--help",
        ),
        (
            &["flops", "mlp:784,300,100,10", "--sparsity", "0.999999"],
            "without weights",
            "lower the sparsity",
        ),
        (
            &["flops", "resnet50", "--batch", "18446744073709551615"],
            "1000000000",
            "--help",
        ),
        (
            &[
                "flops",
                "resnet50",
                "--transform",
                "wide",
                "--allocation",
                "erk",
            ],
            "cannot be used with",
            "--help",
        ),
        (
            &[
                "plan",
                "mlp:784,300,100,10",
                "--transform",
                "wide",
                "--sparsity",
                "0.9",
                "--edges",
                "dense",
            ],
            "costs 1494352",
            "--edges matched",
        ),
        (
            &[
                "plan",
                "resnet18",
                "--transform",
                "parallel",
                "--sparsity",
                "0.2",
            ],
            "1.250 branches round to one",
            "higher sparsity",
        ),
    ] {
        let said = sandbox.call(args);
        assert_eq!(said.status, 2, "{args:?}: {}", said.stdout);
        assert!(said.stderr.contains(message), "{args:?}: {}", said.stderr);
        assert!(said.stderr.contains(hint), "{args:?}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{args:?}");
    }
}

/// Train, continue, look at and write out a transformed network as any other.
#[test]
fn a_transformed_network_is_trained_and_kept_like_any_other() {
    let sandbox = Sandbox::new();
    let said = sandbox.call(&[
        "train",
        "--transform",
        "doped",
        "--sparsity",
        "0.75",
        "--epochs",
        "1",
        "--out",
        "run",
        "--json",
    ]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    for args in [
        &["eval", "run"][..],
        &["inspect", "run"],
        &["export", "run"],
        &["eval", "run/model.safetensors"],
        &["inspect", "run/model.safetensors"],
        &["train", "--resume", "run"],
    ] {
        let said = sandbox.call(args);
        assert_eq!(said.status, 0, "{args:?}: {}", said.stderr);
    }
    let said = sandbox.call(&["inspect", "run/model.safetensors"]);
    assert!(said.stdout.contains("fc2.low_u.weight"), "{}", said.stdout);
    for (more, message) in [
        (
            &["--method", "dense"][..],
            "`sparsity.method` is \"dense\", but the transform is wide",
        ),
        (
            &["--allocation", "er"],
            "--allocation: `sparsity.allocation`",
        ),
        (
            &["--set", "layers.fc1.sparsity=0.5"],
            "`layers.fc1.sparsity` is 0.5",
        ),
        (&["--set", "sparsity.dense=fc3"], "`sparsity.dense`"),
    ] {
        let args = [&["train", "--transform", "wide", "--out", "other"], more].concat();
        let said = sandbox.call(&args);
        assert_eq!(said.status, 2, "{more:?}: {}", said.stderr);
        assert!(said.stderr.contains(message), "{more:?}: {}", said.stderr);
    }
}
