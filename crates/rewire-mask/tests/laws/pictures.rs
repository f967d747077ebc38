//! The pictures of the documentation are what the example draws.

#[allow(dead_code, reason = "the example has a main of its own")]
#[path = "../../examples/draw_pattern.rs"]
mod draw_pattern;

use draw_pattern::{NAMES, picture};

const COMMITTED: [&str; NAMES.len()] = [
    include_str!("../../../../docs/patterns/unstructured.svg"),
    include_str!("../../../../docs/patterns/nm.svg"),
    include_str!("../../../../docs/patterns/nm-outputs.svg"),
    include_str!("../../../../docs/patterns/transposable.svg"),
    include_str!("../../../../docs/patterns/blocks.svg"),
    include_str!("../../../../docs/patterns/row-groups.svg"),
    include_str!("../../../../docs/patterns/kernel-slices.svg"),
    include_str!("../../../../docs/patterns/fan-in.svg"),
];

#[test]
#[cfg_attr(miri, ignore = "too much to draw for an interpreter")]
fn every_picture_is_the_one_committed() {
    for (name, committed) in NAMES.iter().zip(COMMITTED) {
        let drawn = picture(name)
            .expect("a name of the list")
            .expect("a pattern that fits");
        assert!(
            drawn == committed,
            "docs/patterns/{name}.svg is not what `{name}` draws"
        );
    }
    assert!(picture("none").is_none());
}
