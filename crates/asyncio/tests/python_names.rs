//! Every public name of Python's asyncio has a row in one table: its path here, or why it has none.
//!
//! The table is complete (it has exactly the names that CPython 3.13 has), true (each path and
//! method compiles), and what the book's module map shows. After a change of the table:
//! `ASYNCIO_UPDATE=1 cargo test -p asyncio --test python_names`.

#![cfg(all(unix, feature = "full"))]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

#[rustfmt::skip]
#[path = "python_names/table.rs"]
mod table;

use table::{BEYOND, SECTIONS};

/// The names that CPython 3.13 has: `asyncio.__all__`, and the public methods of the classes that
/// people call. `tools/conformance` asks CPython whether it still has these.
const CPYTHON: &str = include_str!("python_names/cpython_3_13.txt");

const MODULE_MAP: &str = "../../docs/src/module-map.md";

/// A part of the table, and its page in Python's documentation.
struct Section {
    module: &'static str,
    page: &'static str,
    rows: &'static [Row],
}

/// A name of Python's.
struct Row {
    python: &'static str,
    rust: Rust,
    note: Option<&'static str>,
}

/// What it is here.
enum Rust {
    /// This item.
    Is(&'static str),
    /// This method; and the call of it that is compiled.
    Method(&'static str, &'static str),
    /// It comes with this crate.
    Comes(&'static str),
    /// There is none, for this reason.
    Not(&'static str),
}

/// The table as data, and its paths and calls as code that is compiled and never runs.
macro_rules! names {
    ($($module:literal: $page:literal {
        $($python:literal: $kind:ident $what:tt $($note:literal)?;)+
    })+) => {
        pub(super) const SECTIONS: &[super::Section] = &[$(super::Section {
            module: $module,
            page: $page,
            rows: &[$(super::Row {
                python: $python,
                rust: super::data!($kind $what),
                note: [$(Some($note),)? None][0],
            }),+],
        }),+];
        #[allow(unused_imports, dead_code, dropping_references, dropping_copy_types)]
        fn compiled() {
            $($(super::code!($kind $what);)+)+
        }
    };
}

macro_rules! data {
    (is { $path:path }) => {
        $crate::Rust::Is(stringify!($path))
    };
    (method { $path:path, $call:expr }) => {
        $crate::Rust::Method(stringify!($path), stringify!($call))
    };
    (comes { $with:literal }) => {
        $crate::Rust::Comes($with)
    };
    (not { $reason:literal }) => {
        $crate::Rust::Not($reason)
    };
}

macro_rules! code {
    (is { $($path:tt)+ }) => {
        use $($path)+ as _;
    };
    (method { $path:path, $call:expr }) => {
        let _ = $call;
    };
    ($kind:ident { $text:literal }) => {};
}

/// What asyncio has not, as data, and its paths as code.
macro_rules! beyond {
    ($($what:literal: $($path:path)|+;)+) => {
        pub(super) const BEYOND: &[(&str, &[&str])] = &[$(($what, &[$(stringify!($path)),+])),+];
        #[allow(unused_imports)]
        const _: () = {
            $($(use $path as _;)+)+
        };
    };
}

use {beyond, code, data, names};

fn rows() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().flat_map(|section| section.rows)
}

#[test]
fn every_name_of_cpython_has_one_row() {
    let recorded: BTreeSet<&str> = CPYTHON.lines().collect();
    let listed: BTreeSet<&str> = rows().map(|row| row.python).collect();
    assert_eq!(listed.len(), rows().count(), "a name has two rows");
    let missing: Vec<_> = recorded.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&recorded).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    assert!(unknown.is_empty(), "Python does not know {unknown:?}");
}

#[test]
fn each_method_is_the_one_whose_call_is_compiled() {
    for row in rows() {
        let Rust::Method(path, call) = row.rust else {
            continue;
        };
        let path = path.replace(' ', "");
        let (class, method) = path.split_once("::").unwrap();
        assert!(call.contains(class), "{path} is not called in {call}");
        let called = [format!(".{method}("), format!("::{method}(")];
        assert!(
            called.iter().any(|it| call.contains(it)),
            "{path} is not called in {call}"
        );
    }
}

#[test]
fn the_book_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(MODULE_MAP);
    let expected = module_map();
    if std::env::var_os("ASYNCIO_UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == expected,
        "docs/src/module-map.md differs from the table: run this test with ASYNCIO_UPDATE=1"
    );
}

/// The book's page.
fn module_map() -> String {
    let total = rows().count();
    let count = |is: fn(&Rust) -> bool| rows().filter(|row| is(&row.rust)).count();
    let to_come = count(|it| matches!(it, Rust::Comes(_)));
    let never = count(|it| matches!(it, Rust::Not(_)));
    let here = total - to_come - never;
    let mut page = format!(
        "# Module map\n\n\
         Every public name of asyncio in CPython 3.13, and the methods of the classes that people call, \
         with the path in Rust. Of {total} names {here} are here, {to_come} come with a crate that is \
         not written yet, and {never} have no place in Rust, for the reason given.\n\n\
         This page is generated from the table in `crates/asyncio/tests/python_names`, whose paths are \
         compiled.\n"
    );
    for section in SECTIONS {
        let Section {
            module,
            page: link,
            rows,
        } = section;
        let _ = write!(
            page,
            "\n## {module}\n\n[Python's documentation](https://docs.python.org/3.13/library/{link})\n\n\
             | Python | Rust |\n|---|---|\n"
        );
        for row in *rows {
            let _ = writeln!(page, "| `{}` | {} |", row.python, shown(row));
        }
    }
    page.push_str("\n## What asyncio has not\n\n| | Rust |\n|---|---|\n");
    for (what, paths) in BEYOND {
        let paths: Vec<_> = paths
            .iter()
            .map(|path| format!("`{}`", path.replace(' ', "")))
            .collect();
        let _ = writeln!(page, "| {what} | {} |", paths.join(", "));
    }
    page
}

fn shown(row: &Row) -> String {
    let mut text = match row.rust {
        Rust::Is(path) | Rust::Method(path, _) => format!("`{}`", path.replace(' ', "")),
        Rust::Comes(with) => format!("comes with `{with}`"),
        Rust::Not(reason) => format!("– {reason}"),
    };
    if let Some(note) = row.note {
        let _ = write!(text, "; {note}");
    }
    text
}
