//! Requests that cannot be met: each is refused before anything is written.

use crate::sandbox::{SMALL, Sandbox};

/// Every row: arguments after `train`, exit status, what the answer must contain.
#[test]
fn a_wrong_word_or_number_is_answered_with_the_legal_ones() {
    let rows: &[(&[&str], i32, &[&str])] = &[
        // Arguments that the program does not have.
        (&["--sparsty", "0.9"], 2, &["--sparsty", "--sparsity"]),
        (&["extra"], 2, &["extra"]),
        (&["--epochs"], 2, &["--epochs"]),
        (&["--resume", "a", "--out", "b"], 2, &["--resume", "--out"]),
        (
            &["--resume", "a", "--overwrite"],
            2,
            &["--resume", "--overwrite"],
        ),
        (&["--overwrite"], 2, &["--out"]),
        // Keys, with the nearest legal one.
        (
            &["--set", "sparsity.sparsty=0.5"],
            2,
            &[
                "--set",
                "`sparsity.sparsty`",
                "did you mean `sparsity.sparsity`",
            ],
        ),
        (
            &["--set", "scheduel.lr=0.5"],
            2,
            &["`scheduel.lr`", "did you mean `schedule.lr`"],
        ),
        (
            &["--set", "seed"],
            2,
            &["`seed` is not of the form key=value"],
        ),
        (
            &["--set", "layers.fc9.sparsity=0.5"],
            2,
            &["`fc9`", "did you mean", "fc1, fc2, fc3"],
        ),
        // Values.
        (&["--sparsity", "1"], 2, &["--sparsity", "is 1", "[0, 1)"]),
        (
            &["--sparsity", "-0.1"],
            2,
            &["--sparsity", "is -0.1", "[0, 1)"],
        ),
        (
            &["--sparsity", "1.5"],
            2,
            &["--sparsity", "is 1.5", "[0, 1)"],
        ),
        (&["--sparsity", "nan"], 2, &["--sparsity", "nan", "[0, 1)"]),
        (&["--sparsity", "most"], 2, &["--sparsity", "most"]),
        (
            &["--method", "rigel"],
            2,
            &[
                "--method",
                "rigel",
                "did you mean `rigl`",
                "dense, static, set, rigl, dsr",
            ],
        ),
        (
            &["--allocation", "ekr"],
            2,
            &["--allocation", "uniform, er, erk"],
        ),
        (
            &["--model", "cnn:3"],
            2,
            &["--model", "cnn:3", "mlp:300,100"],
        ),
        (&["--model", "mlp:0"], 2, &["--model", "mlp:0", "from 1 to"]),
        (&["--epochs", "0"], 2, &["--epochs", "is 0", "from 1"]),
        (&["--batch", "0"], 2, &["--batch", "is 0", "from 1"]),
        (&["--lr", "0"], 2, &["--lr", "[1.2e-38, 3.4e38]"]),
        (&["--lr", "inf"], 2, &["--lr", "inf", "[1.2e-38, 3.4e38]"]),
        // Beyond single precision: it would be ∞ or 0 where it is used.
        (&["--lr", "1e39"], 2, &["1e39", "for example --lr 0.05"]),
        (&["--lr", "1e-46"], 2, &["1e-46", "for example --lr 0.05"]),
        (&["--seed", "-1"], 2, &["--seed", "is -1"]),
        (
            &["--optimizer", "adam"],
            2,
            &["--optimizer", "did you mean `adamw`"],
        ),
        (&["--threads", "100000"], 2, &["--threads", "4096"]),
        (&["--valid", "1438"], 2, &["digits", "1438", "1437"]),
        // Values that contradict each other or the model.
        (
            &["--method", "dense", "--sparsity", "0.9"],
            2,
            &["--sparsity", "0.9", "dense"],
        ),
        (
            &["--method", "dense", "--sparsity", "0"],
            2,
            &["--sparsity", "dense"],
        ),
        (
            &["--set", "sparsity.dense=fc7"],
            2,
            &["`fc7`", "fc1, fc2, fc3"],
        ),
        (&["--sparsity", "0.99999"], 2, &["fc", "lower the sparsity"]),
        (
            &["--sparsity", "0.9998", "--allocation", "uniform"],
            2,
            &["fc3"],
        ),
    ];
    for (arguments, status, fragments) in rows {
        let sandbox = Sandbox::new();
        let mut line = vec!["train"];
        line.extend(*arguments);
        println!("{line:?}");
        sandbox.call(&line).is_refused(*status, fragments);
        let left = sandbox.contents("");
        assert!(left.is_empty(), "{line:?} left {left:?}");
    }
}

