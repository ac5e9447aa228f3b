//! Files: how long they are, how they begin, what must not be in them, what lies at the top.

use super::{Finding, Repository};
use crate::tree::File;

/// From here on a file may hold a second idea.
const LINES_LONG: usize = 400;
/// A file beyond this must be split, of code or of tests.
const LINES_MAX: usize = 600;
/// `lib.rs` of a library crate is its front page, and a page ends.
const FRONT_PAGE_LINES_MAX: usize = 120;

/// What the top level holds, and nothing else.
pub const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "rustfmt.toml",
    "tools",
];

/// Long files are named, longer ones refused.
pub fn sizes(repository: &Repository<'_>) -> Vec<Finding> {
    repository.tree.rust().filter_map(size).collect()
}

fn size(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    let is_front_page = file.path.starts_with("crates/") && file.path.ends_with("/src/lib.rs");
    let max = match is_front_page {
        true => FRONT_PAGE_LINES_MAX,
        false => LINES_MAX,
    };
    if lines > max {
        Some(Finding::new(
            &file.path,
            format!("{lines} lines, {max} at most: split it"),
        ))
    } else if lines > LINES_LONG && !file.is_test() {
        let message = format!("{lines} lines: look for the second idea in it");
        Some(Finding::new(&file.path, message).warning())
    } else {
        None
    }
}

/// Rust begins with what the file is, and leaves nothing to do; no file names a place outside.
pub fn contents(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.tree.files() {
        if file.is_rust() {
            if !file.text.starts_with("//!") {
                findings.push(Finding::new(&file.path, "does not begin with `//!`").on_line(1));
            }
            findings.extend(found(file, file.code(), LEFT_TO_DO, "is for drafts"));
            findings.extend(found(
                file,
                &file.text,
                MARKS,
                "is for drafts: do it, or file an issue",
            ));
        }
        findings.extend(found(
            file,
            &file.text,
            OUTSIDE,
            "names a place outside the repository",
        ));
    }
    findings
}

/// In code: what a draft has.
const LEFT_TO_DO: &[&str] = &["todo!", "unimplemented!", "dbg!", "#[ignore"];

/// In text: marks of a draft, written in two parts so that this file has none.
const MARKS: &[&str] = &[
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
];

/// Anywhere: folders outside the repository, written in two parts so that this file names none.
const OUTSIDE: &[&str] = &[
    concat!("../sha", "red"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
];

fn found(file: &File, text: &str, patterns: &[&str], what: &str) -> Vec<Finding> {
    let lines = text.lines().enumerate();
    let hits = lines.flat_map(|(index, line)| {
        patterns
            .iter()
            .filter(move |it| stands_alone(line, it))
            .map(move |it| (index + 1, it))
    });
    hits.map(|(line, it)| Finding::new(&file.path, format!("`{it}` {what}")).on_line(line))
        .collect()
}

/// Whether the line has the pattern, and not as the end or the start of a longer word.
fn stands_alone(line: &str, pattern: &str) -> bool {
    let is_letter = |it: char| it.is_alphanumeric() || it == '_';
    line.match_indices(pattern).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + pattern.len()..]);
        let begins = !pattern.starts_with(is_letter) || !before.ends_with(is_letter);
        let begins = begins && !(pattern.starts_with('/') && before.ends_with(is_in_path));
        let ends = !pattern.ends_with(is_letter) || !after.starts_with(is_letter);
        begins && ends
    })
}

/// What stands before a `/` that does not begin an absolute path.
fn is_in_path(character: char) -> bool {
    character.is_alphanumeric() || "_-.*)}]>".contains(character)
}

/// Exactly the design's list lies at the top.
pub fn top_level(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for file in repository.tree.files() {
        let top = file.path.split('/').next().unwrap_or_default();
        if !TOP_LEVEL.contains(&top) && !seen.contains(&top) {
            seen.push(top);
            findings.push(Finding::new(
                top,
                "is not of the top level: it belongs in a folder",
            ));
        }
    }
    for top in TOP_LEVEL.iter().filter(|it| !repository.tree.has(it)) {
        findings.push(Finding::new(top, "is missing at the top level"));
    }
    findings
}
