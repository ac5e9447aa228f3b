//! Code is told from comments and literals.

use xtask::rust_source::{code_only, names_crate, words};

/// Insists that `unsafe` stands in the code of `text` exactly when told so.
#[track_caller]
fn has_unsafe(text: &str, expected: bool) {
    let code = code_only(text);
    assert_eq!(
        words(&code).any(|(_, word)| word == "unsafe"),
        expected,
        "{text} became {code}"
    );
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn comments_are_not_code() {
    has_unsafe("// unsafe", false);
    has_unsafe("/* unsafe /* unsafe */ unsafe */", false);
    has_unsafe("/* /* */ */ unsafe", true);
    has_unsafe("let a = 1; // comment\nunsafe {}", true);
    has_unsafe("/* never closed unsafe", false);
}

#[test]
fn literals_are_not_code() {
    has_unsafe(r#"let a = "unsafe";"#, false);
    has_unsafe(r#"let a = "\"unsafe"; b"#, false);
    has_unsafe(r##"let a = r"\" ; unsafe"##, true);
    has_unsafe(r###"let a = r#"" unsafe"#;"###, false);
    has_unsafe(r###"let a = br#"" unsafe"#; unsafe"###, true);
    has_unsafe("let a = '\"'; unsafe", true);
    has_unsafe("let a = '\\''; unsafe; '\"'", true);
    has_unsafe("let a = '\\\\'; unsafe", true);
    has_unsafe("\"never closed unsafe", false);
}

#[test]
fn lifetimes_and_raw_identifiers_are_code() {
    has_unsafe("fn a<'a>(b: &'a str) { unsafe {} }", true);
    has_unsafe("let r#for = 1; unsafe", true);
    has_unsafe("let bar = \"unsafe\";", false);
}

#[test]
fn words_know_their_lines() {
    let found: Vec<_> = words("a::b\n\n c1(d_e)").collect();
    assert_eq!(found, [(1, "a"), (1, "b"), (3, "c1"), (3, "d_e")]);
}

#[test]
fn a_crate_is_named_by_paths_and_uses() {
    assert!(names_crate("use slab::Slab;", "slab"));
    assert!(names_crate("let a = ::slab::Slab::new();", "slab"));
    assert!(names_crate("pub use slab;", "slab"));
    assert!(names_crate("use slab as keys;", "slab"));
    assert!(!names_crate("use crate::slab::Slab;", "slab"));
    assert!(!names_crate("use other_slab::Slab;", "slab"));
    assert!(!names_crate("let slab = 1;", "slab"));
}
