//! Unsafe code is found, counted, and asked for its reason.

use xtask::tidy::unsafe_code::{FILES, counted_in, forbidden_but, justified};
use xtask::tidy::{Finding, Repository};
use xtask::tree::Tree;
use xtask::workspace::{Package, Target, Workspace};

fn messages(findings: Vec<Finding>) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn counted(files: &[(&str, &str)], agreed: &[(&str, usize)]) -> Vec<String> {
    let workspace = Workspace::default();
    messages(counted_in(
        &Repository {
            tree: Tree::of(files),
            workspace: &workspace,
        },
        agreed,
    ))
}

fn reasons(text: &str) -> usize {
    let workspace = Workspace::default();
    let repository = Repository {
        tree: Tree::of(&[("a.rs", text)]),
        workspace: &workspace,
    };
    justified(&repository).len()
}

#[test]
fn it_stands_in_named_files_only() {
    let code = "fn a() { unsafe { b() } }";
    assert_eq!(counted(&[("a.rs", code)], &[("a.rs", 1)]), [""; 0]);
    assert!(counted(&[("a.rs", code)], &[])[0].contains("a.rs:1: unsafe code in a file that"));
    assert_eq!(
        counted(&[("a.rs", "// unsafe\n#![forbid(unsafe_code)]")], &[]),
        [""; 0]
    );
}

#[test]
fn its_amount_is_agreed() {
    let code = "unsafe {}\nunsafe {}\n";
    assert_eq!(counted(&[("a.rs", code)], &[("a.rs", 2)]), [""; 0]);
    for agreed in [1, 3] {
        let found = counted(&[("a.rs", code)], &[("a.rs", agreed)]);
        assert!(found[0].contains("stands here 2 times"), "{found:?}");
    }
    assert!(counted(&[], &[("gone.rs", 1)])[0].contains("it is not there"));
}

#[test]
fn a_named_file_has_one_entry() {
    for (index, (path, _)) in FILES.iter().enumerate() {
        assert!(
            FILES[..index].iter().all(|(other, _)| other != path),
            "{path} stands there twice"
        );
    }
}

#[test]
fn a_block_and_an_implementation_have_a_reason() {
    assert_eq!(reasons("fn a() {\n    unsafe { b() }\n}\n"), 1);
    assert_eq!(
        reasons("fn a() {\n    // SAFETY: b is.\n    unsafe { b() }\n}\n"),
        0
    );
    assert_eq!(
        reasons("// SAFETY: b is,\n// as c shows.\nlet a =\n    unsafe { b() };\n"),
        0
    );
    assert_eq!(reasons("unsafe { b() } // SAFETY: b is.\n"), 0);
    assert_eq!(reasons("// SAFETY: another's.\nc();\nunsafe { b() };\n"), 1);
    assert_eq!(reasons("unsafe impl Send for A {}\n"), 1);
    assert_eq!(
        reasons("// SAFETY: it owns what it points to.\nunsafe impl Send for A {}\n"),
        0
    );
    assert_eq!(reasons("/// # Safety\nunsafe fn a() {}\n"), 0);
}

#[test]
fn all_other_crates_forbid_it() {
    let target = |path: &str| Target {
        kind: "lib".into(),
        path: path.into(),
        ..Target::default()
    };
    let package = Package {
        is_member: true,
        targets: vec![target("crates/a/src/lib.rs")],
        ..Package::default()
    };
    let workspace = Workspace {
        packages: vec![package],
        ..Workspace::default()
    };
    let found = |root: &str, agreed: &[(&str, usize)]| {
        let tree = Tree::of(&[("crates/a/src/lib.rs", root)]);
        messages(forbidden_but(
            &Repository {
                tree,
                workspace: &workspace,
            },
            agreed,
        ))
    };
    let named: &[(&str, usize)] = &[("crates/a/src/raw.rs", 1)];
    assert_eq!(found("#![forbid(unsafe_code)]", &[]), [""; 0]);
    assert!(found("#![deny(unsafe_code)]", &[])[0].contains("lacks `#![forbid(unsafe_code)]`"));
    assert_eq!(found("#![deny(unsafe_code)]", named), [""; 0]);
    assert!(found("// #![deny(unsafe_code)]", named)[0].contains("lacks `#![deny(unsafe_code)]`"));
}
