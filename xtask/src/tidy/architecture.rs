//! ARCHITECTURE.md stays short and its "Where is…?" table stays true.

use super::{Finding, SourceFile};

const PAGE: &str = "ARCHITECTURE.md";

/// The longest the page may be: it is read in one sitting or not at all.
const LONGEST: usize = 150;

/// How the heading above the table begins.
const HEADING: &str = "Where is";

/// Endings by which a word without a slash is known as a file.
const FILE_ENDINGS: [&str; 5] = [".rs", ".md", ".toml", ".csv", ".ptx"];

/// Checks the page. `exists` answers for a path relative to the root; a path of the table may also
/// be relative to `crates/`.
pub(super) fn check(files: &[SourceFile], exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return vec![finding(1, "the page is missing", "write it")];
    };
    let mut findings = Vec::new();
    let lines = page.text.lines().count();
    if lines > LONGEST {
        findings.push(finding(
            LONGEST + 1,
            &format!("{lines} lines, {LONGEST} are allowed"),
            "move details to docs/ or to the module they describe",
        ));
    }
    let rows = table_rows(&page.text);
    if rows.is_empty() {
        findings.push(finding(
            1,
            "there is no table under a heading `Where is…?`",
            "add the table",
        ));
    }
    for (line, cell) in rows {
        for path in paths_in(&cell) {
            if !exists(&path) && !exists(&format!("crates/{path}")) {
                findings.push(finding(
                    line,
                    &format!("`{path}` does not exist"),
                    "correct the row, or put the file where the row says",
                ));
            }
        }
    }
    findings
}

fn finding(line: usize, what: &str, fix: &str) -> Finding {
    Finding {
        path: PAGE.into(),
        line,
        rule: "architecture",
        what: what.into(),
        fix: fix.into(),
    }
}

/// Line and last cell of every row of the table under the heading, header and rule left out.
fn table_rows(text: &str) -> Vec<(usize, String)> {
    text.lines()
        .enumerate()
        .skip_while(|(_, line)| !(line.starts_with('#') && line.contains(HEADING)))
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('#'))
        .filter(|(_, line)| line.starts_with('|'))
        .skip(2)
        .filter_map(|(index, line)| {
            let cell = line.trim().trim_end_matches('|').rsplit('|').next()?;
            Some((index + 1, cell.trim().to_owned()))
        })
        .collect()
}

/// The paths between backticks, braces expanded. A word is a path if it has a slash or ends as a
/// file does; `.ptx` alone is an ending.
fn paths_in(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .flat_map(expand_braces)
        .filter(|word| {
            let is_file = |ending: &&str| word.len() > ending.len() && word.ends_with(*ending);
            word.contains('/') || FILE_ENDINGS.iter().any(is_file)
        })
        .collect()
}

/// `a/{b,c}.rs` becomes `a/b.rs` and `a/c.rs`, from the left for several groups.
fn expand_braces(text: &str) -> Vec<String> {
    let group = text.find('{').and_then(|open| {
        let close = open + text[open..].find('}')?;
        Some((open, close))
    });
    let Some((open, close)) = group else {
        return vec![text.to_owned()];
    };
    text[open + 1..close]
        .split(',')
        .flat_map(|choice| {
            let choice = choice.trim();
            expand_braces(&format!("{}{choice}{}", &text[..open], &text[close + 1..]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_expand_from_the_left() {
        let rows: [(&str, &[&str]); 5] = [
            ("a/b.rs", &["a/b.rs"]),
            ("a/{b,c}.rs", &["a/b.rs", "a/c.rs"]),
            ("{a,b}/{c, d}", &["a/c", "a/d", "b/c", "b/d"]),
            ("a/{b", &["a/{b"]),
            ("a/{}.rs", &["a/.rs"]),
        ];
        for (text, expected) in rows {
            assert_eq!(expand_braces(text), expected, "{text}");
        }
    }

    #[test]
    fn words_are_told_from_paths() {
        let cell =
            "the header of its `.ptx`, `--set`, `docs/a.md` and `b/src/{c,d}.rs`, `README.md`";
        assert_eq!(
            paths_in(cell),
            ["docs/a.md", "b/src/c.rs", "b/src/d.rs", "README.md"]
        );
    }

    #[test]
    fn every_row_of_the_table_is_checked_and_no_other_table() {
        let page = "\
# Architecture
| crate | purpose |
|---|---|
| a | `not/looked/at.rs` |
## Where is…?
| looking for | file |
|---|---|
| masks | `a/src/mask.rs` |
| folders | `a/src/` |
| a ghost | `a/src/ghost.rs` |
## After
| x | `nor/this.rs` |
";
        let files = [SourceFile {
            path: PAGE.into(),
            text: page.into(),
        }];
        let there = ["crates/a/src/mask.rs", "a/src/"];
        let findings = check(&files, &|path| there.contains(&path));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 10);
        assert!(findings[0].what.contains("ghost.rs"));
    }

    #[test]
    fn a_missing_page_a_missing_table_and_a_long_page_are_found() {
        assert_eq!(check(&[], &|_| true).len(), 1);
        let page = |text: String| {
            [SourceFile {
                path: PAGE.into(),
                text,
            }]
        };
        assert_eq!(check(&page("# Architecture\n".into()), &|_| true).len(), 1);
        let table = "## Where is…?\n| a | b |\n|---|---|\n| c | `d/` |\n";
        let filled = |lines: usize| format!("{table}{}", "x\n".repeat(lines - 4));
        assert!(check(&page(filled(LONGEST)), &|_| true).is_empty());
        assert_eq!(check(&page(filled(LONGEST + 1)), &|_| true).len(), 1);
    }
}
