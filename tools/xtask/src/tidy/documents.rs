//! Documents: their code is compiled, their links lead somewhere.

use super::{Finding, Repository};
use crate::tree::File;

/// A block of code in Markdown.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The line of its opening fence, from 1.
    pub line: usize,
    /// What stands after the opening fence: `rust`, `rust,no_run`, `sh`, ….
    pub language: &'a str,
    /// Its lines.
    pub code: String,
    /// Where it is from, as a comment before it says.
    pub origin: Option<Origin<'a>>,
}

/// The file that code in a document stands in, where something compiles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// `<!-- example: examples/src/bin/clock.rs -->`: it is the whole file, header aside.
    Whole(&'a str),
    /// `<!-- excerpt: examples/src/bin/clock.rs -->`: its lines are some that follow each other in
    /// the file, perhaps further to the right. What is left out in between is a line `// …`.
    Excerpt(&'a str),
}

impl<'a> Origin<'a> {
    fn of(line: &'a str) -> Option<Origin<'a>> {
        let comment = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
        match comment.trim().split_once(':')? {
            ("example", path) => Some(Origin::Whole(path.trim())),
            ("excerpt", path) => Some(Origin::Excerpt(path.trim())),
            _ => None,
        }
    }

    fn path(self) -> &'a str {
        match self {
            Origin::Whole(path) | Origin::Excerpt(path) => path,
        }
    }
}

/// The blocks of code in Markdown between fences of three backticks.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut origin = None;
    let mut open: Option<Block<'_>> = None;
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let language = language.trim();
                let origin = origin.take();
                open = Some(Block {
                    line: index + 1,
                    language,
                    code: String::new(),
                    origin,
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.code.push_str(line);
                block.code.push('\n');
            }
            (None, None) if !line.trim().is_empty() => origin = Origin::of(line),
            (None, None) => {}
        }
    }
    blocks
}

/// Whether code with this language would be compiled as a doctest.
pub fn is_rust(language: &str) -> bool {
    language
        .split(',')
        .next()
        .is_some_and(|it| it.trim() == "rust")
}

/// Each block of Rust stands in the file that it names, or its document is a compiled doctest.
pub fn examples(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in repository.tree.files().filter(|it| it.is_markdown()) {
        let blocks = blocks(&document.text);
        let is_doctest = is_included(repository, &document.path);
        for block in &blocks {
            let message = match block.origin {
                Some(origin) => differs(repository, block, origin),
                None if is_rust(block.language) && !is_doctest => Some(
                    "nothing compiles this code: name its file in a comment before it \
                     (`<!-- example: PATH -->`) or include the document in a doctest"
                        .to_owned(),
                ),
                None => None,
            };
            let finding = message.map(|it| Finding::new(&document.path, it).on_line(block.line));
            findings.extend(finding);
        }
    }
    findings
}

/// What is wrong with a block that names a file.
fn differs(repository: &Repository<'_>, block: &Block<'_>, origin: Origin<'_>) -> Option<String> {
    let path = origin.path();
    let Some(file) = repository.tree.file(path) else {
        return Some(format!("{path}, where this code is from, is not there"));
    };
    match origin {
        Origin::Whole(_) => {
            // The file's header tells readers of the repository what it is, which the document does
            // itself, and holds its lints.
            let is_header =
                |line: &&str| line.is_empty() || line.starts_with("//!") || line.starts_with("#![");
            let body: Vec<&str> = file.text.lines().skip_while(is_header).collect();
            (block.code.trim() != body.join("\n").trim())
                .then(|| format!("differs from {path}, header aside"))
        }
        Origin::Excerpt(_) => missing_part(&block.code, &file.text)
            .map(|first| format!("{path} has no such lines, from `{}`", first.trim())),
    }
}

/// The first line of a part of `excerpt` that does not stand in `text` after the part before it.
fn missing_part<'a>(excerpt: &'a str, text: &str) -> Option<&'a str> {
    let lines: Vec<&str> = text.lines().collect();
    let mut rest = &lines[..];
    let excerpt: Vec<&str> = excerpt.lines().collect();
    for part in excerpt.split(|line| line.trim() == "// …") {
        let begins = |at: &usize| rest.get(*at..).is_some_and(|from| begins_with(from, part));
        let Some(at) = (0..=rest.len()).find(begins) else {
            return part.first().copied().or(Some(""));
        };
        rest = &rest[at + part.len()..];
    }
    None
}

