//! Licences: those of `deny.toml`, which `cargo deny` reads too.

use super::{Finding, Repository};

/// Every package in the lock file may be used under the licences that `deny.toml` allows.
pub fn allowed(repository: &Repository<'_>) -> Vec<Finding> {
    let allowed = repository
        .tree
        .file("deny.toml")
        .map(|it| allow_list(&it.text));
    let allowed = allowed.unwrap_or_default();
    let foreign = repository
        .workspace
        .packages
        .iter()
        .filter(|it| !it.is_member);
    let refused = foreign.filter(|it| !is_satisfied(it.license.as_deref().unwrap_or(""), &allowed));
    let finding = |it: &crate::workspace::Package| {
        let license = it.license.as_deref().unwrap_or("none");
        let message = format!("the licence of `{} {}` is {license}", it.name, it.version);
        Finding::new("Cargo.lock", message)
    };
    refused.map(finding).collect()
}

/// The strings of the list `allow` in the section `[licenses]`.
fn allow_list(deny: &str) -> Vec<&str> {
    let section = deny.split_once("[licenses]").map_or("", |(_, rest)| rest);
    let list = section.split_once("allow = [").map_or("", |(_, rest)| rest);
    let lines = list.lines().take_while(|line| !line.starts_with(']'));
    lines.filter_map(|line| line.split('"').nth(1)).collect()
}

/// Whether the allowed licences satisfy an SPDX expression: `OR` and `/` offer, `AND` adds, `WITH`
/// is part of a name, parentheses group.
pub fn is_satisfied(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (satisfied, rest) = offers(&words, allowed);
    satisfied && rest.is_empty()
}

/// `additions OR additions …`; the words after it come back.
fn offers<'a, 'b>(words: &'b [&'a str], allowed: &[&str]) -> (bool, &'b [&'a str]) {
    let (mut satisfied, mut rest) = additions(words, allowed);
    while let ["OR", after @ ..] = rest {
        let next = additions(after, allowed);
        satisfied |= next.0;
        rest = next.1;
    }
    (satisfied, rest)
}

/// `license AND license …`
fn additions<'a, 'b>(words: &'b [&'a str], allowed: &[&str]) -> (bool, &'b [&'a str]) {
    let (mut satisfied, mut rest) = license(words, allowed);
    while let ["AND", after @ ..] = rest {
        let next = license(after, allowed);
        satisfied &= next.0;
        rest = next.1;
    }
    (satisfied, rest)
}

/// A name, a name with an exception, or an expression in parentheses.
fn license<'a, 'b>(words: &'b [&'a str], allowed: &[&str]) -> (bool, &'b [&'a str]) {
    match words {
        ["(", inner @ ..] => match offers(inner, allowed) {
            (satisfied, [")", rest @ ..]) => (satisfied, rest),
            (_, rest) => (false, rest),
        },
        [name, "WITH", exception, rest @ ..] => (
            allowed.contains(&format!("{name} WITH {exception}").as_str()),
            rest,
        ),
        [name, rest @ ..] => (allowed.contains(name), rest),
        [] => (false, words),
    }
}
