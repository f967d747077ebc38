//! Telling Rust code from its comments, literals and tests, line by line.
//!
//! The rules about source text ask "does this code say `unsafe`?"; a word in a comment, in a string
//! or in a test must not answer. This is a lexer of five states, not a parser: it keeps every line
//! where it was and turns what is not code into spaces.

/// The code of `source` with comments and the contents of literals as spaces; lines stay in place.
pub(super) fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match skipped_until(&chars, at) {
            Some(end) => end,
            None => {
                code.push(chars[at]);
                at += 1;
                continue;
            }
        };
        for &skipped in &chars[at..end] {
            code.push(if skipped == '\n' { '\n' } else { ' ' });
        }
        at = end;
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `None` if none begins there.
fn skipped_until(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => Some(line_end(chars, at)),
        '/' if next == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(string_end(chars, at)),
        'r' if !continues_a_word(chars, at) => raw_string_end(chars, at),
        '\'' => char_end(chars, at),
        _ => None,
    }
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..]
        .iter()
        .position(|&c| c == '\n')
        .map_or(chars.len(), |length| at + length)
}

/// Block comments nest.
fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut here) = (0usize, at);
    while here < chars.len() {
        match (chars[here], chars.get(here + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                here += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                here += 2;
                if depth == 0 {
                    return here;
                }
            }
            _ => here += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < chars.len() {
        match chars[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    chars.len()
}

/// `r"…"` and `r#"…"#` with any number of `#`; a raw identifier `r#name` is none.
fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |quote: usize| {
        chars[quote] == '"'
            && chars[quote + 1..]
                .iter()
                .take(hashes)
                .filter(|&&c| c == '#')
                .count()
                == hashes
    };
    Some(
        (open + 1..chars.len())
            .find(|&quote| closes(quote))
            .map_or(chars.len(), |quote| quote + 1 + hashes),
    )
}

/// A character literal, not a lifetime: `'x'` or an escape.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match chars.get(at + 1)? {
        '\\' => (at + 3..chars.len())
            .find(|&quote| chars[quote] == '\'')
            .map(|quote| quote + 1),
        _ => (chars.get(at + 2) == Some(&'\'')).then_some(at + 3),
    }
}

/// Whether the character before `at` belongs to the same word; `br"…"` and `b"…"` begin literals.
fn continues_a_word(chars: &[char], at: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match at.checked_sub(1).map(|before| chars[before]) {
        Some('b') => at >= 2 && is_word(chars[at - 2]),
        Some(before) => is_word(before),
        None => false,
    }
}

/// Whether `word` stands in `code` with no letter, digit or underscore beside it.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// What of a file is compiled only for tests.
pub(super) struct TestParts {
    /// One entry a line: whether the line belongs to an item under `#[cfg(test)]`.
    pub(super) lines: Vec<bool>,
    /// Modules declared there whose text is in another file (`#[cfg(test)] mod oracle;`).
    pub(super) modules: Vec<String>,
}

/// Finds the items under `#[cfg(test)]` in what [`code_only`] returned.
pub(super) fn test_parts(code: &str) -> TestParts {
    let mut parts = TestParts {
        lines: vec![false; code.lines().count()],
        modules: Vec::new(),
    };
    for marker in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (start, _) in code.match_indices(marker) {
            let item = item_length(&code[start..]);
            let text = &code[start..start + item];
            let first = code[..start].matches('\n').count();
            let last = first + text.matches('\n').count();
            parts.lines[first..=last].fill(true);
            if let Some(module) = declared_module(text) {
                parts.modules.push(module.to_owned());
            }
        }
    }
    parts
}

/// The length of the attribute and the item behind it: to the `;` or to the brace that closes the
/// first one opened.
fn item_length(code: &str) -> usize {
    let (mut braces, mut brackets) = (0usize, 0usize);
    for (at, c) in code.char_indices() {
        match c {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return at + 1;
                }
            }
            ';' if braces == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The name in `mod name;`.
fn declared_module(item: &str) -> Option<&str> {
    let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
    Some(name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let rows = [
            ("let a = 1; // unsafe", "let a = 1;"),
            ("a /* unsafe /* b */ c */ d", "a                        d"),
            (r#"say("unsafe \" x") + 1"#, "say(             ) + 1"),
            (r##"say(r#"un"safe"#, br"x")"##, "say(            , b    )"),
            ("let c = '\"'; unsafe", "let c =    ; unsafe"),
            (r"let c = '\''; unsafe", "let c =     ; unsafe"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("r#type + 1", "r#type + 1"),
            ("for r in \"x\"", "for r in    "),
        ];
        for (source, expected) in rows {
            let code = code_only(source);
            assert_eq!(code.trim_end(), expected.trim_end(), "{source}");
        }
    }

    #[test]
    fn lines_stay_where_they_are() {
        let source = "a\n/* b\nc */ d\n\"e\nf\" g\n";
        let code = code_only(source);
        assert_eq!(code.lines().count(), source.lines().count());
        assert_eq!(code.lines().nth(2).map(str::trim), Some("d"));
        assert_eq!(code.lines().nth(4).map(str::trim), Some("g"));
    }

    #[test]
    fn a_word_stands_alone() {
        assert!(has_word("pub unsafe fn", "unsafe"));
        assert!(has_word("{unsafe{", "unsafe"));
        assert!(!has_word("forbid(unsafe_code)", "unsafe"));
        assert!(!has_word("not_unsafe", "unsafe"));
    }

    #[test]
    fn test_items_end_where_their_brace_closes() {
        let code = "\
fn a() {}
#[cfg(test)]
mod tests {
    fn b() { c() }
}
fn d() {}
#[cfg(test)]
mod oracle;
fn e() {}
";
        let parts = test_parts(code);
        let expected = [false, true, true, true, true, false, true, true, false];
        assert_eq!(parts.lines, expected);
        assert_eq!(parts.modules, ["oracle"]);
    }
}
