//! Counts of the published networks, as integers.
//!
//! Parameters and multiply–adds of convolutions and linear layers were counted on the modules of the
//! reference implementations: torchvision 0.29 (ResNet, VGG, MobileNetV2), timm 1.0 (DeiT, MobileViT).
//! Those of the others follow from their papers' tables.

use rewire_ift::models::{self, Sizes};
use rewire_ift::{ModelPlan, PlanError};

fn named(name: &str) -> ModelPlan {
    models::named(name, Sizes::default()).unwrap()
}

/// Multiply–adds of the layers with weights.
fn matrices(plan: &ModelPlan) -> u128 {
    let of =
        |count: &rewire_ift::LayerCount| u128::from(count.weights) * u128::from(count.positions);
    plan.matrices().map(of).sum()
}

#[test]
fn networks_have_the_counts_of_their_reference_implementations() {
    for (name, multiply_adds, parameters) in [
        ("resnet18", 1_814_073_344, 11_689_512),
        ("resnet34", 3_663_761_408, 21_797_672),
        ("resnet50", 4_089_184_256, 25_557_032),
        ("vgg16", 15_470_264_320, 138_365_992),
        ("vgg19", 19_632_062_464, 143_678_248),
        ("mobilenetv2", 300_774_272, 3_504_872),
        ("deit-tiny", 1_074_851_328, 5_717_416),
        ("mobilevit-s", 1_823_196_160, 5_578_632),
    ] {
        let plan = named(name);
        assert_eq!(matrices(&plan), multiply_adds, "{name}");
        assert_eq!(plan.n_params(), parameters, "{name}");
    }
}

/// Parameters by the papers: 36.5 M and 1.5 M for wide ResNets on CIFAR-10 (table 2 of their paper),
/// GPT-2's 124 and 355 million with 2048 instead of 1024 positions.
#[test]
fn networks_have_the_parameters_of_their_papers() {
    for (name, parameters) in [
        ("wrn28-10", 36_479_194),
        ("wrn28-2", 1_467_610),
        ("resnet18-cifar", 11_173_962),
        ("gpt3-small", 124_439_808 + 1024 * 768),
        ("gpt3-medium", 354_823_168 + 1024 * 1024),
        ("mlp:784,300,100,10", 266_610),
    ] {
        assert_eq!(named(name).n_params(), parameters, "{name}");
    }
    // Three 3 × 3 convolutions of 512 channels became projections to queries, keys and values and
    // 54 + 26 + 26 relative positions of 128 features.
    let resnet = named("resnet50").n_params();
    let attention = 3 * 3 * 512 * 512 + (54 + 26 + 26) * 128;
    assert_eq!(
        named("botnet50").n_params(),
        resnet - 3 * 9 * 512 * 512 + attention
    );
}

/// By hand: scores and their product with V of a decoder are 2 · d · n² per layer; everything else
/// multiplies n times by its weights.
#[test]
fn attention_counts_every_pair_of_tokens() {
    let sizes = Sizes {
        context: Some(256),
        ..Sizes::default()
    };
    let plan = models::named("gpt3-small", sizes).unwrap();
    let body = 12u128 * 12 * 768 * 768;
    let head = 50_257u128 * 768;
    let scores = 12u128 * 2 * 768 * 256 * 256;
    assert_eq!(plan.multiply_adds(), 256 * (body + head) + scores);
    // Two normalisations per block and the last: 5 operations per value.
    assert_eq!(plan.pointwise(), 25 * 5 * 768 * 256);
}

#[test]
fn classes_and_sides_are_those_asked_for() {
    let sizes = Sizes {
        classes: Some(100),
        ..Sizes::default()
    };
    let plan = models::named("resnet18-cifar", sizes).unwrap();
    // 90 more rows of 512 weights and a bias.
    assert_eq!(plan.n_params(), 11_173_962 + 90 * 513);
    let sizes = Sizes {
        side: Some(448),
        ..Sizes::default()
    };
    let head = 2_048_000;
    let larger = models::named("resnet50", sizes).unwrap();
    assert_eq!(matrices(&larger), 4 * (4_089_184_256 - head) + head);
    for (name, sizes) in [
        ("gpt3-small", sizes),
        ("mlp:3,2", sizes),
        (
            "vgg16",
            Sizes {
                context: Some(7),
                ..Sizes::default()
            },
        ),
    ] {
        let error = models::named(name, sizes).unwrap_err();
        assert!(matches!(error, PlanError::Unused { .. }), "{error}");
    }
}

#[test]
fn every_listed_name_is_known_and_no_other() {
    for name in models::NAMES {
        assert!(named(name).multiply_adds() > 0, "{name}");
    }
    for (name, message) in [
        ("resnet51", "there is no `resnet51`; there is resnet18, "),
        ("", "resnet50, "),
        ("ResNet50", "resnet50, "),
        ("mlp:", "`mlp:` does not give a perceptron"),
        ("mlp:10", "two at least"),
        ("mlp:784,x,10", "whole numbers"),
        ("mlp:99999999999999999999,1", "whole numbers"),
    ] {
        let error = models::named(name, Sizes::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{error}");
    }
    // A perceptron of one layer reads the data with it.
    let cost = named("mlp:5,2").dense_cost();
    assert_eq!((cost.f_dense(), cost.f_unneeded()), (20, 20));
}