/// Whether `lines` begin with those of `part`, all as much further to the right.
fn begins_with(lines: &[&str], part: &[&str]) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (Some(first), Some(wanted)) = (lines.first(), part.first()) else {
        return part.is_empty();
    };
    let Some(further) = indent(first).checked_sub(indent(wanted)) else {
        return false;
    };
    let is_same = |(line, wanted): (&&str, &&str)| {
        let is_further = indent(line) >= further && line.get(further..) == Some(wanted);
        is_further || (line.is_empty() && wanted.is_empty())
    };
    lines.len() >= part.len() && lines.iter().zip(part).all(is_same)
}

/// Each program in `examples` has a row in its README, and code of it is explained in the book.
pub fn explained(repository: &Repository<'_>) -> Vec<Finding> {
    let pages: Vec<&File> = repository.tree.below("docs/src").collect();
    let origins: Vec<&str> = pages
        .iter()
        .flat_map(|page| blocks(&page.text))
        .filter_map(|block| Some(block.origin?.path()))
        .collect();
    let readme = repository.tree.file("examples/README.md");
    let programs = repository.tree.below("examples/src/bin");
    programs
        .flat_map(|program| {
            let name = program.path.rsplit('/').next().unwrap_or_default();
            let row = format!("| `{}` |", name.trim_end_matches(".rs"));
            let has_row = readme.is_some_and(|it| it.text.contains(&row));
            let is_explained = origins.contains(&program.path.as_str());
            let missing = [
                (has_row, "examples/README.md has no row for it"),
                (is_explained, "no page of docs/src has code of it"),
            ];
            missing
                .into_iter()
                .filter(|(is_there, _)| !is_there)
                .map(|(_, message)| Finding::new(&program.path, message))
        })
        .collect()
}

/// Whether a file of Rust includes the document in its documentation.
fn is_included(repository: &Repository<'_>, document: &str) -> bool {
    let names = |file: &File| {
        file.text
            .match_indices("include_str!(\"")
            .any(|(at, opening)| {
                let path = file.text[at + opening.len()..]
                    .split('"')
                    .next()
                    .unwrap_or_default();
                resolve(&file.path, path).as_deref() == Some(document)
            })
    };
    repository.tree.rust().any(names)
}

/// Relative links lead to a file, and the book's contents list every page of it.
pub fn links(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in repository.tree.files().filter(|it| it.is_markdown()) {
        for (line, link) in links_of(&document.text) {
            let path = link.split('#').next().unwrap_or_default();
            let is_elsewhere = path.is_empty() || link.contains(':');
            if !is_elsewhere
                && resolve(&document.path, path).is_none_or(|it| !repository.tree.has(&it))
            {
                let message = format!("the link to `{link}` leads nowhere");
                findings.push(Finding::new(&document.path, message).on_line(line));
            }
        }
    }
    if let Some(summary) = repository.tree.file("docs/src/SUMMARY.md") {
        let listed: Vec<String> = links_of(&summary.text)
            .filter_map(|(_, it)| resolve(&summary.path, it))
            .collect();
        let pages = repository
            .tree
            .below("docs/src")
            .filter(|it| it.is_markdown());
        for page in pages.filter(|it| it.path != summary.path && !listed.contains(&it.path)) {
            findings.push(Finding::new(
                &page.path,
                "docs/src/SUMMARY.md does not list this page",
            ));
        }
    }
    findings
}

/// The targets of inline links outside code blocks, with their lines.
fn links_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    lines.flat_map(|(index, line)| {
        line.split("](")
            .skip(1)
            .filter_map(move |rest| Some((index + 1, rest.split_once(')')?.0)))
    })
}

/// `link`, found in the file `from`, as a path from the root; `None` when it leaves the root.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut names: Vec<&str> = from.split('/').collect();
    names.pop();
    for name in link.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            _ => names.push(name),
        }
    }
    Some(names.join("/"))
}
