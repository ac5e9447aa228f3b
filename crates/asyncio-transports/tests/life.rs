//! The life of a connection as a pure type: which call comes next, and what is refused when.

#![allow(
    dead_code,
    reason = "the whole of the module is compiled, and not all of it is asked"
)]

#[path = "../src/life.rs"]
mod life;

use asyncio_testkit::for_each_seed;
use life::{FlowCall, Life, Next};

fn made() -> Life {
    let mut life = Life::new();
    assert!(life.make());
    life
}

#[test]
fn connection_made_is_called_once() {
    let mut life = Life::new();
    assert!(!life.reads(), "nothing is read before it");
    assert!(life.make());
    assert!(life.reads());
    assert!(!life.make());
}

#[test]
fn a_close_with_nothing_to_write_leads_to_the_loss_at_once() {
    let mut life = made();
    assert_eq!(life.close(true), Next::Lost);
    assert!(life.is_closing() && life.is_ending() && !life.reads());
    assert_eq!(life.close(true), Next::Nothing);
    assert!(life.lose());
    assert!(!life.lose(), "connection_lost is called once");
}

#[test]
fn a_close_waits_for_what_is_unwritten() {
    let mut life = made();
    assert_eq!(life.close(false), Next::Nothing);
    assert!(life.is_closing() && !life.is_ending());
    assert!(!life.has_output() && !life.has_input());
    assert_eq!(life.close(false), Next::Nothing);
    assert_eq!(life.written(), Next::Lost);
    assert_eq!(life.written(), Next::Nothing);
}

#[test]
fn an_abort_does_not_wait() {
    let mut life = made();
    assert_eq!(life.close(false), Next::Nothing);
    assert_eq!(life.break_off(), Next::Lost);
    assert_eq!(life.break_off(), Next::Nothing);
    assert_eq!(life.written(), Next::Nothing);
}

#[test]
fn the_output_is_ended_once_and_after_what_is_unwritten_n5() {
    let mut life = made();
    assert_eq!(life.end_output(false), Next::Nothing);
    assert!(!life.has_output(), "a write after it is refused");
    assert_eq!(life.end_output(true), Next::Nothing);
    assert_eq!(life.written(), Next::EndOutput);
    assert_eq!(life.written(), Next::Nothing);
    assert!(life.reads(), "the other direction goes on");

    let mut life = made();
    assert_eq!(life.end_output(true), Next::EndOutput);
    assert_eq!(life.end_output(true), Next::Nothing);
}

#[test]
fn a_close_after_an_end_of_output_ends_it_with_the_connection() {
    let mut life = made();
    assert_eq!(life.end_output(false), Next::Nothing);
    assert_eq!(life.close(false), Next::Nothing);
    assert_eq!(life.written(), Next::Lost);
}

#[test]
fn the_end_of_the_input_stops_reading_and_nothing_else_n5() {
    let mut life = made();
    life.end_input();
    assert!(!life.reads() && !life.has_input());
    assert!(life.is_reading(), "asyncio: neither paused nor closing");
    assert!(life.has_output() && !life.is_closing());
}

#[test]
fn an_end_that_a_read_of_the_protocols_own_has_found_is_told_after_connection_made() {
    let mut life = Life::new();
    life.end_input_later();
    assert!(!life.is_end_due());
    assert!(life.make());
    assert!(life.is_end_due());
    life.end_input();
    assert!(!life.is_end_due());
}

#[test]
fn pausing_and_resuming_are_idempotent_and_do_nothing_on_a_closing_transport() {
    let mut life = made();
    assert!(!life.resume_reading());
    assert!(life.pause_reading() && !life.pause_reading());
    assert!(!life.is_reading() && !life.reads() && life.has_input());
    assert!(life.resume_reading() && !life.resume_reading());
    assert_eq!(life.close(false), Next::Nothing);
    assert!(!life.pause_reading() && !life.resume_reading());
}

#[test]
fn a_pause_that_was_over_before_it_was_told_is_not_told() {
    let mut life = made();
    assert_eq!(life.flow_call(false), None);
    assert_eq!(life.flow_call(true), Some(FlowCall::Pause));
    assert_eq!(life.flow_call(true), None);
    assert_eq!(life.flow_call(false), Some(FlowCall::Resume));
    assert_eq!(life.flow_call(false), None);
}

#[test]
fn flow_is_not_told_before_connection_made_nor_of_a_lost_connection() {
    let mut life = Life::new();
    assert_eq!(life.flow_call(true), None);
    assert!(life.make());
    assert_eq!(life.flow_call(true), Some(FlowCall::Pause));
    assert_eq!(life.break_off(), Next::Lost);
    assert_eq!(life.flow_call(false), None);
}

#[test]
fn a_pipe_has_one_direction() {
    let mut read = Life::one_way(true);
    assert!(read.make());
    assert!(read.reads() && !read.has_output());
    let mut write = Life::one_way(false);
    assert!(write.make());
    assert!(!write.reads() && !write.has_input() && write.has_output());
}

#[test]
fn whatever_is_done_the_calls_come_in_their_order() {
    for_each_seed(200, |rng| {
        let mut life = Life::new();
        let (mut made, mut lost, mut ended, mut paused) = (0, 0, 0, false);
        let mut losses_due = 0;
        for _ in 0..60 {
            let next = match rng.below(12) {
                0 => {
                    made += u32::from(life.make());
                    Next::Nothing
                }
                1 => life.close(rng.below(2) == 0),
                2 if rng.below(4) == 0 => life.break_off(),
                3 => life.end_output(rng.below(2) == 0),
                4 => life.written(),
                5 => {
                    life.pause_reading();
                    Next::Nothing
                }
                6 => {
                    life.resume_reading();
                    Next::Nothing
                }
                7 => {
                    // As the engine does: the loss is called in a turn after it became due.
                    if life.is_ending() && made == 1 {
                        lost += u32::from(life.lose());
                    }
                    Next::Nothing
                }
                8 if life.reads() => {
                    assert_eq!((made, lost, ended), (1, 0, 0), "data comes in between");
                    if rng.below(4) == 0 {
                        life.end_input();
                        ended += 1;
                    }
                    Next::Nothing
                }
                _ => {
                    if let Some(call) = life.flow_call(rng.below(2) == 0) {
                        assert_eq!((made, lost), (1, 0));
                        assert_eq!(call == FlowCall::Pause, !paused, "they alternate");
                        paused = !paused;
                    }
                    Next::Nothing
                }
            };
            losses_due += u32::from(next == Next::Lost);
            assert!(made <= 1 && lost <= losses_due && losses_due <= 1 && ended <= 1);
            assert!(
                !life.is_ending() || losses_due == 1,
                "a loss is due exactly when it ends"
            );
        }
    });
}
