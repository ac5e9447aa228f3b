//! Panics of a body and of its clean-up: both run to where they can, and nothing is lost silently.

mod stage;

use std::future::pending;

use asyncio_executor::{finally, finally_with};
use stage::{Drops, Stage, cleans, outcome, pause};

#[test]
fn after_a_panic_the_clean_up_runs_and_the_panic_goes_on() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let body = async {
            let _drops = Drops(stage.clone(), "body");
            pause(1).await;
            panic!("of the body");
        };
        let clean_up = cleans(&stage, "x", 2);
        finally(body, || clean_up()).await;
        stage.say("never");
    });
    stage.settle();
    let expected = ["2 drop body", "2 x cleans", "4 x cleaned", "4 drop x"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "task panicked: of the body");
    stage.assert_clean();
}

/// What a panic of the clean-up replaces is not lost silently, where it was a panic, too.
#[test]
fn a_panic_of_the_clean_up_replaces_how_the_body_ended() {
    for (body, turns) in [("value", 1), ("cancelled", 1), ("panic", 1), ("panic", 0)] {
        let stage = Stage::new();
        let reports = stage.reports();
        let task = stage.spawn(async move |_| {
            let ends = async {
                match body {
                    "value" => {}
                    "cancelled" => pending().await,
                    _ => panic!("of the body"),
                }
            };
            finally(ends, move || async move {
                pause(turns).await;
                panic!("of the clean-up");
            })
            .await;
        });
        stage.turn();
        if body == "cancelled" {
            task.cancel();
        }
        stage.settle();
        assert_eq!(outcome(task), "task panicked: of the clean-up");
        let reports = reports.take();
        if body == "panic" {
            assert_eq!(reports.len(), 1, "{reports:?}");
            assert!(reports[0].contains("was replaced: panicked: of the body; created at"));
        } else {
            assert!(reports.is_empty(), "{reports:?}");
        }
        stage.assert_clean();
    }
}

#[test]
fn a_panic_that_a_cancellation_replaces_is_reported() {
    let stage = Stage::new();
    let reports = stage.reports();
    let task = stage.spawn(async move |_| {
        finally(async { panic!("of the body") }, || pause(9)).await;
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let reports = reports.take();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("of the body"), "{reports:?}");
    assert_eq!(outcome(task), "cancelled");
}

/// Panics in its destructor.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("of a destructor");
    }
}

#[test]
fn a_panic_in_the_bodys_destructor_is_a_panic_of_the_body() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let body = async {
            let _panics = PanicsOnDrop;
            pending::<()>().await;
        };
        let clean_up = cleans(&stage, "x", 1);
        finally(body, || clean_up()).await;
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["2 x cleans", "3 x cleaned", "3 drop x"]);
    assert_eq!(outcome(task), "task panicked: of a destructor");
    stage.assert_clean();
}

#[test]
fn a_body_that_borrows_and_panics_gives_the_resource_to_the_clean_up() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        finally_with(
            1,
            async |number| {
                *number += 1;
                pause(1).await;
                panic!("of the body");
            },
            async move |number| stage.tell(format!("{number}")),
        )
        .await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["2 2"]);
    assert_eq!(outcome(task), "task panicked: of the body");
    stage.assert_clean();
}
