//! Scenario IDs: what past bugs of this field became as tests, and the book's list of them.
//!
//! An ID is a letter and a number: `W7`. A test carries it at the end of its name
//! (`a_wake_after_close_is_safe_w6`, `…_w6_w7`), also where a macro makes tests of a list of names,
//! or in its documentation (`/// W6: …`). The book's page lists each ID that a test carries at the
//! start of a line or of a table's row.

use std::collections::BTreeMap;

use super::{Finding, Repository};
use crate::tree::File;

/// The page of the book.
const PAGE: &str = "docs/src/reliability.md";

/// The letters of the groups: timers, data, forks, primitives, joins, sockets, polling, runs,
/// streams, TLS, wakers.
const GROUPS: &str = "CDFHJNPRSTW";

/// Tests and the book's page name the same scenarios.
pub fn listed(repository: &Repository<'_>) -> Vec<Finding> {
    let mut tested: BTreeMap<String, (&File, usize)> = BTreeMap::new();
    for file in repository
        .tree
        .rust()
        .filter(|it| !it.path.starts_with("tools/xtask/"))
    {
        for (line, id) in ids_in_tests(file) {
            tested.entry(id).or_insert((file, line));
        }
    }
    let page = repository.tree.file(PAGE);
    let listed: BTreeMap<String, usize> = page.map(|it| ids_of_page(&it.text)).unwrap_or_default();
    let mut findings = Vec::new();
    for (id, (file, line)) in &tested {
        if !listed.contains_key(id) {
            let message = format!("{PAGE} has no line for {id}, which this test covers");
            findings.push(Finding::new(&file.path, message).on_line(*line));
        }
    }
    for (id, line) in listed.iter().filter(|(id, _)| !tested.contains_key(*id)) {
        findings.push(Finding::new(PAGE, format!("no test carries {id}")).on_line(*line));
    }
    findings
}

/// The IDs at the ends of names of tests and in the documentation of files of tests.
fn ids_in_tests(file: &File) -> Vec<(usize, String)> {
    let mut ids = Vec::new();
    let mut follows_attribute = false;
    let mut in_macro = false;
    for (index, whole_line) in file.code().lines().enumerate() {
        let line = whole_line.trim();
        let function = line.strip_prefix("fn ").or(line.strip_prefix("async fn "));
        let name = match function {
            Some(rest) if follows_attribute => rest.split(|it| !is_of_name(it)).next(),
            Some(_) => None,
            None if in_macro => line
                .strip_suffix(',')
                .filter(|it| it.chars().all(is_of_name)),
            None => None,
        };
        let endings = name
            .unwrap_or_default()
            .rsplit('_')
            .map_while(|it| is_id(&it.to_uppercase()).then(|| (index + 1, it.to_uppercase())));
        ids.extend(endings);
        // `#[test]`, with other attributes between it and the function.
        follows_attribute = line.starts_with("#[test]")
            || (follows_attribute && (line.is_empty() || line.starts_with("#[")));
        // `on_every_selector! { name, name, }`, which makes the tests.
        in_macro = (in_macro || whole_line.ends_with("! {")) && whole_line != "}";
    }
    if file.is_test() {
        for (index, line) in file.text.lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("///") || line.starts_with("//!") {
                let words = line.split(|it: char| !it.is_ascii_alphanumeric());
                ids.extend(
                    words
                        .filter(|it| is_id(it))
                        .map(|it| (index + 1, it.to_owned())),
                );
            }
        }
    }
    ids
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The IDs at the start of lines and rows, with their lines.
fn ids_of_page(text: &str) -> BTreeMap<String, usize> {
    let first_words = text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim_start_matches(|it: char| !it.is_ascii_alphanumeric());
        let word = line.split(|it: char| !it.is_ascii_alphanumeric()).next()?;
        is_id(word).then(|| (word.to_owned(), index + 1))
    });
    first_words.collect()
}

fn is_id(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(|it| GROUPS.contains(it))
        && (1..=2).contains(&characters.as_str().len())
        && characters.all(|it| it.is_ascii_digit())
}
