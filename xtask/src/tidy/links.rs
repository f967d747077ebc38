//! Relative links of the Markdown pages lead to something.

use super::{Finding, SourceFile};

/// Finds links to files that do not exist. `exists` answers for a path relative to the root.
pub(super) fn check(files: &[SourceFile], exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in relative_links(&file.text) {
            let leads = resolve(&file.path, &target).is_some_and(|path| exists(&path));
            if !leads {
                findings.push(Finding {
                    path: file.path.clone(),
                    line,
                    rule: "link",
                    what: format!("`{target}` does not exist"),
                    fix: "correct the link or drop it".into(),
                });
            }
        }
    }
    findings
}

/// Line and target of every link that is a path: no scheme, no mere anchor; fences are code.
fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let line_without_code = without_code_spans(line);
        for (at, open) in line_without_code.match_indices("](") {
            let rest = &line_without_code[at + open.len()..];
            let inside = rest.split(')').next().unwrap_or_default();
            let target = inside.split_whitespace().next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            let has_scheme = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !has_scheme {
                links.push((index + 1, target.to_owned()));
            }
        }
    }
    links
}

/// The line with what stands between backticks taken out.
fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The path from the root of a link in the page at `page`; `None` if it leaves the repository.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    let slash = if target.ends_with('/') { "/" } else { "" };
    Some(parts.join("/") + slash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_resolve_against_their_page() {
        let rows = [
            ("README.md", "docs/a.md", Some("docs/a.md")),
            ("docs/a.md", "b.md", Some("docs/b.md")),
            ("docs/formats/a.md", "../../crates/", Some("crates/")),
            ("docs/a.md", "./b.md", Some("docs/b.md")),
            ("README.md", "../other", None),
        ];
        for (page, target, expected) in rows {
            assert_eq!(
                resolve(page, target).as_deref(),
                expected,
                "{page} {target}"
            );
        }
    }

    #[test]
    fn only_paths_outside_code_are_links() {
        let text = "\
[a](docs/a.md#top) and [b](https://b.org/x) `[c](c.md)`
```
[d](d.md)
```
[e](#here) [f](f.md \"title\") [g](mailto:g@g.org)
";
        let links = relative_links(text);
        assert_eq!(links, [(1, "docs/a.md".into()), (5, "f.md".into())]);
    }

    #[test]
    fn a_dead_link_is_found() {
        let files = [SourceFile {
            path: "docs/a.md".into(),
            text: "x\n[b](b.md) [c](../c.md)".into(),
        }];
        let findings = check(&files, &|path| path == "docs/b.md");
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].line, findings[0].rule), (2, "link"));
    }
}
