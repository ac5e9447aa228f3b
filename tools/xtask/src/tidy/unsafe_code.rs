//! Unsafe code: in named files, counted, and each with the reason why it is sound.

use super::{Finding, Repository};
use crate::rust_source::words;
use crate::workspace::Package;

/// The files that may hold unsafe code, and how often the word `unsafe` stands in their code
/// today. More needs a reviewer's second look, who then raises the number here; fewer lowers it.
pub const FILES: &[(&str, usize)] = &[
    // An entry of the ready queue: two words, whatever it runs.
    ("crates/asyncio-executor/src/entry.rs", 28),
    // The way from a task's waker to its executor.
    ("crates/asyncio-executor/src/home.rs", 7),
    // Registering a descriptor with the poller, which asks that it stays open meanwhile.
    ("crates/asyncio-reactor/src/sys/register.rs", 5),
    // Global allocators that count cannot be written without.
    ("tools/bench/src/allocations.rs", 9),
    ("tools/testkit/src/heap.rs", 9),
];

/// Whether one of the named files lies in this folder.
pub fn is_in(folder: &str) -> bool {
    FILES
        .iter()
        .any(|(path, _)| path.starts_with(&format!("{folder}/")))
}

/// `unsafe` stands in named files only, as often as was agreed.
pub fn counted(repository: &Repository<'_>) -> Vec<Finding> {
    counted_in(repository, FILES)
}

/// [`counted`] with these files.
pub fn counted_in(repository: &Repository<'_>, files: &[(&str, usize)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.tree.rust() {
        let lines: Vec<usize> = unsafe_lines(file.code()).collect();
        let agreed = files
            .iter()
            .find(|(path, _)| *path == file.path)
            .map(|(_, count)| *count);
        let message = match agreed {
            None if lines.is_empty() => continue,
            None => "unsafe code in a file that `FILES` in tools/xtask/src/tidy/unsafe_code.rs \
                     does not name"
                .to_owned(),
            Some(count) if count == lines.len() => continue,
            Some(count) => format!(
                "`unsafe` stands here {} times, {count} in `FILES` of \
                 tools/xtask/src/tidy/unsafe_code.rs: let that be reviewed and changed",
                lines.len()
            ),
        };
        let finding = Finding::new(&file.path, message);
        findings.push(match lines.first() {
            Some(&line) => finding.on_line(line),
            None => finding,
        });
    }
    for (path, _) in files.iter().filter(|(path, _)| !repository.tree.has(path)) {
        findings.push(Finding::new(path, "`FILES` names it, but it is not there"));
    }
    findings
}

/// Each unsafe block and implementation has a `SAFETY` comment, each unsafe function a `# Safety`
/// section or, as a trait's method, the block around it.
pub fn justified(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repository.tree.rust() {
        let code: Vec<&str> = file.code().lines().collect();
        let text: Vec<&str> = file.text.lines().collect();
        for line in unsafe_lines(file.code()) {
            let rest = code[line - 1]
                .split_once("unsafe")
                .map_or("", |(_, rest)| rest);
            // The contract of a function is its documentation's business (`missing_safety_doc`).
            let is_contract = ["fn", "extern", "trait"]
                .iter()
                .any(|it| rest.trim_start().starts_with(it));
            if !is_contract && !has_reason(&text, line - 1) {
                let message = "no `SAFETY` comment above says why this is sound";
                findings.push(Finding::new(&file.path, message).on_line(line));
            }
        }
    }
    findings
}

/// Whether a comment on the line, or above the statement that the line belongs to, gives a reason.
fn has_reason(text: &[&str], index: usize) -> bool {
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    let mut above = text[..index].iter().rev().peekable();
    // The statement's own lines: what ends none and begins none.
    while above
        .next_if(|line| !is_comment(line) && !ends_statement(line))
        .is_some()
    {}
    let comment = above.take_while(|line| is_comment(line) || line.trim_start().starts_with("#["));
    text[index].contains("SAFETY:") || comment.into_iter().any(|line| line.contains("SAFETY:"))
}

fn ends_statement(line: &str) -> bool {
    let line = line.trim_end();
    line.is_empty() || line.ends_with([';', '{', '}', ','])
}

/// Every crate forbids unsafe code; those with a named file deny it, and the file allows it.
pub fn forbidden(repository: &Repository<'_>) -> Vec<Finding> {
    forbidden_but(repository, FILES)
}

/// [`forbidden`] with these files.
pub fn forbidden_but(repository: &Repository<'_>, files: &[(&str, usize)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repository.workspace.members() {
        let holds_unsafe = |root: &str| {
            let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
            files
                .iter()
                .any(|(path, _)| path.starts_with(&format!("{folder}/")))
        };
        for root in roots(package) {
            let Some(file) = repository.tree.file(root) else {
                continue;
            };
            let has = |attribute| file.code().contains(attribute);
            let denies = holds_unsafe(root) && has("#![deny(unsafe_code)]");
            if !denies && !has("#![forbid(unsafe_code)]") {
                let word = if holds_unsafe(root) { "deny" } else { "forbid" };
                findings.push(Finding::new(
                    root,
                    format!("lacks `#![{word}(unsafe_code)]`"),
                ));
            }
        }
    }
    findings
}

/// The root files of the package's library and programs.
fn roots(package: &Package) -> impl Iterator<Item = &str> {
    let is_ours = |kind: &str| matches!(kind, "lib" | "bin" | "proc-macro");
    package
        .targets
        .iter()
        .filter(move |it| is_ours(&it.kind))
        .map(|it| it.path.as_str())
}

/// The lines on which `unsafe` stands, as often as it does.
fn unsafe_lines(code: &str) -> impl Iterator<Item = usize> {
    words(code)
        .filter(|(_, word)| *word == "unsafe")
        .map(|(line, _)| line)
}
