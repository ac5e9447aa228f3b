//! The facade: names, and the runner.

use super::{Finding, Repository};
use crate::rust_source::words;

/// The facade's sources.
const SOURCES: &str = "crates/asyncio/src";

/// Where the facade has code: the runner, and the table of Python's names.
const WITH_CODE: &[&str] = &[
    "crates/asyncio/src/runners.rs",
    "crates/asyncio/src/runners/",
    "crates/asyncio/src/names.rs",
];

/// What makes an item that is more than a name.
const ITEMS: &[&str] = &[
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "impl",
    "macro_rules",
    "static",
    "const",
];

/// Outside the runner and the table of names the facade only re-exports.
pub fn only_names(repository: &Repository<'_>) -> Vec<Finding> {
    let files = repository.tree.below(SOURCES).filter(|it| it.is_rust());
    let mut findings = Vec::new();
    for file in files.filter(|it| !WITH_CODE.iter().any(|path| it.path.starts_with(path))) {
        for (line, word) in words(file.code()).filter(|(_, word)| ITEMS.contains(word)) {
            let message = format!(
                "`{word}` in the facade, which only re-exports: it belongs in the crate that owns it"
            );
            findings.push(Finding::new(&file.path, message).on_line(line));
        }
    }
    findings
}
