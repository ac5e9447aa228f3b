//! The suite that every transport must pass, over each kind.

mod suite;

use std::net::{TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::EventLoop;
use asyncio_reactor::SelectorKind;
use asyncio_timers::ManualClock;
use asyncio_transports::testing::{Wire, memory_pair};
use asyncio_transports::{Transport, TransportSocket, connect_accepted_socket};
#[cfg(unix)]
use asyncio_transports::{connect_read_pipe, connect_write_pipe};
use suite::{Kind, Recorder};

macro_rules! whole_suite {
    ($kind:ty) => {
        crate::suite! { $kind:
            order::a_connection_is_made_before_anything_comes,
            order::bytes_come_whole_and_in_order,
            order::an_empty_write_is_nothing,
            order::both_directions_are_independent,
            flow::who_writes_too_much_is_paused_and_resumed,
            flow::a_high_mark_of_zero_pauses_at_the_first_byte_kept,
            flow::marks_in_the_wrong_order_are_refused,
            flow::a_reader_that_stalls_bounds_what_a_polite_writer_keeps_n7,
            flow::what_is_written_when_resumed_is_in_order,
            ends::close_writes_what_is_buffered,
            ends::close_calls_nothing_at_once,
            ends::abort_loses_what_is_buffered,
            ends::each_side_is_ended_by_itself,
            ends::the_end_follows_what_is_buffered,
            ends::the_peers_end_closes_who_does_not_object,
            ends::a_reset_is_told_with_its_error,
            ends::a_reset_is_told_when_reading_is_resumed,
            ends::writes_to_a_peer_that_is_gone_end_the_connection,
            ends::a_closed_transport_answers_and_does_nothing,
            ends::handles_that_are_dropped_close_nothing,
            ends::a_loop_that_closes_lets_go_of_protocols,
            reading::nothing_comes_to_who_is_paused,
            reading::a_pause_within_a_call_holds_from_then_on,
            reading::who_reads_by_itself_takes_what_it_wants,
            reading::a_reset_is_told_to_who_reads_by_itself,
            reading::another_protocol_gets_what_comes_later,
            reentrant::every_call_may_be_made_from_every_callback_p2,
            reentrant::a_protocol_that_is_borrowed_loses_its_connection,
        }
    };
}

mod memory {
    use super::*;

    struct Memory;

    impl Kind for Memory {
        fn event_loop() -> EventLoop {
            let clock = ManualClock::new();
            EventLoop::builder()
                .simulated(&clock)
                .unwrap()
                .build()
                .unwrap()
        }

        async fn pair(left: Recorder, right: Recorder) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
            let (one, other) = memory_pair();
            (one.start(left).unwrap().0, other.start(right).unwrap().0)
        }

        fn reset(left: &Rc<dyn Transport>, _: &Rc<dyn Transport>) {
            left.get_extra_info::<Wire>().unwrap().reset();
        }
    }

    whole_suite! { Memory }
}

/// Makes transports of two connected sockets.
async fn over(
    one: socket2::Socket,
    other: socket2::Socket,
    left: Recorder,
    right: Recorder,
) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
    let (one, _) = connect_accepted_socket(|| left, one).await.unwrap();
    let (other, _) = connect_accepted_socket(|| right, other).await.unwrap();
    (one, other)
}

mod tcp {
    use super::*;

    pub(super) struct Tcp;

    impl Tcp {
        pub(super) async fn connect(
            left: Recorder,
            right: Recorder,
        ) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (other, _) = listener.accept().unwrap();
            over(one.into(), other.into(), left, right).await
        }

        pub(super) fn break_off(left: &Rc<dyn Transport>) {
            let socket: TransportSocket = left.get_extra_info().unwrap();
            let at_once = Some(Duration::ZERO);
            socket.with(|socket| socket.set_linger(at_once)).unwrap();
            left.abort();
        }
    }

    impl Kind for Tcp {
        fn event_loop() -> EventLoop {
            EventLoop::new().unwrap()
        }

        async fn pair(left: Recorder, right: Recorder) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
            Self::connect(left, right).await
        }

        fn reset(left: &Rc<dyn Transport>, _: &Rc<dyn Transport>) {
            Self::break_off(left);
        }
    }

    whole_suite! { Tcp }
}

/// The same where the selector has no edges.
mod tcp_by_poll {
    use super::*;

    struct Tcp;

    impl Kind for Tcp {
        fn event_loop() -> EventLoop {
            let builder = EventLoop::builder().selector_kind(SelectorKind::Poll);
            builder.build().unwrap()
        }

        async fn pair(left: Recorder, right: Recorder) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
            tcp::Tcp::connect(left, right).await
        }

        fn reset(left: &Rc<dyn Transport>, _: &Rc<dyn Transport>) {
            tcp::Tcp::break_off(left);
        }
    }

    whole_suite! { Tcp }
}

#[cfg(unix)]
mod unix {
    use super::*;

    struct Unix;

    impl Kind for Unix {
        fn event_loop() -> EventLoop {
            EventLoop::new().unwrap()
        }

        async fn pair(left: Recorder, right: Recorder) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
            let (one, other) = UnixStream::pair().unwrap();
            let [one, other] = [one, other].map(socket2::Socket::from);
            over(one, other, left, right).await
        }

        /// Bytes that nobody has read break the connection.
        fn reset(left: &Rc<dyn Transport>, right: &Rc<dyn Transport>) {
            left.pause_reading();
            let _ = right.write(b"unread");
            left.abort();
        }
    }

    whole_suite! { Unix }
}

/// What is there in one direction.
#[cfg(unix)]
mod pipe {
    use super::*;

    struct Pipe;

    impl Kind for Pipe {
        fn event_loop() -> EventLoop {
            EventLoop::new().unwrap()
        }

        async fn pair(left: Recorder, right: Recorder) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
            let (reader, writer) = std::io::pipe().unwrap();
            let (_, left) = connect_write_pipe(|| left, writer).await.unwrap();
            let (_, right) = connect_read_pipe(|| right, reader).await.unwrap();
            let [left, right] = [left, right].map(|end| end.borrow().transport().unwrap());
            (left, right)
        }

        /// It cannot be.
        fn reset(_: &Rc<dyn Transport>, _: &Rc<dyn Transport>) {}
    }

    crate::suite! { Pipe:
        order::a_connection_is_made_before_anything_comes,
        order::bytes_come_whole_and_in_order,
        order::an_empty_write_is_nothing,
        flow::who_writes_too_much_is_paused_and_resumed,
        flow::a_high_mark_of_zero_pauses_at_the_first_byte_kept,
        flow::marks_in_the_wrong_order_are_refused,
        flow::a_reader_that_stalls_bounds_what_a_polite_writer_keeps_n7,
        flow::what_is_written_when_resumed_is_in_order,
        ends::close_writes_what_is_buffered,
        ends::close_calls_nothing_at_once,
        ends::abort_loses_what_is_buffered,
        ends::a_closed_transport_answers_and_does_nothing,
        ends::a_loop_that_closes_lets_go_of_protocols,
        reading::nothing_comes_to_who_is_paused,
        reading::a_pause_within_a_call_holds_from_then_on,
        reading::who_reads_by_itself_takes_what_it_wants,
        reading::another_protocol_gets_what_comes_later,
    }
}
