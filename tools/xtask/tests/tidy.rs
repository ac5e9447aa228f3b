//! Each check of texts finds what it is for, and lets pass what keeps the rule.

use xtask::tidy::documents::{Origin, blocks, examples, explained, links};
use xtask::tidy::facade::only_names;
use xtask::tidy::files::{TOP_LEVEL, contents, sizes, top_level};
use xtask::tidy::scenarios::listed;
use xtask::tidy::tests_in_time::sleeps;
use xtask::tidy::{Finding, Repository};
use xtask::tree::Tree;
use xtask::workspace::Workspace;

type Check = fn(&Repository<'_>) -> Vec<Finding>;

fn findings(check: Check, files: &[(&str, &str)]) -> Vec<String> {
    let workspace = Workspace::default();
    let repository = Repository {
        tree: Tree::of(files),
        workspace: &workspace,
    };
    check(&repository).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn passes(check: Check, files: &[(&str, &str)]) {
    assert_eq!(findings(check, files), [""; 0]);
}

/// Insists on exactly one finding, with this text in it.
#[track_caller]
fn refuses(check: Check, files: &[(&str, &str)], message: &str) {
    let found = findings(check, files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(message), "{found:?}");
}

#[test]
fn the_facade_has_names_and_its_runner_has_code() {
    passes(
        only_names,
        &[(
            "crates/asyncio/src/lib.rs",
            "//! fn\npub use asyncio_loop::sleep;",
        )],
    );
    passes(
        only_names,
        &[("crates/asyncio/src/runners.rs", "pub fn run() {}")],
    );
    passes(
        only_names,
        &[("crates/asyncio/src/runners/runner.rs", "impl Runner {}")],
    );
    let file = "crates/asyncio/src/tasks.rs";
    refuses(
        only_names,
        &[(file, "\nfn help() {}")],
        "tasks.rs:2: `fn` in the facade",
    );
    refuses(
        only_names,
        &[(file, "macro_rules! m { () => {} }")],
        "`macro_rules`",
    );
}

#[test]
fn long_files_are_named_and_longer_ones_refused() {
    let lines = |count| "//\n".repeat(count);
    passes(sizes, &[("crates/a/src/a.rs", &lines(400))]);
    refuses(
        sizes,
        &[("crates/a/src/a.rs", &lines(401))],
        "warning: 401 lines",
    );
    refuses(
        sizes,
        &[("crates/a/src/a.rs", &lines(601))],
        "601 lines, 600 at most",
    );
    passes(sizes, &[("crates/a/tests/a.rs", &lines(600))]);
    refuses(
        sizes,
        &[("crates/a/tests/a.rs", &lines(601))],
        "600 at most",
    );
    refuses(
        sizes,
        &[("crates/a/src/lib.rs", &lines(121))],
        "120 at most",
    );
}

#[test]
fn a_file_begins_with_what_it_is() {
    passes(contents, &[("a.rs", "//! A file.\n")]);
    refuses(
        contents,
        &[("a.rs", "use b;\n//! Late.\n")],
        "a.rs:1: does not begin",
    );
}

#[test]
fn drafts_are_refused() {
    let with = |line: &str| format!("//! A file.\n{line}\n");
    refuses(contents, &[("a.rs", &with("todo!()"))], "a.rs:2: `todo!`");
    passes(
        contents,
        &[("a.rs", &with("// A todo!() in a comment is talk."))],
    );
    refuses(
        contents,
        &[("a.rs", &with("#[ignore = \"slow\"]"))],
        "`#[ignore`",
    );
    refuses(
        contents,
        &[("a.rs", &with(concat!("// FIX", "ME later")))],
        "is for drafts",
    );
}

#[test]
fn places_outside_the_repository_are_refused() {
    let places = [
        concat!("../sha", "red/x"),
        concat!("../../sha", "red"),
        concat!("see /ho", "me/me/x"),
        concat!("`/ro", "ot/.cargo`"),
        concat!("(/wo", "rk/main)"),
    ];
    for place in places {
        refuses(contents, &[("docs/src/a.md", place)], "a place outside");
    }
    passes(
        contents,
        &[(
            "docs/src/a.md",
            concat!("examples/wo", "rk/a.rs and the frame", "work"),
        )],
    );
    passes(contents, &[("a.md", concat!("../sha", "red_memory.rs"))]);
}

#[test]
fn the_top_level_is_the_list() {
    let files: Vec<(String, &str)> = TOP_LEVEL
        .iter()
        .map(|top| {
            (
                if top.contains('.') {
                    (*top).into()
                } else {
                    format!("{top}/a")
                },
                "",
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    passes(top_level, &files);
    files.push(("notes.txt", ""));
    refuses(top_level, &files, "notes.txt: is not of the top level");
    files.pop();
    files.retain(|(path, _)| *path != "deny.toml");
    refuses(top_level, &files, "deny.toml: is missing");
}

#[test]
fn blocks_know_language_line_and_example() {
    let text = "text\n<!-- example: a.rs -->\n\n```rust,no_run\ncode\n```\n```sh\n```\n";
    let found = blocks(text);
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].line, found[0].language, found[0].origin),
        (4, "rust,no_run", Some(Origin::Whole("a.rs")))
    );
    assert_eq!(found[0].code, "code\n");
    assert_eq!((found[1].language, found[1].origin), ("sh", None));
}

#[test]
fn code_in_a_document_equals_the_file_that_it_names() {
    let document = "<!-- example: a.rs -->\n```rust\nfn main() {}\n```\n";
    passes(
        examples,
        &[
            ("README.md", document),
            ("a.rs", "//! Header.\n\nfn main() {}\n"),
        ],
    );
    refuses(
        examples,
        &[("README.md", document), ("a.rs", "fn main() { }\n")],
        "differs from a.rs",
    );
    refuses(
        examples,
        &[("README.md", document)],
        "a.rs, where this code is from, is not there",
    );
}

#[test]
fn an_excerpt_stands_in_the_file_that_it_names() {
    let file = (
        "a.rs",
        "fn a() {\n    b();\n\n    if c {\n        d();\n    }\n}\n",
    );
    let excerpt = |code: &str| format!("<!-- excerpt: a.rs -->\n```rust\n{code}```\n");
    for kept in [
        "fn a() {\n    b();\n",
        "b();\n\nif c {\n    d();\n}\n",
        "    b();\n\n    if c {\n",
        "fn a() {\n    // …\n    if c {\n",
        "d();\n",
    ] {
        passes(examples, &[("README.md", &excerpt(kept)), file]);
    }
    for (changed, first) in [
        ("fn a() {\n    c();\n", "fn a() {"),
        ("fn a() {\nb();\n", "fn a() {"),
        ("b();\nif c {\n", "b();"),
        ("if c {\n    // …\n    b();\n", "b();"),
        ("if c {\n        d();\n", "if c {"),
        ("}\n}\n}\n", "}"),
        ("        b();\n", "b();"),
    ] {
        let message = format!("a.rs has no such lines, from `{first}`");
        refuses(
            examples,
            &[("README.md", &excerpt(changed)), file],
            &message,
        );
    }
}

#[test]
fn a_program_without_an_explanation_is_found() {
    let program = ("examples/src/bin/a.rs", "//! A.\nfn main() {}\n");
    let readme = ("examples/README.md", "| `a` | the point | run it |\n");
    let code = "<!-- excerpt: examples/src/bin/a.rs -->\n```rust\nfn main() {}\n```\n";
    let page = ("docs/src/examples.md", code);
    passes(explained, &[program, readme, page]);
    refuses(
        explained,
        &[program, readme],
        "bin/a.rs: no page of docs/src",
    );
    refuses(
        explained,
        &[program, page],
        "bin/a.rs: examples/README.md has no row",
    );
}

#[test]
fn code_in_a_document_is_compiled_somewhere() {
    let readme = ("crates/a/README.md", "```rust\nfn main() {}\n```\n");
    let includes = "#[doc = include_str!(\"../README.md\")]\nstruct Readme;";
    passes(examples, &[readme, ("crates/a/src/lib.rs", includes)]);
    refuses(
        examples,
        &[readme, ("crates/b/src/lib.rs", includes)],
        "nothing compiles this code",
    );
    passes(examples, &[("README.md", "```sh\ncargo test\n```\n")]);
}

#[test]
fn links_lead_somewhere() {
    let page = |link| format!("[a]({link})");
    for link in [
        "b.md",
        "./b.md#part",
        "../src/b.md",
        "https://example.org/",
        "#here",
    ] {
        passes(
            links,
            &[
                ("docs/other/a.md", &page(link)),
                ("docs/other/b.md", ""),
                ("docs/src/b.md", ""),
            ],
        );
    }
    refuses(
        links,
        &[("a.md", "\n[a](b.md)")],
        "a.md:2: the link to `b.md` leads nowhere",
    );
    refuses(links, &[("a.md", "[a](../b.md)")], "leads nowhere");
    passes(links, &[("a.md", "```text\n[a](b.md)\n```\n")]);
}

#[test]
fn the_book_lists_its_pages() {
    let summary = ("docs/src/SUMMARY.md", "- [A](a.md)\n");
    passes(links, &[summary, ("docs/src/a.md", "")]);
    refuses(
        links,
        &[summary, ("docs/src/a.md", ""), ("docs/src/b.md", "")],
        "does not list",
    );
}

#[test]
fn tests_and_the_book_name_the_same_scenarios() {
    let page = (
        "docs/src/reliability.md",
        "| ID |\n| **W6** | late wake |\n- P7: far deadlines, see W9\n",
    );
    let tests = "//! Late.\n#[test]\n#[cfg(unix)]\nfn a_late_wake_w6() {}\n/// P7: far.\n#[test]\nfn far() {}\n";
    passes(listed, &[page, ("crates/a/tests/a.rs", tests)]);
    refuses(
        listed,
        &[
            page,
            (
                "crates/a/tests/a.rs",
                "#[test]\nfn a_w6_p7() {}\n#[test]\nfn b_c1() {}",
            ),
        ],
        "a.rs:4: docs/src/reliability.md has no line for C1",
    );
    refuses(
        listed,
        &[page, ("crates/a/tests/a.rs", "#[test]\nfn a_w6() {}\n")],
        "reliability.md:3: no test carries P7",
    );
    let made_by_macro =
        "#[test]\nfn far_p7() {}\non_every_selector! {\n    late_w6,\n    b_c1,\n}\n";
    refuses(
        listed,
        &[page, ("crates/a/tests/a.rs", made_by_macro)],
        "a.rs:5: docs/src/reliability.md has no line for C1",
    );
    // Neither a helper's name nor a word of code is a scenario.
    passes(
        listed,
        &[(
            "crates/a/tests/a.rs",
            "fn half_h1() {}\nconst W1: u8 = 0;\n#[test]\nfn a_v2() {}",
        )],
    );
}

#[test]
fn a_test_sleeps_only_for_a_reason() {
    let path = "crates/a/tests/a.rs";
    let sleep = "std::thread::sleep(D);";
    refuses(
        sleeps,
        &[(path, &format!("\n{sleep}"))],
        "a.rs:2: a test that sleeps",
    );
    refuses(
        sleeps,
        &[(path, &format!("// A reason.\n{sleep}"))],
        "a test that sleeps",
    );
    passes(
        sleeps,
        &[(
            path,
            &format!("// Real time: the kernel's clock.\n// It has two lines.\n{sleep}"),
        )],
    );
    passes(
        sleeps,
        &[(path, &format!("{sleep} // real time: a signal"))],
    );
    passes(sleeps, &[("crates/a/src/a.rs", sleep)]);
    passes(sleeps, &[(path, &format!("// {sleep}"))]);
}