#[test]
fn a_configuration_file_is_refused_with_its_name_and_line() {
    let rows: &[(&str, &[u8], i32, &[&str])] = &[
        (
            "unknown key",
            b"seed = 1\n[rewire]\nevry = 3\n",
            2,
            &["run.toml:3", "`rewire.evry`", "did you mean `rewire.every`"],
        ),
        (
            "unknown section",
            b"[optimiser]\nkind = \"sgd\"\n",
            2,
            &["run.toml", "optimiser"],
        ),
        (
            "range",
            b"[sparsity]\nsparsity = 1.0\n",
            2,
            &["run.toml:2", "`sparsity.sparsity`", "[0, 1)"],
        ),
        (
            "type",
            b"[schedule]\nepochs = \"many\"\n",
            2,
            &["run.toml:2", "`schedule.epochs`", "many"],
        ),
        (
            "no key of a layer",
            b"[layers.\"fc9\"]\nstorage = \"dense\"\n",
            2,
            &["run.toml:2", "`layers.fc9.storage`", "layers.fc9.sparsity"],
        ),
        (
            "layer as a number",
            b"[layers]\nfc1 = 0.9\n",
            2,
            &["run.toml:2", "`sparsity = 0.98` under [layers.\"fc1\"]"],
        ),
        ("syntax", b"[schedule\nepochs = 3\n", 2, &["run.toml:1"]),
        ("twice", b"seed = 1\nseed = 2\n", 2, &["run.toml:2"]),
        ("text", b"\xff\xfe", 65, &["run.toml", "UTF-8", "byte 0"]),
        (
            "length",
            &[b'#'; (1 << 20) + 1],
            65,
            &["run.toml", "1048576"],
        ),
    ];
    for (name, bytes, status, fragments) in rows {
        println!("{name}");
        let sandbox = Sandbox::new();
        sandbox.write("run.toml", bytes);
        sandbox
            .call(&["train", "--config", "run.toml"])
            .is_refused(*status, fragments);
    }
    let sandbox = Sandbox::new();
    sandbox
        .call(&["train", "--config", "missing.toml"])
        .is_refused(74, &["missing.toml"]);
    sandbox.write("folder/x", b"");
    sandbox
        .call(&["train", "--config", "folder"])
        .is_refused(65, &["folder", "not a regular file"]);
}

#[test]
fn a_folder_that_holds_something_is_left_as_it_is() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1", "--out", "a"];
    line.extend(SMALL);
    sandbox.train(&line);
    let before = sandbox.contents("a");
    line.insert(0, "train");
    sandbox
        .call(&line)
        .is_refused(2, &["a is not empty", "--resume", "--overwrite"]);
    assert_eq!(sandbox.contents("a"), before);

    // What cannot be built does not cost the run it was to replace.
    let mut impossible = line.clone();
    impossible.extend(["--overwrite", "--data", "nowhere"]);
    sandbox.call(&impossible).is_refused(74, &["nowhere"]);
    assert_eq!(sandbox.contents("a"), before);

    // Neither does a folder in which something else lies.
    sandbox.write("a/thesis.tex", b"\\begin{document}");
    let before = sandbox.contents("a");
    line.push("--overwrite");
    sandbox
        .call(&line)
        .is_refused(2, &["a holds thesis.tex", "nothing was removed"]);
    assert_eq!(sandbox.contents("a"), before);
    // What the refusal without --overwrite advises is what is left to do.
    line.pop();
    let refusal = sandbox.call(&line);
    refusal.is_refused(2, &["a is not empty: it holds thesis.tex", "--resume"]);
    assert!(
        !refusal.stderr.contains("--overwrite"),
        "{}",
        refusal.stderr
    );
    sandbox.train(&["--resume", "a"]);

    sandbox.write("file", b"");
    sandbox
        .call(&["train", "--out", "file"])
        .is_refused(2, &["file", "it is a file", "--out"]);
    sandbox
        .call(&["train", "--out", "file/a"])
        .is_refused(74, &["cannot create file/a"]);
}

#[test]
fn another_architecture_method_or_length_is_refused_with_the_difference() {
    let sandbox = Sandbox::new();
    let mut line = vec!["--epochs", "1", "--out", "a", "--seed", "3"];
    line.extend(SMALL);
    sandbox.train(&line);
    let before = sandbox.contents("a");
    let rows: &[(&[&str], &[&str])] = &[
        (
            &["--model", "mlp:24,8"],
            &["`model.kind`", "mlp:24", "mlp:24,8"],
        ),
        (&["--method", "set"], &["`sparsity.method`", "rigl", "set"]),
        (&["--epochs", "2"], &["`schedule.epochs`", "1", "2"]),
        (&["--seed", "4"], &["`seed`", "3", "4"]),
        (
            &["--set", "rewire.every=5", "--lr", "0.5"],
            &["`rewire.every`", "`schedule.lr`", "0.05", "0.5"],
        ),
    ];
    for (arguments, fragments) in rows {
        let mut line = vec!["train", "--resume", "a"];
        line.extend(*arguments);
        println!("{line:?}");
        sandbox.call(&line).is_refused(2, fragments);
        assert_eq!(sandbox.contents("a"), before);
    }
}

#[test]
fn only_the_folder_of_a_run_can_be_resumed_evaluated_or_inspected() {
    let sandbox = Sandbox::new();
    sandbox.write("other/notes.txt", b"");
    for command in [&["train", "--resume"][..], &["eval"], &["inspect"]] {
        let call = |path| sandbox.call(&[command, &[path]].concat());
        call("nowhere").is_refused(74, &["cannot read nowhere", "check the path"]);
        call("other").is_refused(2, &["other", "last.safetensors"]);
    }
    sandbox
        .call(&["eval", "other/notes.txt"])
        .is_refused(65, &["other/notes.txt"]);
    sandbox.call(&["eval"]).is_refused(2, &["RUN|FILE"]);
    sandbox
        .call(&["eval", "a", "--threads", "many"])
        .is_refused(2, &["many", "--threads"]);
    sandbox
        .call(&["evaluate"])
        .is_refused(2, &["evaluate", "eval"]);
}

/// Weights this large overflow within a few steps.
#[test]
fn a_run_that_diverges_says_where_and_keeps_its_last_good_checkpoint() {
    let sandbox = Sandbox::new();
    let mut line = vec!["train", "--quiet", "--lr", "1e30", "--out", "a"];
    line.extend(SMALL);
    sandbox
        .call(&line)
        .is_refused(75, &["diverged at step ", "schedule.lr"]);
    let inspect = sandbox.call(&["inspect", "a"]);
    assert_eq!(inspect.status, 0, "{}", inspect.stderr);
    assert!(
        !inspect.stdout.contains("NaN") && !inspect.stdout.contains("inf"),
        "{}",
        inspect.stdout
    );
}
