//! Which types may cross threads (J2): none but errors.

use asyncio_streams::{
    IncompleteReadError, LimitOverrunError, Lines, OpenConnection, ReadError, StartServer, Stream,
    StreamReader, StreamReaderProtocol, StreamWriter,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

#[test]
fn streams_stay_on_their_thread_and_errors_need_not_j2() {
    assert_not_impl_any!(StreamReader: Send, Sync);
    assert_not_impl_any!(StreamWriter: Send, Sync);
    assert_not_impl_any!(Stream: Send, Sync);
    assert_not_impl_any!(StreamReaderProtocol: Send, Sync);
    assert_not_impl_any!(Lines<'static>: Send, Sync);
    assert_not_impl_any!(OpenConnection: Send, Sync);
    assert_not_impl_any!(StartServer: Send, Sync);
    assert_impl_all!(ReadError: Send, Sync, std::error::Error);
    assert_impl_all!(IncompleteReadError: Send, Sync, std::error::Error);
    assert_impl_all!(LimitOverrunError: Send, Sync, std::error::Error);
}
